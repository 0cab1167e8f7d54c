// Gives out segment numbers that never repeat over the life of a data directory, though segments are deleted:
// a file holds a number above all given so far, raised a block at a time.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BLOCK = 4096;

export class SegmentNumbers {
  readonly #path: string;
  readonly #durable: boolean;
  #next: number;
  #reserved: number;

  constructor(dir: string, durable: boolean) {
    this.#path = join(dir, 'next-segment');
    this.#durable = durable;
    this.#next = readNumber(this.#path);
    this.#reserved = this.#next;
  }

  /** Synchronous: a file write comes once in 4,096 numbers. */
  next(): number {
    if (this.#next === this.#reserved) {
      this.#reserved += BLOCK;
      replaceFile(this.#path, String(this.#reserved), this.#durable);
    }
    return this.#next++;
  }
}

function readNumber(path: string): number {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 1;
    throw error;
  }
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) throw new Error(`${path} does not hold a segment number: ${text}`);
  return number;
}

function replaceFile(path: string, text: string, durable: boolean): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w');
  try {
    writeSync(file, text);
    if (durable) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  if (!durable) return;
  const dir = openSync(dirname(path), 'r');
  try {
    fsyncSync(dir);
  } finally {
    closeSync(dir);
  }
}
