// The system calls that a function is refused, as a seccomp filter: a program for the kernel's BPF machine, assembled here.
// https://docs.kernel.org/userspace-api/seccomp_filter.html
//
// As with Docker's default profile, but by naming what is refused: other namespaces, mounts, debugging, keys, kernel modules,
// clocks, BPF, performance counters, memory policies, and sockets of families that functions have no use for. Most of it
// needs capabilities that a function has not; refused here, it is no way into a faulty kernel either.

interface Machine {
  /** AUDIT_ARCH_… */
  arch: number;
  /** Calls from this number on belong to another convention (x32). */
  foreignFrom?: number;
  column: 1 | 2;
}

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { arch: 0xc000003e, foreignFrom: 0x40000000, column: 1 },
  arm64: { arch: 0xc00000b7, column: 2 },
};

/** Name, number on x86_64, number on aarch64 (0: there is none); answered with EPERM. */
const REFUSED: readonly (readonly [name: string, x64: number, arm64: number])[] = [
  // Mounts and roots.
  ['mount', 165, 40],
  ['umount2', 166, 39],
  ['pivot_root', 155, 41],
  ['chroot', 161, 51],
  ['open_tree', 428, 428],
  ['move_mount', 429, 429],
  ['fsopen', 430, 430],
  ['fsconfig', 431, 431],
  ['fsmount', 432, 432],
  ['fspick', 433, 433],
  ['mount_setattr', 442, 442],
  ['statmount', 457, 457],
  ['listmount', 458, 458],
  ['open_tree_attr', 467, 467],
  ['swapon', 167, 224],
  ['swapoff', 168, 225],
  ['quotactl', 179, 60],
  ['quotactl_fd', 443, 443],
  ['name_to_handle_at', 303, 264],
  ['open_by_handle_at', 304, 265],
  ['fanotify_init', 300, 262],
  ['acct', 163, 89],
  // Namespaces.
  ['unshare', 272, 97],
  ['setns', 308, 268],
  ['sethostname', 170, 161],
  ['setdomainname', 171, 162],
  // Other processes.
  ['ptrace', 101, 117],
  ['process_vm_readv', 310, 270],
  ['process_vm_writev', 311, 271],
  ['kcmp', 312, 272],
  ['pidfd_getfd', 438, 438],
  // Keys: the kernel does not keep those of namespaces apart.
  ['add_key', 248, 217],
  ['request_key', 249, 218],
  ['keyctl', 250, 219],
  // The kernel itself.
  ['init_module', 175, 105],
  ['finit_module', 313, 273],
  ['delete_module', 176, 106],
  ['create_module', 174, 0],
  ['get_kernel_syms', 177, 0],
  ['query_module', 178, 0],
  ['kexec_load', 246, 104],
  ['kexec_file_load', 320, 294],
  ['bpf', 321, 280],
  ['perf_event_open', 298, 241],
  ['userfaultfd', 323, 282],
  ['lookup_dcookie', 212, 18],
  ['syslog', 103, 116],
  ['reboot', 169, 142],
  ['vhangup', 153, 58],
  ['iopl', 172, 0],
  ['ioperm', 173, 0],
  ['modify_ldt', 154, 0],
  ['nfsservctl', 180, 42],
  ['uselib', 134, 0],
  ['ustat', 136, 0],
  ['sysfs', 139, 0],
  ['_sysctl', 156, 0],
  ['vserver', 236, 0],
  // The clock.
  ['settimeofday', 164, 170],
  ['clock_settime', 227, 112],
  ['clock_adjtime', 305, 266],
  ['adjtimex', 159, 171],
  // Where memory lies.
  ['mbind', 237, 235],
  ['set_mempolicy', 238, 237],
  ['get_mempolicy', 239, 236],
  ['set_mempolicy_home_node', 450, 450],
  ['migrate_pages', 256, 238],
  ['move_pages', 279, 239],
];

/**
 * Answered as if the kernel did not know them: programs then do without. io_uring goes around filters, and what clone3 is to
 * make lies in memory, which a filter cannot read; the C library falls back to clone.
 */
const UNKNOWN: typeof REFUSED = [
  ['io_uring_setup', 425, 425],
  ['io_uring_enter', 426, 426],
  ['io_uring_register', 427, 427],
  ['clone3', 435, 435],
];

