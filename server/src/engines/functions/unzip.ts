// Unpacks a function's code. A package is a stranger's file: its size, its entries and where they point are checked
// before anything is written, and nothing is ever written through a link.

import { createWriteStream } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const LARGEST_UNZIPPED_BYTES = 262_144_000;
const MOST_ENTRIES = 100_000;
const LONGEST_LINK_BYTES = 4_096;

/** The file is no zip, is damaged, or has entries that no package should have. */
export class BrokenPackageError extends Error {}
export class PackageTooLargeError extends Error {}

/** Unpacks into an empty directory. Rejects with BrokenPackageError or PackageTooLargeError. */
export async function unzip(data: Uint8Array, directory: string): Promise<void> {
  const zip = await openZip(data);
  const entries = await listEntries(zip);
  const links = entries.filter((entry) => typeOf(entry) === LINK);
  refuseEntriesBehindLinks(entries, links);
  const made = new Set<string>();
  const makeDirectory = async (path: string) => {
    if (made.has(path)) return;
    await mkdir(path, { recursive: true, mode: 0o755 });
    made.add(path);
  };
  try {
    for (const entry of entries) {
      const path = join(directory, entry.fileName);
      if (entry.fileName.endsWith('/')) {
        await makeDirectory(path);
        continue;
      }
      await makeDirectory(dirname(path));
      if (typeOf(entry) === LINK) continue;
      await pipeline(await openEntry(zip, entry), createWriteStream(path, { mode: modeOf(entry) }));
    }
    for (const entry of links) {
      const target = await readLink(zip, entry);
      await symlink(target, join(directory, entry.fileName));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The disk's troubles are not the package's, except for names that clash or are too long.
    if (
      code !== undefined &&
      !['EEXIST', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(code) &&
      !code.startsWith('Z_')
    ) {
      throw error;
    }
    throw broken(error);
  }
}

function openZip(data: Uint8Array): Promise<yauzl.ZipFile> {
  return new Promise((resolve, reject) => {
    yauzl.fromBuffer(
      Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      { lazyEntries: true, autoClose: false },
      (error, zip) => (error ? reject(broken(error)) : resolve(zip)),
    );
  });
}

/** yauzl refuses names that are absolute or climb out. */
function listEntries(zip: yauzl.ZipFile): Promise<yauzl.Entry[]> {
  return new Promise((resolve, reject) => {
    if (zip.entryCount > MOST_ENTRIES) return reject(new PackageTooLargeError(`${zip.entryCount} entries`));
    const entries: yauzl.Entry[] = [];
    let size = 0;
    zip.on('error', (error) => reject(broken(error)));
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: yauzl.Entry) => {
      size += entry.uncompressedSize;
      const type = typeOf(entry);
      if (size > LARGEST_UNZIPPED_BYTES) return reject(new PackageTooLargeError(`more than ${size} bytes`));
      if (type !== FILE && type !== LINK && type !== DIRECTORY) {
        return reject(new BrokenPackageError(`${entry.fileName} is no file, directory or link`));
      }
      if (entry.fileName.includes('\0')) return reject(new BrokenPackageError('a name with a null character'));
      entries.push(entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

function openEntry(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => (error ? reject(broken(error)) : resolve(stream)));
  });
}

async function readLink(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<string> {
  if (entry.uncompressedSize > LONGEST_LINK_BYTES)
    throw new BrokenPackageError(`the link ${entry.fileName} is too long`);
  const chunks: Buffer[] = [];
  for await (const chunk of await openEntry(zip, entry)) chunks.push(chunk);
  const target = Buffer.concat(chunks).toString();
  const resolved = normalize(join(dirname(entry.fileName), target));
  if (target === '' || target.startsWith('/') || resolved === '..' || resolved.startsWith('../')) {
    throw new BrokenPackageError(`the link ${entry.fileName} leads out of the package`);
  }
  return target;
}

function refuseEntriesBehindLinks(entries: readonly yauzl.Entry[], links: readonly yauzl.Entry[]): void {
  const paths = new Set(links.map((link) => normalize(link.fileName)));
  if (paths.size === 0) return;
  if (paths.size < links.length) throw new BrokenPackageError('a link appears twice');
  for (const entry of entries) {
    const path = normalize(entry.fileName).replace(/\/$/, '');
    if (paths.has(path) && typeOf(entry) !== LINK) throw new BrokenPackageError(`${path} is a link and something else`);
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
      if (paths.has(parent)) throw new BrokenPackageError(`${entry.fileName} lies behind a link`);
    }
  }
}

const FILE = 0o100000;
const DIRECTORY = 0o040000;
const LINK = 0o120000;
const MADE_BY_UNIX = 3;

function unixMode(entry: yauzl.Entry): number {
  return entry.versionMadeBy >>> 8 === MADE_BY_UNIX ? entry.externalFileAttributes >>> 16 : 0;
}

function typeOf(entry: yauzl.Entry): number {
  if (entry.fileName.endsWith('/')) return DIRECTORY;
  return unixMode(entry) & 0o170000 || FILE;
}

function modeOf(entry: yauzl.Entry): number {
  return unixMode(entry) & 0o111 ? 0o755 : 0o644;
}

function broken(error: unknown): Error {
  if (error instanceof BrokenPackageError || error instanceof PackageTooLargeError) return error;
  return new BrokenPackageError(error instanceof Error ? error.message : String(error), { cause: error });
}
