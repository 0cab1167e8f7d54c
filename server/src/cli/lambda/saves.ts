import { watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { paint } from '../logs/paint.ts';

/** Editors write a file in several steps. */
const SETTLE_MS = 100;

/** Yields after each save in a directory, once things have settled, until aborted. */
export async function* saves(directory: string, signal: AbortSignal): AsyncGenerator<void> {
  let changed: () => void = () => {};
  let next = new Promise<void>((done) => (changed = done));
  const watcher = watch(directory, { recursive: true, signal }, () => changed());
  watcher.on('error', () => {});
  signal.addEventListener('abort', () => changed(), { once: true });
  process.stderr.write(`${paint('cyan', 'Waiting for a file to be saved; Ctrl-C ends.')}\n`);
  for (;;) {
    await next;
    if (signal.aborted) return;
    await sleep(SETTLE_MS);
    next = new Promise<void>((done) => (changed = done));
    if (signal.aborted) return;
    yield;
    if (signal.aborted) return;
  }
}
