// The sandbox by bubblewrap. https://github.com/containers/bubblewrap
// Its arguments go through a descriptor, so that no other user of the machine reads a function's environment off the
// process list, and no LD_PRELOAD of a function's author ever loads into the starter outside of the sandbox.
//
// Where Brume is root, each sandbox is a user of its own to the kernel: root makes the mounts, so that what is shown need not
// be readable for that user on the host, and `setpriv` becomes the user. It still holds what it needs for that, so that the
// function's variables come only afterwards, from standard input by a shell. Elsewhere, and for the few functions whose files
// or variables do not allow it, a user namespace maps the sandbox to the user of Brume.

import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { imageRoot } from '../images/image-root.ts';
import { argsIn, programNames } from '../interpreter.ts';
import { GROUP_ID, hostView, LANGUAGE_DIR, RUNTIME_DIR, TASK_ROOT, USER_ID } from './host-view.ts';
import { type Cell, type Command, type Isolation, STARTER_ENVIRONMENT, type View } from './isolation.ts';
import { FILE_SYSTEM_USER, type UserIds } from './user-ids.ts';

export interface BubblewrapOptions {
  /** File with the seccomp filter. */
  filter?: string | undefined;
  /** Numbers that users of the sandboxes may have; only with a filter, which keeps them from making user namespaces. */
  users?: UserIds | undefined;
  /** Instead of the system's /dev/null, which not every user may write to. */
  nullDevice?: string | undefined;
}

const MEGABYTE = 1024 * 1024;
const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv', '/usr/sbin/setpriv'].find((path) => existsSync(path));
const USER_CHANGING = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP'];
/** Shells give these a meaning of their own, or let nobody set them. */
const SHELL_VARIABLES = /^(?:(?:E?UID|PPID|IFS|ENV|OPTIND|LINENO|PS[0-9]|SHELLOPTS|GROUPS|FUNCNAME|DIRSTACK)$|BASH)/;
const READABLE_BY_ALL = 0o005;

export function bubblewrap({ filter, users, nullDevice }: BubblewrapOptions): Isolation {
  /** `program` is what the sandbox runs; `waits` when a shell gets the variables and the program's name later. */
  const make = (
    cell: Cell,
    environment: Readonly<Record<string, string>>,
    program: string[],
    waits: boolean,
  ): Command => {
    const { root } = cell.interpreter;
    const mayChange = users && filter && SETPRIV && allowsUser(cell, environment);
    const ownId = mayChange && !cell.mounts?.length ? users.take() : undefined;
    const userId = mayChange && cell.mounts?.length ? FILE_SYSTEM_USER : ownId;
    const options = [
      '--clearenv',
      ...(userId === undefined
        ? [
            ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]),
            // A user namespace of its own, in which no further one can be made; no capabilities, and none to be had.
            ...['--unshare-user', '--disable-userns', '--uid', String(USER_ID), '--gid', String(GROUP_ID)],
            ...['--cap-drop', 'ALL'],
          ]
        : ['--cap-drop', 'ALL', ...USER_CHANGING.flatMap((capability) => ['--cap-add', capability])]),
      ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
      ...['--hostname', 'localhost', '--die-with-parent', '--new-session'],
      ...(root
        ? [...imageRoot(root.dir, cell.ephemeralStorageMb), ...mountsOverImage(root.dir, cell)]
        : rootOf(cell, sandboxView(cell).executable, userId, nullDevice)),
      ...['--chdir', root?.workingDir ?? TASK_ROOT],
      ...(filter === undefined ? [] : ['--seccomp', '9']),
    ];
    const becomeUser = (id: number) => [
      ...[SETPRIV!, '--reuid', String(id), '--regid', String(id), '--clear-groups'],
      ...['--inh-caps=-all', '--bounding-set=-all'],
    ];
    const isBecoming = userId !== undefined && !waits;
    return {
      file: 'bwrap',
      args: [
        ...['--args', '4', '--'],
        ...(userId === undefined ? [] : becomeUser(userId)),
        ...(waits || isBecoming ? ['/bin/sh', '-s', '--'] : []),
        ...program,
      ],
      environment: STARTER_ENVIRONMENT,
      input: Buffer.from(options.map((option) => `${option}\0`).join('')),
      ...(filter === undefined ? {} : { filter }),
      ...(isBecoming ? { shellInput: becoming(environment) } : {}),
      ...(ownId === undefined ? {} : { release: () => users!.giveBack(ownId) }),
    };
  };
  return {
    name: 'sandbox',
    view: sandboxView,
    command(cell, environment) {
      const program = [
        ...(cell.launcher ?? []),
        sandboxView(cell).executable,
        ...argsIn(cell.interpreter, sandboxView(cell)),
      ];
      return make(cell, environment, program, false);
    },
    waiting: (cell) => make(cell, {}, [], true),
    becoming: (program, environment) =>
      shellTakes(environment) ? becoming(environment, `'${program.replaceAll("'", `'\\''`)}'`) : undefined,
  };
}

/** Whether another user than Brume's could read what is to be run, and a shell set its variables. */
function allowsUser({ codeDir, layersDir, interpreter }: Cell, environment: Readonly<Record<string, string>>): boolean {
  // An image need not hold what becomes the user.
  if (interpreter.root || !shellTakes(environment)) return false;
  return [codeDir, interpreter.runtimeDir, ...(layersDir === undefined ? [] : [layersDir])].every(
    (dir) => (statSync(dir).mode & READABLE_BY_ALL) === READABLE_BY_ALL,
  );
}

function shellTakes(environment: Readonly<Record<string, string>>): boolean {
  return !Object.keys(environment).some((name) => SHELL_VARIABLES.test(name));
}

/** What the shell reads: it sets the variables and becomes the program, with nothing on its standard input. */
function becoming(environment: Readonly<Record<string, string>>, program = '"$@"'): Buffer {
  const settings = Object.entries(environment).map(
    ([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`,
  );
  return Buffer.from(`unset OLDPWD SHLVL\n${settings.join('')}exec ${program} </dev/null\n`);
}

