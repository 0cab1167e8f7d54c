// What a function cannot do: read Brume's data, other functions' code or the server's secrets, write outside of /tmp, hurt
// other processes, or take the machine. Each attack runs as a real function; its answer says how far it came.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { noBubblewrap, noControlGroups, noNamespaces, noPython, startEngine } from './lambda-engine.ts';

const SECRET = 'the-secret-of-this-server';
process.env.BRUME_TEST_SECRET = SECRET;

const TIERS: [isolation: 'sandbox' | 'namespaces', skip: string | false][] = [
  ['sandbox', noBubblewrap],
  ['namespaces', noNamespaces],
];

for (const [isolation, skip] of TIERS)
  describe(`the sandbox: ${isolation}`, { skip: skip || noPython }, () => {
    const sandboxed = startEngine({ functions: { isolation } });
    mkdirSync(join(sandboxed.dir, 'state'));
    writeFileSync(join(sandboxed.dir, 'state', 'brume.sqlite'), SECRET);
    const neighbour = sandboxed.deploy({ files: { 'app.py': `# ${SECRET}\ndef handler(e, c): pass` } });

    /** Each is the body of a handler that returns what it got at, as text; `e` holds paths and ids of the host. */
    const attacks: [name: string, python: string][] = [
      ['the data directory', 'return open(e["data"]).read()'],
      ['the code of another function', 'return open(e["neighbour"] + "/app.py").read()'],
      ['files below its own code directory', 'return str(os.listdir(os.path.dirname(e["neighbour"])))'],
      ['the password file', 'return open("/etc/shadow").read()'],
      ['home directories', 'return str(os.listdir("/root") + os.listdir("/home"))'],
      ['the run directory', 'return str(os.listdir("/run") + os.listdir("/var/run"))'],
      ['the settings of control groups', 'return str(os.listdir("/sys/fs/cgroup"))'],
      ['the environment of the server', 'return open("/proc/%d/environ" % e["server"]).read()'],
      ['a signal to the server', 'os.kill(e["server"], 9)\nreturn "sent"'],
      ['a signal to its process group', 'os.killpg(e["server"], 9)\nreturn "sent"'],
      ['the memory of the server', 'assert libc.ptrace(16, e["server"], 0, 0) == 0\nreturn "attached"'],
      ['a file beside its code', 'open("/var/task/new", "w").write("x")\nreturn "written"'],
      ['its own code', 'open("/var/task/app.py", "a").write("x")\nreturn "written"'],
      ['the bootstrap', 'open("/var/runtime/new", "w").write("x")\nreturn "written"'],
      ['the root directory', 'open("/new", "w").write("x")\nreturn "written"'],
      ['system programs', 'open("/usr/bin/new", "w").write("x")\nreturn "written"'],
      ['the devices', 'open("/dev/new", "w").write("x")\nreturn "written"'],
      ['kernel settings', 'open("/proc/sys/kernel/hostname", "w").write("x")\nreturn "written"'],
      ['a mount', 'assert libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0\nreturn "mounted"'],
      ['another root', 'os.chroot("/tmp")\nreturn "changed"'],
      ['another user', 'os.setuid(1)\nreturn "changed"'],
    ];
    // Plain namespaces have no filter of system calls, and the user in them is called root, without its privileges.
    if (isolation === 'sandbox') {
      attacks.push(
        ['a new user namespace', 'assert libc.unshare(0x10000000) == 0\nreturn "unshared"'],
        ['the user 0', 'os.setuid(0)\nreturn "changed"'],
      );
    }

    const code = [
      'import ctypes, os',
      'libc = ctypes.CDLL(None, use_errno=True)',
      ...attacks.map(([, body], index) => `def attack${index}(e):\n${body.replace(/^/gm, '  ')}`),
      'def handler(e, c):',
      '  results = []',
      `  for attack in [${attacks.map((_, index) => `attack${index}`).join(', ')}]:`,
      '    try: results.append(attack(e))',
      '    except BaseException as error: results.append(None)',
      '  return results',
    ].join('\n');

    test('nothing of the host can be reached', async () => {
      // The neighbour's environment makes sure that its code is there to be stolen.
      await neighbour.invoke({});
      const attacker = sandboxed.deploy({ files: { 'app.py': code } });
      const { value, functionError } = await attacker.invoke({
        data: join(sandboxed.dir, 'state', 'brume.sqlite'),
        neighbour: neighbour.version.codeDir,
        server: process.pid,
      });
      assert.equal(functionError, undefined, JSON.stringify(value));
      assert.equal(value.length, attacks.length);
      const won = attacks.map(([name], index) => [name, value[index]]).filter(([, got]) => got !== null);
      assert.deepEqual(won, []);
    });

    test('it sees its own processes and its own environment alone', async () => {
      const { invoke } = sandboxed.deploy({
        files: {
          'app.py':
            'import os\ndef handler(e, c):\n  pids = [int(p) for p in os.listdir("/proc") if p.isdigit()]\n  return [len(pids), "".join(open("/proc/%d/environ" % p).read() for p in pids if os.access("/proc/%d/environ" % p, os.R_OK)), os.uname().nodename, os.getuid()]',
        },
      });
      const { value } = await invoke({});
      const [processes, environments, hostname, user] = value;
      assert.ok(processes <= 3, String(processes));
      assert.ok(!environments.includes(SECRET));
      assert.equal(hostname, 'localhost');
      assert.equal(user === 0, isolation === 'namespaces');
    });

    test('/tmp is writable, its own, bounded, and kept while warm', async () => {
      const code = `
import os
def handler(e, c):
  try:
    with open("/tmp/f", "ab", 0) as f:
      while e > 0: e -= f.write(b"x" * min(e, 1 << 20))
  except OSError as error:
    return error.strerror
  return os.path.getsize("/tmp/f")`;
      const spec = { files: { 'app.py': code } };
      const [one, other] = [sandboxed.deploy(spec), sandboxed.deploy(spec)];
      assert.equal((await one.invoke(10)).value, 10);
      assert.equal((await one.invoke(5)).value, 15);
      assert.equal((await other.invoke(1)).value, 1);
      assert.equal((await other.invoke(513 << 20)).value, 'No space left on device');
    });

    test('a fork bomb ends with its environment, and others run on', { skip: noControlGroups }, async () => {
      const bomb = sandboxed.deploy({
        files: {
          'app.py':
            'import ctypes, os, time\ndef handler(e, c):\n  ctypes.CDLL(None).prctl(15, b"bomb-86422", 0, 0, 0)\n  made = 0\n  try:\n    while made < 5000:\n      if os.fork() == 0: time.sleep(60)\n      made += 1\n  except OSError: return made\n  return made',
        },
        memoryMb: 1_024,
        timeoutS: 30,
      });
      const { value } = await bomb.invoke({});
      assert.ok(value > 100 && value < 1_024, JSON.stringify(value));
      const { value: other } = await sandboxed
        .deploy({ files: { 'app.py': 'def handler(e, c): return 1' } })
        .invoke({});
      assert.equal(other, 1);
      assert.ok(processesCalled('bomb-86422') > 100);
      await sandboxed.engine.retire(bomb.version.versionArn);
      // The kernel may still be at it.
      for (let i = 0; i < 500 && processesCalled('bomb-86422') > 0; i++) await sleep(10);
      assert.equal(processesCalled('bomb-86422'), 0, 'its processes are gone');
    });

    test('a process left behind does not outlive its environment', async () => {
      const { invoke, version } = sandboxed.deploy({
        files: {
          'app.py':
            'import os, subprocess\ndef handler(e, c):\n  until_exec, held = os.pipe()\n  if os.fork() == 0:\n    os.setsid()\n    os.execvp("sleep", ["sleep", "86421"])\n  os.close(held)\n  os.read(until_exec, 1)\n  return "left"',
        },
      });
      assert.equal((await invoke({})).value, 'left');
      assert.equal(commandsNamed('sleep\0' + '86421'), 1);
      await sandboxed.engine.retire(version.versionArn);
      assert.equal(commandsNamed('sleep\0' + '86421'), 0);
    });
  });