const CLONE = [56, 220] as const;
const SOCKET = [41, 198] as const;
const IOCTL = [16, 29] as const;
const PERSONALITY = [135, 92] as const;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const NEW_NAMESPACES = 0x7e020000;
const [AF_UNIX, AF_INET, AF_INET6, AF_NETLINK] = [1, 2, 10, 16];
const SOCK_RAW = 3;
const SOCKET_TYPE_BITS = 0xf;
const NETLINK_ROUTE = 0;
/** Put characters into the input of a terminal. */
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c];
/** Linux, 32-bit names, both with short inodes, and asking which it is. */
const PERSONALITIES = [0, 0x8, 0x20000, 0x20008, 0xffffffff];

const [EPERM, ENOSYS, EPROTONOSUPPORT, EAFNOSUPPORT] = [1, 38, 93, 97];

/** Where `struct seccomp_data` has the number, the architecture, and the lower halves of the arguments. */
const NUMBER = 0;
const ARCH = 4;
const argument = (index: number) => 16 + 8 * index;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const and = (bits: number): Instruction => [0x54, 0, 0, bits];
const ifEqual = (value: number, yes: number, no: number): Instruction => [0x15, yes, no, value];
const ifAtLeast = (value: number, yes: number, no: number): Instruction => [0x35, yes, no, value];
const ifAnyBit = (bits: number, yes: number, no: number): Instruction => [0x45, yes, no, bits];
const answer = (action: number): Instruction => [0x06, 0, 0, action];

const ALLOW = answer(0x7fff0000);
const KILL = answer(0x80000000);
const fail = (errno: number) => answer(0x00050000 | errno);

/** The filter for a machine, as `bwrap --seccomp` reads it; undefined for one whose calls are not known here. */
export function seccompFilter(machine: string = process.arch): Buffer | undefined {
  const found = MACHINES[machine];
  if (!found) return undefined;
  const { arch, foreignFrom, column } = found;
  const call = ([x64, arm64]: readonly [number, number], ...body: Instruction[]) => [
    ifEqual(column === 1 ? x64 : arm64, 0, body.length),
    ...body,
  ];
  const named = (calls: typeof REFUSED, errno: number) =>
    calls.filter((one) => one[column] !== 0).flatMap(([, x64, arm64]) => call([x64, arm64], fail(errno)));
  return assemble([
    load(ARCH),
    ifEqual(arch, 1, 0),
    KILL,
    load(NUMBER),
    ...(foreignFrom === undefined ? [] : [ifAtLeast(foreignFrom, 0, 1), fail(ENOSYS)]),
    ...call(CLONE, load(argument(0)), ifAnyBit(NEW_NAMESPACES, 0, 1), fail(EPERM), ALLOW),
    ...call(
      SOCKET,
      load(argument(0)),
      ifEqual(AF_UNIX, 4, 0),
      ifEqual(AF_INET, 4, 0),
      ifEqual(AF_INET6, 3, 0),
      ifEqual(AF_NETLINK, 6, 0),
      fail(EAFNOSUPPORT),
      ALLOW,
      load(argument(1)),
      and(SOCKET_TYPE_BITS),
      ifEqual(SOCK_RAW, 0, 4),
      fail(EPERM),
      // Interfaces and routes are asked for by name look-ups; the other protocols configure the kernel.
      load(argument(2)),
      ifEqual(NETLINK_ROUTE, 1, 0),
      fail(EPROTONOSUPPORT),
      ALLOW,
    ),
    ...call(IOCTL, load(argument(1)), ifEqual(TIOCSTI, 1, 0), ifEqual(TIOCLINUX, 0, 1), fail(EPERM), ALLOW),
    ...call(
      PERSONALITY,
      load(argument(0)),
      ...PERSONALITIES.map((value, index) => ifEqual(value, PERSONALITIES.length - index, 0)),
      fail(EPERM),
      ALLOW,
    ),
    ...named(UNKNOWN, ENOSYS),
    ...named(REFUSED, EPERM),
    ALLOW,
  ]);
}

/** `struct sock_filter`s in the byte order of both machines. */
function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    const at = index * 8;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(value, at + 4);
  });
  return bytes;
}
