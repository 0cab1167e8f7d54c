// The sandbox without bubblewrap: `unshare` makes the namespaces, a shell script with `mount` and `pivot_root` builds the
// same root, `setpriv` takes the privileges away. All are part of util-linux; slower than bubblewrap by a program run per mount.

import { argsIn, programNames } from '../interpreter.ts';
import { sandboxView } from './bubblewrap.ts';
import { hostView, LANGUAGE_DIR, RUNTIME_DIR, TASK_ROOT } from './host-view.ts';
import { type Isolation, STARTER_ENVIRONMENT } from './isolation.ts';

/**
 * Arguments: directory to build in, megabytes of /tmp, numbers of pairs (source, place) that are read-only, of those that are
 * not, and of link pairs (target, place), the pairs, and the command. The function's environment is read as shell assignments from descriptor 4 inside, at the end.
 */
const SCRIPT = `
set -e
new=$1 size=$2 binds=$3 writable=$4 links=$5
shift 5
hostname localhost || :
mount -t tmpfs -o size=1m,mode=755 tmpfs "$new"
cd "$new"
mkdir proc dev tmp opt old
mount -t tmpfs -o "size=\${size}m,mode=1777,nosuid,nodev" tmpfs tmp
while [ "$binds" -gt 0 ]; do
  if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p ".\${2%/*}"; : > ".$2"; fi
  mount --rbind "$1" ".$2"
  mount -o remount,bind,ro,nosuid,nodev ".$2"
  shift 2
  binds=$((binds - 1))
done
while [ "$writable" -gt 0 ]; do
  mkdir -p ".$2"
  mount --bind "$1" ".$2"
  mount -o remount,bind,nosuid,nodev ".$2"
  shift 2
  writable=$((writable - 1))
done
while [ "$links" -gt 0 ]; do
  mkdir -p ".\${2%/*}"
  ln -s "$1" ".$2"
  shift 2
  links=$((links - 1))
done
for device in null zero full random urandom; do
  : > "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
mount -t proc -o ro,nosuid,nodev,noexec proc proc
pivot_root . old
umount -l /old
rmdir /old
mount -o remount,ro,nosuid,nodev /
cd ${TASK_ROOT}
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all /bin/sh -c '
settings=$(cat <&4)
exec 4<&-
unset PATH OLDPWD
eval "$settings"
exec "$@"' sh "$@"
`;

export const namespaces: Isolation = {
  name: 'namespaces',
  view: sandboxView,
  command(cell, environment) {
    const { interpreter, codeDir, layersDir, dir, ephemeralStorageMb, mounts = [] } = cell;
    const { executable } = sandboxView(cell);
    const view = hostView(interpreter);
    const binds = [
      ...[...view.directories, ...view.settings.filter((path) => path !== '/etc/hosts')].map((path) => [path, path]),
      [cell.hostsFile ?? '/etc/hosts', '/etc/hosts'],
      ...view.accounts,
      [codeDir, TASK_ROOT],
      ...(layersDir === undefined ? [] : [[layersDir, '/opt']]),
      [interpreter.runtimeDir, RUNTIME_DIR],
      ...(interpreter.language === 'nodejs' ? [[interpreter.executable, executable]] : []),
    ];
    const links = [
      ...view.links.map(({ path, target }) => [target, path]),
      ...(interpreter.language === 'nodejs'
        ? []
        : programNames(interpreter).map((name) => [executable, `${LANGUAGE_DIR}/bin/${name}`])),
    ];
    return {
      file: 'unshare',
      args: [
        ...['--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--ipc', '--uts', '--cgroup'],
        ...['/bin/sh', '-c', SCRIPT, 'sh', dir],
        ...[ephemeralStorageMb, binds.length, mounts.length, links.length].map(String),
        ...binds.flat(),
        ...mounts.flatMap(({ source, path }) => [source, path]),
        ...links.flat(),
        ...(cell.launcher ?? []),
        executable,
        ...argsIn(interpreter, sandboxView(cell)),
      ],
      environment: STARTER_ENVIRONMENT,
      input: Buffer.from(
        Object.entries(environment)
          .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
          .join(''),
      ),
    };
  },
};
