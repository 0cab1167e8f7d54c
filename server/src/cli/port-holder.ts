// Who holds a port: asked only after a start failed, to say what to do about it.

import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

const LONGEST_PROBE_MS = 1000;

/** `another Brume (0.1.0), process 4711`, `process 4711 (python3)`, or undefined when it cannot be told. */
export async function describePortHolder(host: string, port: number): Promise<string | undefined> {
  const [kind, holder] = await Promise.all([recognise(host, port), findProcess(port)]);
  const name = kind ?? (holder === undefined ? undefined : `process ${holder.pid} (${holder.name})`);
  return kind !== undefined && holder !== undefined ? `${kind}, process ${holder.pid}` : name;
}

async function recognise(host: string, port: number): Promise<string | undefined> {
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const ask = async (path: string): Promise<{ version?: unknown } | undefined> => {
    try {
      const response = await fetch(origin + path, { signal: AbortSignal.timeout(LONGEST_PROBE_MS) });
      return response.ok ? ((await response.json()) as { version?: unknown }) : undefined;
    } catch {
      return undefined;
    }
  };
  const brume = await ask('/_brume/health');
  if (brume) return `another Brume (${brume.version})`;
  return (await ask('/_localstack/health')) ? 'LocalStack' : undefined;
}

interface Holder {
  pid: number;
  name: string;
}

async function findProcess(port: number): Promise<Holder | undefined> {
  try {
    return process.platform === 'linux' ? await findInProc(port) : await findWithLsof(port);
  } catch {
    return undefined;
  }
}

const LISTENING = '0A';

/** The socket's inode from the kernel's tables, then the process that has it open. */
async function findInProc(port: number): Promise<Holder | undefined> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes = new Set<string>();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n')) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(`:${hexPort}`) && state === LISTENING && inode) inodes.add(`socket:[${inode}]`);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      if (!inodes.has(target)) continue;
      return { pid: Number(pid), name: (await readFile(`/proc/${pid}/comm`, 'utf8')).trim() };
    }
  }
  return undefined;
}

async function findWithLsof(port: number): Promise<Holder | undefined> {
  const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc']);
  const pid = /^p(\d+)/m.exec(stdout)?.[1];
  const name = /^c(.+)/m.exec(stdout)?.[1];
  return pid === undefined ? undefined : { pid: Number(pid), name: name ?? '?' };
}
