// The sandbox by bubblewrap. https://github.com/containers/bubblewrap
// Its arguments go through a descriptor, so that no other user of the machine reads a function's environment off the
// process list, and no LD_PRELOAD of a function's author ever loads into the starter outside of the sandbox.

import { imageRoot } from '../images/image-root.ts';
import { programNames } from '../interpreter.ts';
import { GROUP_ID, hostView, LANGUAGE_DIR, RUNTIME_DIR, TASK_ROOT, USER_ID } from './host-view.ts';
import { type Cell, type Isolation, STARTER_ENVIRONMENT, type View } from './isolation.ts';

const MEGABYTE = 1024 * 1024;

export const bubblewrap: Isolation = {
  name: 'sandbox',
  view: sandboxView,
  command(cell, environment) {
    const { executable } = sandboxView(cell);
    const { root } = cell.interpreter;
    const options = [
      ...['--clearenv', ...Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value])],
      // A user namespace of its own, in which no further one can be made; no capabilities, and none to be had.
      ...['--unshare-user', '--disable-userns', '--uid', String(USER_ID), '--gid', String(GROUP_ID)],
      ...['--cap-drop', 'ALL', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
      ...['--hostname', 'localhost', '--die-with-parent', '--new-session'],
      ...(root ? imageRoot(root.dir, cell.ephemeralStorageMb) : rootOf(cell, executable)),
      ...['--chdir', root?.workingDir ?? TASK_ROOT],
    ];
    return {
      file: 'bwrap',
      args: [
        '--args',
        '4',
        '--',
        ...(cell.launcher ?? []),
        executable,
        ...cell.interpreter.args.map((arg) => arg.replace('{runtime}', RUNTIME_DIR)),
      ],
      environment: STARTER_ENVIRONMENT,
      input: Buffer.from(options.map((option) => `${option}\0`).join('')),
    };
  },
};

export function sandboxView({ interpreter }: Cell): View {
  return {
    taskRoot: TASK_ROOT,
    runtimeDir: RUNTIME_DIR,
    executable: interpreter.language === 'nodejs' ? `${LANGUAGE_DIR}/bin/node` : interpreter.executable,
  };
}

function rootOf({ interpreter, codeDir, layersDir, ephemeralStorageMb }: Cell, executable: string): string[] {
  const view = hostView(interpreter);
  return [
    // Before the rest, which may lie in /tmp: an interpreter in a virtual environment, a Brume that is tried out there.
    ...['--perms', '1777', '--size', String(ephemeralStorageMb * MEGABYTE), '--tmpfs', '/tmp'],
    ...view.directories.flatMap((path) => ['--ro-bind', path, path]),
    ...view.links.flatMap(({ path, target }) => ['--symlink', target, path]),
    ...view.settings.flatMap((path) => ['--ro-bind-try', path, path]),
    ...view.accounts.flatMap(([source, place]) => ['--ro-bind', source, place]),
    // Read-only: where Brume runs as root, kernel settings are writable for its number in whatever namespace.
    ...['--proc', '/proc', '--remount-ro', '/proc'],
    // As on Lambda there is no shared memory to be had, so /dev needs no room.
    ...['--dev', '/dev', '--remount-ro', '/dev'],
    ...['--ro-bind', codeDir, TASK_ROOT, '--ro-bind', interpreter.runtimeDir, RUNTIME_DIR],
    ...(layersDir === undefined ? ['--dir', '/opt'] : ['--ro-bind', layersDir, '/opt']),
    ...(interpreter.language === 'nodejs'
      ? ['--ro-bind', interpreter.executable, executable]
      : programNames(interpreter).flatMap((name) => ['--symlink', executable, `${LANGUAGE_DIR}/bin/${name}`])),
    ...['--remount-ro', '/'],
  ];
}
