// Functions that attack: the kernel, the machine, the server, its data, and their neighbours. Each attempt must fail, and the
// server and the other functions must go on. More of what the sandbox hides is in lambda-sandbox.test.ts.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { noBubblewrap, noControlGroups, noPython, startEngine } from './lambda-engine.ts';

const SECRET = 'what-no-function-may-see';
process.env.BRUME_ATTACK_SECRET = SECRET;
const noFilter = !['x64', 'arm64'].includes(process.arch) && `there is no filter for ${process.arch}`;
const notRoot = process.getuid?.() !== 0 && 'users of their own need root';
const FIRST_USER_ID = 1_900_000_000;

describe('attacks from a sandbox', { skip: noBubblewrap || noPython }, () => {
  const tested = startEngine({ functions: { isolation: 'sandbox' } });
  const secretFile = join(tested.dir, 'state', 'secret');
  mkdirSync(join(tested.dir, 'state'));
  writeFileSync(secretFile, SECRET);
  const neighbour = tested.deploy({
    environment: { OWN: SECRET },
    files: { 'app.py': `# ${SECRET}\nimport os, time\ndef handler(e, c):\n  time.sleep(e)\n  return os.getpid()` },
  });
  const python = (body: string, more = {}) =>
    tested.deploy({ files: { 'app.py': `import ctypes, errno, os\n${body}` }, ...more });
  const node = (body: string, more = {}) =>
    tested.deploy({ runtime: 'nodejs24.x', files: { 'app.mjs': body }, ...more });
  /** While something is tried, and afterwards, a neighbour works. */
  const beside = async (attack: () => Promise<unknown>) => {
    const during = neighbour.invoke(0.5);
    await attack();
    assert.equal((await during).functionError, undefined);
    assert.equal((await neighbour.invoke(0)).functionError, undefined);
  };

  const calls: [name: string, x64: number, arm64: number, args: number[], error: string][] = [
    ['ptrace, as if to be traced', 101, 117, [0], 'EPERM'],
    ['process_vm_readv', 310, 270, [0, 0, 0, 0, 0, 0], 'EPERM'],
    ['keyctl, asking for the session keyring', 250, 219, [0, -3, 0], 'EPERM'],
    ['userfaultfd for user mode', 323, 282, [1], 'EPERM'],
    ['bpf', 321, 280, [0, 0, 0], 'EPERM'],
    ['perf_event_open', 298, 241, [0, 0, -1, -1, 0], 'EPERM'],
    ['kexec_load', 246, 104, [0, 0, 0, 0], 'EPERM'],
    ['finit_module', 313, 273, [0, 0, 0], 'EPERM'],
    ['unshare, a user namespace', 272, 97, [0x10000000], 'EPERM'],
    ['unshare, open files', 272, 97, [0x400], 'EPERM'],
    ['clone, a user namespace', 56, 220, [0x10000011, 0, 0, 0, 0], 'EPERM'],
    ['clone3', 435, 435, [0, 0], 'ENOSYS'],
    ['setns', 308, 268, [-1, 0], 'EPERM'],
    ['mount', 165, 40, [0, 0, 0, 0, 0], 'EPERM'],
    ['open_tree', 428, 428, [-1, 0, 0], 'EPERM'],
    ['fsopen', 430, 430, [0, 0], 'EPERM'],
    ['pivot_root', 155, 41, [0, 0], 'EPERM'],
    ['open_by_handle_at', 304, 265, [-1, 0, 0], 'EPERM'],
    ['io_uring_setup', 425, 425, [1, 0], 'ENOSYS'],
    ['clock_settime', 227, 112, [0, 0], 'EPERM'],
    ['reboot', 169, 142, [0, 0, 0, 0], 'EPERM'],
    ['move_pages', 279, 239, [0, 0, 0, 0, 0, 0], 'EPERM'],
    ['personality, addresses that are known', 135, 92, [0x40000], 'EPERM'],
    ['socket, the kernel’s cryptography', 41, 198, [38, 5, 0], 'EAFNOSUPPORT'],
    ['socket, the hypervisor', 41, 198, [40, 1, 0], 'EAFNOSUPPORT'],
    ['socket, packets', 41, 198, [17, 3, 0], 'EAFNOSUPPORT'],
    ['socket, raw', 41, 198, [2, 3, 1], 'EPERM'],
    ['socket, netfilter', 41, 198, [16, 3, 12], 'EPROTONOSUPPORT'],
    ['ioctl, typing into the terminal', 16, 29, [0, 0x5412, 0], 'EPERM'],
  ];
  test('the kernel refuses what functions have no use for', { skip: noFilter }, async () => {
    const { invoke } = python(
      `libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def handler(e, c):
  results = []
  for number, args in e:
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_long(arg) for arg in args])
    results.append(errno.errorcode[ctypes.get_errno()] if result == -1 else "done")
  return results`,
    );
    const { value } = await invoke(calls.map(([, x64, arm64, args]) => [process.arch === 'x64' ? x64 : arm64, args]));
    assert.deepEqual(
      calls.map(([name], index) => [name, value[index]]),
      calls.map(([name, , , , error]) => [name, error]),
    );
  });

  test('what functions do need works: threads, processes, sockets, look-ups of names', async () => {
    const { invoke } = python(
      `import socket, subprocess, threading, multiprocessing
def handler(e, c):
  seen = []
  thread = threading.Thread(target=lambda: seen.append("thread"))
  thread.start(); thread.join()
  seen.append(subprocess.run(["/bin/echo", "process"], capture_output=True, text=True).stdout.strip())
  server = socket.create_server(("127.0.0.1", 0))
  socket.create_connection(server.getsockname()).close()
  seen.append(socket.getaddrinfo("localhost", 80)[0][4][1])
  return seen`,
    );
    assert.deepEqual((await invoke({})).value, ['thread', 'process', 80]);
  });

  test('nothing is left that could be a privilege', async () => {
    const { invoke } = python(
      `def handler(e, c):
  status = dict(line.rstrip("\\n").split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
  return dict(status={name: status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs", "Seccomp", "Groups")},
    descriptors=sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name) and (int(name) < 4 or os.fstat(int(name)).st_rdev != os.makedev(1, 3))), limits=[__import__("resource").getrlimit(one) for one in (4, 7)])`,
    );
    const { status, descriptors, limits } = (await invoke({})).value;
    const none = '0000000000000000';
    assert.deepEqual(
      [status.CapInh, status.CapPrm, status.CapEff, status.CapAmb, status.NoNewPrivs],
      [none, none, none, none, '1'],
    );
    assert.equal(status.Seccomp, noFilter ? '0' : '2');
    assert.deepEqual(descriptors, [0, 1, 2, 3]);
    assert.deepEqual(limits, [
      [0, 0],
      [1024, 1024],
    ]);
  });

  test('every environment is another user, and none is root', { skip: notRoot || noFilter }, async () => {
    const whoAmI = 'def handler(e, c): return os.getuid()';
    const users = [(await python(whoAmI).invoke({})).value, (await python(whoAmI).invoke({})).value];
    assert.notEqual(users[0], users[1]);
    for (const user of users) assert.ok(user >= FIRST_USER_ID, String(user));
  });

  test('programs that run as root for everybody do not here', async () => {
    const { invoke } = python(
      `import glob, stat, subprocess
def handler(e, c):
  found = [p for d in ("/usr/bin", "/usr/sbin") for p in glob.glob(d + "/*") if os.path.isfile(p) and os.stat(p).st_mode & stat.S_ISUID]
  tried = subprocess.run(["su", "-s", "/bin/sh", "-c", "id -u"], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout if "/usr/bin/su" in found else ""
  return [len(found), tried.strip()]`,
    );
    const [, tried] = (await invoke({})).value;
    assert.notEqual(tried, '0');
  });

  test('there is no place to write but /tmp', async () => {
    const { invoke } = python(
      `def handler(e, c):
  won = []
  for line in open("/proc/self/mounts"):
    place = line.split()[1]
    try:
      name = os.path.join(place, "attack") if os.path.isdir(place) else place
      if name.startswith("/dev/") and name in ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"): continue
      with open(name, "a") as f: f.write("x"); f.flush()
      won.append(place)
    except OSError: pass
  return won`,
    );
    assert.deepEqual((await invoke({})).value, ['/tmp']);
  });

  const nodeAttacks: [name: string, body: string][] = [
    ['the data directory', 'return fs.readFileSync(e.secretFile, "utf8")'],
    ['the directory above', 'return fs.readdirSync(e.dir)'],
    ['the code of a neighbour', 'return fs.readFileSync(e.neighbour + "/app.py", "utf8")'],
    [
      'its code beside one’s own',
      'return fs.readdirSync("/var/task/..").filter((n) => !["task", "lang", "runtime"].includes(n))[0].length',
    ],
    ['the environment of the server', 'return fs.readFileSync("/proc/" + e.server + "/environ", "latin1")'],
    ['the memory of the server', 'fs.openSync("/proc/" + e.server + "/mem", "r"); return "opened"'],
    ['its files through its root', 'return fs.readdirSync("/proc/" + e.server + "/root")'],
    ['the first process’s root', 'return fs.readdirSync("/proc/1/root/root")'],
    ['killing the server', 'process.kill(e.server, "SIGKILL"); return "sent"'],
    ['killing its process group', 'process.kill(-e.server, "SIGKILL"); return "sent"'],
    ['its own code', 'fs.appendFileSync("/var/task/app.mjs", "//"); return "written"'],
    ['the bootstrap', 'fs.writeFileSync("/var/runtime/bootstrap.cjs", ""); return "written"'],
    ['the interpreter', 'fs.openSync("/var/lang/bin/node", "r+"); return "opened"'],
    ['a link out of /tmp', 'fs.symlinkSync(e.secretFile, "/tmp/l"); return fs.readFileSync("/tmp/l", "utf8")'],
    ['another user', 'process.setuid(0); return "changed"'],
    ['kernel settings', 'fs.writeFileSync("/proc/sys/kernel/core_pattern", "|/tmp/x"); return "written"'],
    ['the kernel’s memory', 'fs.openSync("/proc/kcore", "r"); return "opened"'],
    ['magic keys', 'fs.writeFileSync("/proc/sysrq-trigger", "b"); return "written"'],
    ['a block device', 'return fs.readdirSync("/dev").filter((n) => /^(sd|vd|nvme|mem|kvm)/.test(n))[0].length'],
    ['control groups', 'return fs.readdirSync("/sys/fs/cgroup")'],
    ['a container engine', 'fs.statSync("/var/run/docker.sock"); return "there"'],
    [
      'its own environment’s neighbours',
      'const all = fs.readdirSync("/proc").filter((n) => +n > 2 && +n !== process.pid); return all[0].length',
    ],
  ];
  test('nothing of the host is within the reach of a Node.js function', async () => {
    await neighbour.invoke(0);
    const { invoke } = node(`import fs from 'node:fs';
const attacks = [${nodeAttacks.map(([, body]) => `(e) => { ${body} }`).join(',\n')}];
export const handler = async (e) => attacks.map((attack) => { try { return attack(e) } catch { return null } });`);
    const { value, functionError } = await invoke({
      secretFile,
      dir: tested.dir,
      neighbour: neighbour.version.codeDir,
      server: process.pid,
    });
    assert.equal(functionError, undefined, JSON.stringify(value));
    assert.deepEqual(
      nodeAttacks.map(([name], index) => [name, value[index]]).filter(([, got]) => got !== null),
      [],
    );
  });

  test('a signal to everybody reaches nobody else', async () => {
    const { invoke } = python(
      'import signal\ndef handler(e, c):\n  try: os.kill(-1, signal.SIGKILL)\n  except OSError: pass\n  return "tried"',
    );
    await beside(() => invoke({}));
  });

  test('a fork bomb in Node.js', { skip: noControlGroups }, async () => {
    const bomb = node(
      `import { spawn } from 'node:child_process';
export const handler = async () => {
  let made = 0, failed = 0;
  while (failed < 3 && made < 5000) {
    const child = spawn('/bin/sleep', ['86423'], { stdio: 'ignore' });
    if (await new Promise((resolve) => { child.once('spawn', () => resolve(true)); child.once('error', () => resolve(false)); })) made++;
    else failed++;
  }
  return made;
};`,
      { timeoutS: 60, memoryMb: 512 },
    );
    await beside(async () => {
      const { value } = await bomb.invoke({});
      assert.ok(!(value > 1_100), `${value} processes`);
      assert.ok(sleepers() <= 1_100);
    });
    await tested.engine.retire(bomb.version.versionArn);
    // The kernel takes a moment to see so many off.
    for (const endMs = Date.now() + 5_000; sleepers() > 0; await sleep(20)) assert.ok(Date.now() < endMs, 'gone');
  });

  test('a function that fills the disk fills its own /tmp', async () => {
    const { invoke } = python(
      `def handler(e, c):
  written = 0
  for name in range(64):
    try:
      with open("/tmp/%d" % name, "wb", 0) as f:
        for _ in range(64): written += f.write(bytes(1 << 20))
    except OSError as error: return [written >> 20, error.strerror]
  return [written >> 20, None]`,
      { memoryMb: 512, timeoutS: 60 },
    );
    await beside(async () => assert.deepEqual((await invoke({})).value, [512, 'No space left on device']));
  });

  for (const [name, attacker] of [
    [
      'Python',
      () => python('def handler(e, c):\n  kept = []\n  while True: kept.append(bytearray(16 << 20))', { timeoutS: 30 }),
    ],
    [
      'Node.js',
      () =>
        node('export const handler = async () => { const kept = []; for (;;) kept.push(Buffer.alloc(16 << 20, 1)); }', {
          timeoutS: 30,
        }),
    ],
  ] as const) {
    test(`a ${name} function that eats memory eats its own`, { skip: noControlGroups }, async () => {
      await beside(async () => {
        const { functionError, value, maxMemoryUsedMb } = await attacker().invoke({});
        assert.equal(functionError, 'Unhandled');
        assert.equal(value.errorType, 'Runtime.ExitError');
        assert.ok(maxMemoryUsedMb <= 256);
      });
    });
  }
});

function sleepers(): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'latin1') === '/bin/sleep\0' + '86423\0';
    } catch {
      return false;
    }
  }).length;
}