describe('without isolation', { skip: noPython }, () => {
  const plain = startEngine({ functions: { isolation: 'process' } });

  test('functions run, with a /tmp of their own by TMPDIR', async () => {
    const spec = {
      files: {
        'app.py': 'import os, tempfile\ndef handler(e, c): return [tempfile.gettempdir(), os.getcwd(), __file__]',
      },
    };
    const [one, other] = [plain.deploy(spec), plain.deploy(spec)];
    const [temporary, directory, file] = (await one.invoke({})).value;
    assert.ok(temporary.startsWith(plain.dir), temporary);
    assert.equal(directory, one.version.codeDir);
    assert.equal(file, join(one.version.codeDir, 'app.py'));
    assert.notEqual((await other.invoke({})).value[0], temporary);
  });

  test('Node.js as well', async () => {
    const { invoke } = plain.deploy({
      runtime: 'nodejs24.x',
      files: { 'app.mjs': 'import os from "node:os"; export const handler = async () => os.tmpdir()' },
    });
    assert.ok((await invoke({})).value.startsWith(plain.dir));
  });

  test('a function sees nothing of the environment of the server', async () => {
    const { invoke } = plain.deploy({ files: { 'app.py': 'import os\ndef handler(e, c): return dict(os.environ)' } });
    assert.equal((await invoke({})).value.BRUME_TEST_SECRET, undefined);
  });
});

/** Processes of this machine with that name of their own. */
function processesCalled(name: string): number {
  return processesWhose('comm', (found) => found === `${name}\n`);
}

/** Whose command line begins so. */
function commandsNamed(command: string): number {
  return processesWhose('cmdline', (found) => found.startsWith(command));
}

function processesWhose(file: 'comm' | 'cmdline', isWanted: (content: string) => boolean): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return isWanted(readFileSync(`/proc/${name}/${file}`, 'latin1'));
    } catch {
      return false;
    }
  }).length;
}