export function sandboxView({ interpreter }: Cell): View {
  return {
    taskRoot: TASK_ROOT,
    runtimeDir: RUNTIME_DIR,
    executable: interpreter.language === 'nodejs' ? `${LANGUAGE_DIR}/bin/node` : interpreter.executable,
  };
}

function rootOf(cell: Cell, executable: string, userId: number | undefined, nullDevice: string | undefined): string[] {
  const { interpreter, codeDir, layersDir, ephemeralStorageMb, mounts = [] } = cell;
  const view = hostView(interpreter);
  const accounts = userId === undefined ? view.accounts : accountsOf(cell, userId);
  return [
    // Before the rest, which may lie in /tmp: an interpreter in a virtual environment, a Brume that is tried out there.
    ...['--perms', '1777', '--size', String(ephemeralStorageMb * MEGABYTE), '--tmpfs', '/tmp'],
    ...(userId === undefined
      ? []
      : passable([...view.directories, ...view.settings, `${LANGUAGE_DIR}/bin/x`, ...mounts.map(({ path }) => path)])),
    ...view.directories.flatMap((path) => ['--ro-bind', path, path]),
    ...view.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...view.settings.flatMap((path) => ['--ro-bind-try', path, path]),
    ...(cell.hostsFile === undefined ? [] : ['--ro-bind', cell.hostsFile, '/etc/hosts']),
    ...accounts.flatMap(([source, place]) => ['--ro-bind', source, place]),
    // Read-only: where Brume runs as root, kernel settings are writable for its number in whatever namespace.
    ...['--proc', '/proc', '--remount-ro', '/proc'],
    // As on Lambda there is no shared memory to be had, so /dev needs no room.
    ...['--dev', '/dev', ...(nullDevice === undefined ? [] : ['--dev-bind', nullDevice, '/dev/null'])],
    ...['--remount-ro', '/dev'],
    ...['--ro-bind', codeDir, TASK_ROOT, '--ro-bind', interpreter.runtimeDir, RUNTIME_DIR],
    ...(layersDir === undefined ? ['--dir', '/opt'] : ['--ro-bind', layersDir, '/opt']),
    ...(interpreter.language === 'nodejs'
      ? ['--ro-bind', interpreter.executable, executable]
      : programNames(interpreter).flatMap((name) => ['--symlink', executable, `${LANGUAGE_DIR}/bin/${name}`])),
    ...mounts.flatMap(({ source, path }) => ['--bind', source, path]),
    ...['--remount-ro', '/'],
  ];
}

/** An image's root is read-only: there is a /mnt of its own over that of the image. */
function mountsOverImage(rootDir: string, { mounts = [] }: Cell): string[] {
  if (mounts.length === 0) return [];
  mkdirSync(join(rootDir, 'mnt'), { recursive: true });
  const binds = mounts.flatMap(({ source, path }) => ['--bind', source, path]);
  return ['--perms', '0755', '--tmpfs', '/mnt', ...binds, '--remount-ro', '/mnt'];
}

/** What leads to these places, for users other than root: bubblewrap would make some of it for root alone. */
function passable(places: readonly string[]): string[] {
  const parents = new Set<string>();
  for (const place of places) {
    for (let path = dirname(place); path !== '/' && path !== '/tmp'; path = dirname(path)) parents.add(path);
  }
  return [...parents].sort().flatMap((path) => ['--perms', '0755', '--dir', path]);
}

/** SDKs ask for the home directory of the user that they are, and fail when nobody has the number. */
function accountsOf({ dir }: Cell, userId: number): [source: string, place: string][] {
  const name = 'sbx_user1051';
  const files = {
    passwd: `root:x:0:0:root:/root:/sbin/nologin\n${name}:x:${userId}:${userId}::/home/${name}:/sbin/nologin\n`,
    group: `root:x:0:\n${name}:x:${userId}:\n`,
  };
  return Object.entries(files).map(([file, text]) => {
    writeFileSync(join(dir, file), text, { mode: 0o644 });
    return [join(dir, file), `/etc/${file}`];
  });
}
