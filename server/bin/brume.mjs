#!/usr/bin/env node
// The `brume` command's first file: what must stand before anything else is loaded or uses the thread pool.
// JavaScript, so that Node loads its TypeScript loader only for what is not in the compile cache yet.

import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

const FIRST_NODE = 24;

if (Number.parseInt(process.versions.node, 10) < FIRST_NODE) {
  process.stderr.write(
    `brume needs Node.js ${FIRST_NODE} or newer, and this is ${process.version}. Where Brume was installed by npm install, ` +
      '`npx brume` and `npm start` find the one that came with it.\n',
  );
  process.exit(1);
}

/** Uploads, fsyncs and checkpoints wait on disk side by side; with libuv's four threads commits would queue behind uploads. */
const THREAD_POOL_SIZE = 16;

// What sockets read lies outside of V8's heap; every 64 MB of it V8 would collect the whole heap, several times a second under load.
// With this it counts as part of the heap.
setFlagsFromString('--external-memory-accounted-in-global-limit');

process.env.UV_THREADPOOL_SIZE ??= String(THREAD_POOL_SIZE);

// Compiled code is kept from start to start: half the time to start, and 30 MB less to hold in every process of Brume.
// In the environment, so that the processes that Brume starts do the same.
if (!process.env.NODE_DISABLE_COMPILE_CACHE) {
  process.env.NODE_COMPILE_CACHE ??= join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'brume', 'compiled');
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

await import('../src/cli/main.ts');
