// How a command becomes a process: a shell limits itself, joins the control groups and becomes the command.

import type { Command } from './isolation/isolation.ts';

/** As on Lambda: descriptors, and no core dumps. A system that allows fewer descriptors keeps its limit. */
const LIMITS = 'ulimit -c 0 2>/dev/null; ulimit -n 1024 2>/dev/null; ';
const JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done; shift; ';
/** Standard error goes where standard output goes. */
const BECOME = 'exec "$@" 2>&1';

/** The program and its arguments. Descriptor 9 becomes the command's filter. */
export function starting({ file, args, filter }: Command, joinFiles: readonly string[]): [string, string[]] {
  const [script, first] =
    filter === undefined
      ? [`${LIMITS}${JOIN}${BECOME}`, []]
      : [`${LIMITS}filter=$1; shift; ${JOIN}${BECOME} 9<"$filter"`, [filter]];
  return ['/bin/sh', ['-c', script, 'sh', ...first, ...joinFiles, '--', file, ...args]];
}
