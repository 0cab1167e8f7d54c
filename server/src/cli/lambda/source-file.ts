// A function in a file: its runtime and handler as the file tells them, and the package that is made of what lies beside it.

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative } from 'node:path';
import { zip } from '../demo/zip.ts';
import { UsageError } from '../logs/usage-error.ts';

const NODEJS = 'nodejs24.x';
const PYTHON = 'python3.13';
const RUNTIMES: Record<string, string> = {
  '.py': PYTHON,
  '.js': NODEJS,
  '.mjs': NODEJS,
  '.cjs': NODEJS,
  '.rb': 'ruby3.4',
  '.jar': 'java21',
};
/** What no function needs. */
const SKIPPED = new Set(['.git', '.venv', '.mypy_cache', '.pytest_cache', '__pycache__', '.DS_Store']);
/** A request may have 72 MB, in base64; beyond this the file should lie in a directory of its own. */
const MOST_BYTES = 50 * 1024 * 1024;
const MOST_FILES = 20_000;

export interface SourceFile {
  path: string;
  runtime: string;
  handler: string;
}

/** Throws UsageError where the file is missing or does not tell enough. */
export async function readSourceFile(path: string, given: { runtime?: string; handler?: string }): Promise<SourceFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'ENOENT' ? `There is no file ${path}.` : `${path} cannot be read: ${error.message}`,
    );
  });
  const extension = extname(path);
  const runtime = given.runtime ?? RUNTIMES[extension];
  if (runtime === undefined) {
    throw new UsageError(
      `Which runtime ${basename(path)} needs cannot be told from its name (known: ${Object.keys(RUNTIMES).join(' ')}). Give --runtime.`,
    );
  }
  if (given.handler !== undefined) return { path, runtime, handler: given.handler };
  if (extension === '.jar') {
    throw new UsageError(
      `Which class of ${basename(path)} is the handler cannot be told. Give --handler package.Class.`,
    );
  }
  const name = handlerIn(text, runtime);
  if (name === undefined) {
    throw new UsageError(
      `No handler was found in ${basename(path)}. Give --handler ${basename(path, extension)}.NAME.`,
    );
  }
  return { path, runtime, handler: `${basename(path, extension)}.${name}` };
}

function handlerIn(text: string, runtime: string): string | undefined {
  if (runtime.startsWith('python')) return pythonHandler(text);
  return runtime.startsWith('ruby') ? rubyHandler(text) : nodeHandler(text);
}

function pythonHandler(text: string): string | undefined {
  const names = [...text.matchAll(/^(?:async\s+)?def\s+(\w+)\s*\(|^(\w*handler)\s*=/gm)].map(
    (match) => match[1] ?? match[2]!,
  );
  return choose(names);
}

/** `lambda_handler`, or `Class.process` for a method of a class. */
function rubyHandler(text: string): string | undefined {
  const plain = choose([...text.matchAll(/^def\s+(\w+)\s*\(/gm)].map((match) => match[1]!));
  if (plain !== undefined) return plain;
  const owner = /^class\s+(\w+)/m.exec(text)?.[1];
  const method = choose([...text.matchAll(/^\s+def\s+self\.(\w+)\s*\(/gm)].map((match) => match[1]!));
  return owner === undefined || method === undefined ? undefined : `${owner}.${method}`;
}

function nodeHandler(text: string): string | undefined {
  const names = [
    ...text.matchAll(/\bexport\s+(?:async\s+)?(?:function\s*\*?\s*|const\s+|let\s+|var\s+)(\w+)/g),
    ...text.matchAll(/\bexports\.(\w+)\s*=/g),
    ...text.matchAll(/\bexport\s*\{[^}]*?\b(\w*[hH]andler)\b[^}]*\}/g),
    ...text.matchAll(/\bmodule\.exports\s*=\s*\{[^}]*?\b(\w*[hH]andler)\b/g),
  ].map((match) => match[1]!);
  return choose(names);
}

/** The customary names first, else the only one that sounds like a handler, else the only one. */
function choose(names: readonly string[]): string | undefined {
  for (const usual of ['lambda_handler', 'handler', 'lambdaHandler']) if (names.includes(usual)) return usual;
  const handlers = names.filter((name) => /handler$/i.test(name));
  if (handlers.length === 1) return handlers[0];
  return names.length === 1 ? names[0] : undefined;
}

/** The usual names of the file that holds the handler. */
const ENTRIES = ['lambda_function', 'app', 'main', 'index', 'handler', 'function'];

/** The file in a directory that holds the handler; throws UsageError where it cannot be told. */
export async function findSourceFile(directory: string): Promise<string> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${directory} cannot be read as a directory: ${error.message}`);
  });
  const sources = names.filter((name) => RUNTIMES[extname(name)] !== undefined && extname(name) !== '.jar').sort();
  const usual = ENTRIES.flatMap((entry) => sources.filter((name) => basename(name, extname(name)) === entry));
  const found = usual[0] ?? (sources.length === 1 ? sources[0] : undefined);
  if (found !== undefined) return join(directory, found);
  throw new UsageError(
    `Which file in ${directory} holds the handler cannot be told (usual: ${ENTRIES.join(', ')}). Give --handler and --runtime.`,
  );
}

/** A zip of the directory that the file lies in, and of `more` files by their names; a jar is a package by itself. */
export async function packageOf({ path }: SourceFile, more: Record<string, string> = {}): Promise<Buffer> {
  if (extname(path) === '.jar') return readFile(path);
  const root = dirname(path);
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  const walk = async (directory: string): Promise<void> => {
    for (const entry of await readdir(directory, { withFileTypes: true })) {
      if (SKIPPED.has(entry.name)) continue;
      const full = join(directory, entry.name);
      // Links are followed, as node_modules of workspaces are made of them.
      const info = entry.isSymbolicLink() ? await stat(full).catch(() => undefined) : entry;
      if (info?.isDirectory()) {
        await walk(full);
      } else if (info?.isFile()) {
        const content = await readFile(full);
        bytes += content.length;
        files.set(relative(root, full).replaceAll('\\', '/'), content);
        if (bytes > MOST_BYTES || files.size > MOST_FILES) {
          throw new UsageError(
            `${root} holds more than a function may (${MOST_BYTES / 2 ** 20} MB, ${MOST_FILES} files). Put ${basename(path)} into a directory of its own.`,
          );
        }
      }
    }
  };
  await walk(root);
  for (const [name, content] of Object.entries(more)) files.set(name, Buffer.from(content));
  return zip(files);
}
