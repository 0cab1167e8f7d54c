// Which language the demo's functions are written in here: Python where it has boto3, else Node.js.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface FunctionLanguage {
  /** As CreateFunction takes it. */
  runtime: 'python3.9' | 'python3.10' | 'python3.11' | 'python3.12' | 'python3.13' | 'python3.14' | 'nodejs24.x';
  /** Of the sources in examples/pipeline. */
  extension: 'py' | 'mjs';
  handlerName: string;
  /** Why not Python. */
  note?: string;
}

const PROBE = 'import sys, boto3; print("python3.%d" % sys.version_info[1])';
const PYTHON_RUNTIMES = /^python3\.(9|1[0-4])$/;

export async function chooseLanguage(): Promise<FunctionLanguage> {
  const nodejs = { runtime: 'nodejs24.x', extension: 'mjs', handlerName: 'lambdaHandler' } as const;
  try {
    const { stdout } = await promisify(execFile)('python3', ['-c', PROBE]);
    const runtime = stdout.trim();
    if (!PYTHON_RUNTIMES.test(runtime)) return { ...nodejs, note: `no Lambda runtime is called ${runtime}` };
    return { runtime: runtime as FunctionLanguage['runtime'], extension: 'py', handlerName: 'lambda_handler' };
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { ...nodejs, note: missing ? 'there is no python3 here' : 'python3 has no boto3 here' };
  }
}
