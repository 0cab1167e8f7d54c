// `--inspect`: the handler is wrapped in one that opens the debugger's port and waits for somebody before it loads the code.

import { basename, extname } from 'node:path';
import { UsageError } from '../logs/usage-error.ts';
import type { SourceFile } from './source-file.ts';

const WRAPPER = '_brume_debugger';
const NODEJS_PORT = 9229;
const PYTHON_PORT = 5678;

export interface DebugTarget {
  port: number;
  /** Of the function as it is deployed. */
  handler: string;
  announcement: string;
}

/** Throws UsageError for other runtimes than Node.js and Python, and for what is no port. */
export function debugTarget({ runtime }: SourceFile, given: string | true): DebugTarget {
  const python = runtime.startsWith('python');
  if (!python && !runtime.startsWith('nodejs')) {
    throw new UsageError(`--inspect works with Node.js and Python functions, not with ${runtime}.`);
  }
  const port = given === true ? (python ? PYTHON_PORT : NODEJS_PORT) : Number(given);
  if (!Number.isInteger(port) || port < 1_024 || port > 65_535) {
    throw new UsageError(`--inspect ${given} is not a port from 1024 to 65535.`);
  }
  const how = python
    ? `attach a debugger that speaks DAP (VS Code: "Python Debugger: Remote Attach") to 127.0.0.1:${port}; paths map to /var/task`
    : `open chrome://inspect, or attach your editor to 127.0.0.1:${port}`;
  return { port, handler: `${WRAPPER}.handler`, announcement: `The function waits for a debugger: ${how}.` };
}

/** The wrapper, as a file of the package. */
export function withDebugger(source: SourceFile, { port }: DebugTarget): Record<string, string> {
  const name = source.handler.slice(source.handler.lastIndexOf('.') + 1);
  if (source.runtime.startsWith('python')) return { [`${WRAPPER}.py`]: pythonWrapper(source, name, port) };
  return { [`${WRAPPER}.mjs`]: nodeWrapper(source, name, port) };
}

/** The client's first command after attaching lets the code run. */
function nodeWrapper({ path }: SourceFile, name: string, port: number): string {
  return `import inspector from 'node:inspector';

inspector.open(${port}, '127.0.0.1');
let loaded;

export async function handler(event, context) {
  if (!loaded) inspector.waitForDebugger();
  loaded ??= import('./${basename(path)}');
  const module = await loaded;
  const run = module[${JSON.stringify(name)}] ?? module.default[${JSON.stringify(name)}];
  return new Promise((resolve, reject) => {
    const answer = run(event, context, (error, value) => (error ? reject(error) : resolve(value)));
    if (typeof answer?.then === 'function' || run.length < 3) resolve(answer);
  });
}
`;
}

function pythonWrapper({ path }: SourceFile, name: string, port: number): string {
  return `import importlib

try:
    import debugpy
except ImportError as error:
    raise ImportError("--inspect needs debugpy: pip install debugpy") from error

debugpy.listen(("127.0.0.1", ${port}), in_process_debug_adapter=True)


def handler(event, context):
    debugpy.wait_for_client()
    return getattr(importlib.import_module(${JSON.stringify(basename(path, extname(path)))}), ${JSON.stringify(name)})(event, context)
`;
}
