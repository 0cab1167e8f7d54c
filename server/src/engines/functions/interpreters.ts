// Finds what runs a runtime on this machine: Python by asking the interpreters on the PATH, Node.js as the one that runs
// Brume. Each is asked once; the answer holds all that a sandbox must show of the host for it to work.

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { findDotnet } from './dotnet.ts';
import {
  firstLine,
  type Interpreter,
  MissingInterpreterError,
  PROBE_TIMEOUT_MS,
  RUNTIME_SOURCES,
  versionNames,
} from './interpreter.ts';
import { findJava } from './java/find-java.ts';
import { findRuby } from './ruby.ts';

/** The node_modules that holds the AWS SDK: Node.js functions find it there, as they do on AWS. */
const SDK_MODULES = createRequire(import.meta.url)
  .resolve('@aws-sdk/client-s3')
  .replace(/(?<=[\\/]node_modules)[\\/]@aws-sdk[\\/].*$/, '');

/** Prints what it is as JSON, and compiles the bootstrap for itself: a cold start then only loads it. */
const PYTHON_PROBE = `
import json, os, py_compile, sys
source, target = sys.argv[1:]
version = "%d.%d.%d" % sys.version_info[:3]
directory = os.path.join(target, "python-" + version)
os.makedirs(directory, exist_ok=True)
py_compile.compile(source, os.path.join(directory, "bootstrap.pyc"), "/var/runtime/bootstrap.py", doraise=True)
print(json.dumps({"executable": os.path.realpath(sys.executable), "version": version, "prefix": sys.base_prefix,
                  "path": [entry for entry in sys.path if os.path.isdir(entry)], "directory": directory}))
`;

interface PythonFacts {
  executable: string;
  version: string;
  prefix: string;
  path: string[];
  directory: string;
}

export interface InterpretersOptions {
  /** From the configuration: runtime name -> executable. */
  configured: Readonly<Record<string, string>>;
  /** Where compiled bootstraps are kept. */
  dir: string;
}

export class Interpreters {
  readonly #options: InterpretersOptions;
  readonly #closing = new AbortController();
  readonly #found = new Map<string, Promise<Interpreter>>();

  constructor(options: InterpretersOptions) {
    this.#options = options;
  }

  /** The interpreter for `python3.12` or `nodejs24.x`; rejects with MissingInterpreterError. */
  find(runtime: string): Promise<Interpreter> {
    let found = this.#found.get(runtime);
    if (!found) {
      found = this.#find(runtime);
      this.#found.set(runtime, found);
      // What is missing may be installed while Brume runs.
      found.catch(() => this.#found.delete(runtime));
    }
    return found;
  }

  /** Ends what is still being prepared for later starts. */
  close(): void {
    this.#closing.abort();
  }

  async #find(runtime: string): Promise<Interpreter> {
    const python = /^python(3\.\d+)$/.exec(runtime)?.[1];
    if (python) return this.#findPython(runtime, python);
    const node = /^nodejs(\d+)\.x$/.exec(runtime)?.[1];
    if (node) return this.#findNode(runtime, node);
    const ruby = /^ruby(\d+\.\d+)$/.exec(runtime)?.[1];
    if (ruby) return findRuby(runtime, ruby, this.#options.configured[runtime]);
    const provided = /^provided\.(al2|al2023)$/.exec(runtime)?.[1];
    if (provided) return this.#provided(runtime, provided);
    const java = /^java(\d+)(\.al2|\.al2023)?$/.exec(runtime)?.[1];
    if (java) {
      const { dir } = this.#options;
      return findJava(runtime, Number(java), {
        configured: this.#options.configured[runtime],
        dir,
        signal: this.#closing.signal,
      });
    }
    const dotnet = /^dotnet(\d+)$/.exec(runtime)?.[1];
    if (dotnet) {
      const configured = this.#options.configured[runtime];
      return findDotnet(runtime, Number(dotnet), { configured, environment: process.env });
    }
    throw new MissingInterpreterError(
      `Brume does not run the runtime ${runtime} yet: it runs python3.x, nodejsNN.x, rubyN.N, javaNN, dotnetNN and provided.*.`,
    );
  }

  /** Whatever the system is called: a program that brings all it needs runs on any Linux. */
  async #provided(runtime: string, system: string): Promise<Interpreter> {
    const runtimeDir = join(this.#options.dir, 'provided');
    await mkdir(runtimeDir, { recursive: true });
    return {
      runtime,
      language: 'provided',
      // Each function has another; this one is for trying the sandbox out.
      executable: '/bin/true',
      version: '',
      exact: true,
      runtimeDir,
      args: [],
      libraryDirs: [],
      ...versionNames(`provided:${system}.v1`),
    };
  }

  async #findPython(runtime: string, wanted: string): Promise<Interpreter> {
    const { configured, dir } = this.#options;
    await mkdir(dir, { recursive: true });
    const candidates = configured[runtime] ? [configured[runtime]] : [`python${wanted}`, 'python3', 'python'];
    let lastError: unknown;
    for (const candidate of candidates) {
      let facts: PythonFacts;
      try {
        facts = await this.#probePython(candidate);
      } catch (error) {
        lastError = error;
        continue;
      }
      const [major, minor, patch] = facts.version.split('.');
      if (major !== '3') continue;
      const packages = facts.path.filter((entry) => /^(site|dist)-packages$/.test(basename(entry)));
      return {
        runtime,
        language: 'python',
        executable: facts.executable,
        version: facts.version,
        exact: `${major}.${minor}` === wanted,
        runtimeDir: facts.directory,
        // Without `site`, which takes longer than the rest of the start; its directories come as an argument.
        args: ['-S', '{runtime}/bootstrap.pyc', packages.join(':')],
        libraryDirs: [facts.prefix, ...packages],
        ...versionNames(`python:${major}.${minor}.v${patch}`),
      };
    }
    throw new MissingInterpreterError(
      `The runtime ${runtime} needs Python on this machine. Install python${wanted} (or any python3), or name it in the ` +
        `configuration (functions.interpreters).${lastError === undefined ? '' : ` Last tried: ${firstLine(lastError)}`}`,
    );
  }

  async #probePython(candidate: string): Promise<PythonFacts> {
    const source = join(RUNTIME_SOURCES, 'python', 'bootstrap.py');
    const { stdout } = await promisify(execFile)(candidate, ['-E', '-c', PYTHON_PROBE, source, this.#options.dir], {
      timeout: PROBE_TIMEOUT_MS,
    });
    return JSON.parse(stdout) as PythonFacts;
  }

  async #findNode(runtime: string, wanted: string): Promise<Interpreter> {
    const executable = this.#options.configured[runtime] ?? process.execPath;
    let version = process.versions.node;
    if (executable !== process.execPath) {
      try {
        const { stdout } = await promisify(execFile)(executable, ['--version'], { timeout: PROBE_TIMEOUT_MS });
        version = stdout.trim().replace(/^v/, '');
      } catch (error) {
        throw new MissingInterpreterError(`The runtime ${runtime} is configured as ${executable}: ${firstLine(error)}`);
      }
    }
    const [major, minor] = version.split('.');
    return {
      runtime,
      language: 'nodejs',
      executable,
      version,
      exact: major === wanted,
      runtimeDir: join(RUNTIME_SOURCES, 'nodejs'),
      args: ['{runtime}/bootstrap.cjs', SDK_MODULES],
      libraryDirs: [SDK_MODULES],
      ...versionNames(`nodejs:${major}.v${minor}`),
    };
  }
}
