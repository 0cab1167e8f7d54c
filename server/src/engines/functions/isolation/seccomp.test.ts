// The filter is run here as the kernel runs it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seccompFilter } from './seccomp.ts';

const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const EPERM = 0x00050001;
const ENOSYS = 0x00050026;
const EPROTONOSUPPORT = 0x0005005d;
const EAFNOSUPPORT = 0x00050061;

interface Call {
  arch: number;
  number: number;
  arguments?: number[];
}

/** What the program answers to a call. */
function run(program: Buffer, { arch, number, arguments: values = [] }: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(number, 0);
  data.writeUInt32LE(arch, 4);
  for (const [index, value] of values.entries()) data.writeBigUInt64LE(BigInt(value), 16 + 8 * index);
  let held = 0;
  for (let at = 0; ; at++) {
    const [code, yes, no, value] = [
      program.readUInt16LE(at * 8),
      program.readUInt8(at * 8 + 2),
      program.readUInt8(at * 8 + 3),
      program.readUInt32LE(at * 8 + 4),
    ];
    if (code === 0x20) held = data.readUInt32LE(value);
    else if (code === 0x54) held = (held & value) >>> 0;
    else if (code === 0x15) at += held === value ? yes : no;
    else if (code === 0x35) at += held >= value ? yes : no;
    else if (code === 0x45) at += (held & value) !== 0 ? yes : no;
    else if (code === 0x06) return value;
    else throw new Error(`no instruction: ${code.toString(16)}`);
  }
}

const CASES: [name: string, x64: number, arm64: number, values: number[], expected: number][] = [
  ['read', 0, 63, [], ALLOW],
  ['execve', 59, 221, [], ALLOW],
  ['setresuid', 117, 147, [], ALLOW],
  ['futex', 202, 98, [], ALLOW],
  ['mount', 165, 40, [], EPERM],
  ['ptrace', 101, 117, [], EPERM],
  ['keyctl', 250, 219, [], EPERM],
  ['bpf', 321, 280, [], EPERM],
  ['perf_event_open', 298, 241, [], EPERM],
  ['userfaultfd', 323, 282, [], EPERM],
  ['kexec_load', 246, 104, [], EPERM],
  ['finit_module', 313, 273, [], EPERM],
  ['unshare', 272, 97, [0x10000000], EPERM],
  ['move_pages', 279, 239, [], EPERM],
  ['io_uring_setup', 425, 425, [], ENOSYS],
  ['clone3', 435, 435, [], ENOSYS],
  ['clone, a thread', 56, 220, [0x3d0f00], ALLOW],
  ['clone, a process', 56, 220, [0x01200011], ALLOW],
  ['clone, a user namespace', 56, 220, [0x10000011], EPERM],
  ['clone, a network namespace', 56, 220, [0x40000011], EPERM],
  ['socket, unix', 41, 198, [1, 1, 0], ALLOW],
  ['socket, TCP', 41, 198, [2, 0x80801, 6], ALLOW],
  ['socket, UDP over IPv6', 41, 198, [10, 2, 0], ALLOW],
  ['socket, raw', 41, 198, [2, 0x80003, 1], EPERM],
  ['socket, raw over IPv6', 41, 198, [10, 3, 58], EPERM],
  ['socket, netlink for routes', 41, 198, [16, 0x80003, 0], ALLOW],
  ['socket, netlink for netfilter', 41, 198, [16, 3, 12], EPROTONOSUPPORT],
  ['socket, packets', 41, 198, [17, 3, 0], EAFNOSUPPORT],
  ['socket, the hypervisor', 41, 198, [40, 1, 0], EAFNOSUPPORT],
  ['socket, kernel cryptography', 41, 198, [38, 5, 0], EAFNOSUPPORT],
  ['ioctl, size of the terminal', 16, 29, [1, 0x5413], ALLOW],
  ['ioctl, input to the terminal', 16, 29, [0, 0x5412], EPERM],
  ['ioctl, console', 16, 29, [0, 0x541c], EPERM],
  ['personality, asked', 135, 92, [0xffffffff], ALLOW],
  ['personality, Linux', 135, 92, [0], ALLOW],
  ['personality, no random addresses', 135, 92, [0x40000], EPERM],
];

for (const [machine, arch, column] of [
  ['x64', 0xc000003e, 1],
  ['arm64', 0xc00000b7, 2],
] as const) {
  describe(`seccomp filter of ${machine}`, () => {
    const program = seccompFilter(machine)!;
    for (const one of CASES) {
      const [name, , , values, expected] = one;
      test(`${name} -> 0x${expected.toString(16)}`, () => {
        assert.equal(
          run(program, { arch, number: one[column], arguments: values }).toString(16),
          expected.toString(16),
        );
      });
    }

    test('calls by the convention of another machine end the process', () => {
      assert.equal(run(program, { arch: 0x40000003, number: 3 }), KILL);
    });
  });
}

test('x32 calls are unknown', () => {
  assert.equal(run(seccompFilter('x64')!, { arch: 0xc000003e, number: 0x40000000 + 165 }), ENOSYS);
});

test('a machine whose calls are not known has no filter', () => {
  assert.equal(seccompFilter('riscv64'), undefined);
});
