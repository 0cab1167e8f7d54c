// Who is at the other end of a connection from this machine. Environments share the network of the host, so that anybody on
// it could connect to the Runtime API of any of them: a connection counts when a process of the environment holds its socket.
//
// The kernel lists sockets by address with their inodes; the descriptors of a process name the inodes that it holds. Neither
// can be forged from inside of a sandbox, and nothing has to run there. See docs/decisions/0009-runtime-api-peers.md.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';

/** The processes of an environment now. */
export type Processes = () => readonly number[];

/** IPv4 in its own list, and as IPv6 in the other: Java connects that way. Both in the byte order of the machine. */
const LOOPBACK = '0100007F';
const MAPPED_LOOPBACK = `0000000000000000FFFF0000${LOOPBACK}`;

const READ_BYTES = 64 * 1024;

/** Whether one of the processes holds the other end of this connection over 127.0.0.1. */
export async function isHeldBy(
  socket: Pick<Socket, 'remotePort' | 'localPort'>,
  processes: Processes,
): Promise<boolean> {
  // Elsewhere functions are plain processes, and nothing is kept from them.
  if (process.platform !== 'linux') return true;
  const { remotePort, localPort } = socket;
  if (remotePort === undefined || localPort === undefined) return false;
  const inode =
    (await inodeOf('/proc/net/tcp', LOOPBACK, remotePort, localPort)) ??
    (await inodeOf('/proc/net/tcp6', MAPPED_LOOPBACK, remotePort, localPort));
  if (inode === undefined) return false;
  return processes().some((pid) => holds(pid, [inode]));
}

/** Whether one of the processes listens on this port of the loopback. */
export async function isListening(port: number, processes: Processes): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const inodes: string[] = [];
  for (const list of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const text = await readFile(list, 'latin1').catch(() => '');
    for (const line of text.matchAll(new RegExp(` [0-9A-F]+:${hexadecimal(port)} [0-9A-F]+:0000 0A .*`, 'g'))) {
      inodes.push(line[0].trimStart().split(/ +/)[8]!);
    }
  }
  if (inodes.length === 0) return false;
  return processes().some((pid) => holds(pid, inodes));
}

/** The kernel walks a table of all that could be, 2 to 5 ms long: it stops where the answer was. */
async function inodeOf(list: string, address: string, from: number, to: number): Promise<string | undefined> {
  const wanted = ` ${address}:${hexadecimal(from)} ${address}:${hexadecimal(to)} `;
  const file = await open(list).catch(() => undefined);
  if (!file) return undefined;
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let rest = ''; ; ) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, null);
      if (bytesRead === 0) return undefined;
      const text = rest + buffer.toString('latin1', 0, bytesRead);
      const at = text.indexOf(wanted);
      const end = at < 0 ? -1 : text.indexOf('\n', at);
      if (end >= 0) {
        // local, remote, state, queues, timer, retransmissions, uid, time-out, inode
        const inode = text.slice(at + 1, end).split(/ +/)[8];
        // 0: a connection that its owner closed already.
        return inode === '0' ? undefined : inode;
      }
      rest = text.slice(text.lastIndexOf('\n') + 1);
    }
  } finally {
    await file.close();
  }
}

function holds(pid: number, inodes: readonly string[]): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((descriptor) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`${directory}/${descriptor}`))?.[1];
      return inode !== undefined && inodes.includes(inode);
    });
  } catch {
    // It ended meanwhile.
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function hexadecimal(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** Of a control group, by the file that lists them. */
export function processesOfGroup(listFile: string): number[] {
  try {
    return readFileSync(listFile, 'latin1').split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** The process and all its descendants. */
export function processTree(pid: number): number[] {
  const tree = [pid];
  for (const current of tree) {
    try {
      for (const thread of readdirSync(`/proc/${current}/task`)) {
        const children = readFileSync(`/proc/${current}/task/${thread}/children`, 'latin1');
        tree.push(...children.split(' ').filter(Boolean).map(Number));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return tree;
}
