// Code that stays where it is: `S3Bucket=hot-reload` and `S3Key=/a/directory` run a function from that directory of this machine. What
// is saved there counts from the next invocation on, which begins with a new environment.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FunctionCode } from '@aws-sdk/client-lambda';
import type { Config } from '#core/config.ts';
import { AwsError } from '#core/errors.ts';
import { CodeStore } from '#engines/functions/function-engine.ts';
import type { CodeReference } from './documents.ts';

const BUCKET = 'hot-reload';
/** Looked at for changes; what lies beyond is noticed when one of the others changes. */
const MOST_FILES = 5_000;
/** Others' code, and what runtimes write by themselves. */
const UNWATCHED = new Set(['.git', '.venv', '__pycache__', 'node_modules']);

/** The reference to a directory where the request names one; throws where that is not to be had. */
export async function readHotReload(
  { accessKeys }: Pick<Config, 'accessKeys'>,
  { S3Bucket, S3Key }: Pick<FunctionCode, 'S3Bucket' | 'S3Key'>,
): Promise<CodeReference | undefined> {
  if (S3Bucket !== BUCKET || !S3Key?.startsWith('/')) return undefined;
  // With access keys there are callers who must not read this machine's files.
  if (accessKeys.size > 0)
    throw invalid('Code is reloaded from directories only where Brume runs without access keys.');
  const found = await stat(S3Key).catch(() => undefined);
  if (!found?.isDirectory()) throw invalid(`${S3Key} is not a directory of the machine that Brume runs on.`);
  return { objectId: '', sizeBytes: 0, sha256: CodeStore.hash(Buffer.from(S3Key)), directory: S3Key };
}

export function showDirectory(directory: string): string {
  return pathToFileURL(directory).href;
}

/** Changes with the names, sizes and times of the files. Throws InvalidZipFileException when the directory is gone. */
export async function stateOf(directory: string): Promise<string> {
  const files: string[] = [];
  try {
    await collect(directory, files);
  } catch (error) {
    throw new AwsError(
      'InvalidZipFileException',
      `The code in ${directory} cannot be read: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  return CodeStore.hash(Buffer.from(files.join('\n')));
}

async function collect(directory: string, files: string[]): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (files.length >= MOST_FILES) return;
    if (UNWATCHED.has(entry.name) || entry.name.endsWith('.pyc')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      await collect(path, files);
      continue;
    }
    // Editors replace files; what goes between the two looks counts as gone.
    const found = await stat(path).catch(() => undefined);
    if (found) files.push(`${path} ${found.size} ${found.mtimeMs}`);
  }
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
