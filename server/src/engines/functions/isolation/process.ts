// No isolation: a plain process in the code's directory.

import type { Isolation } from './isolation.ts';

export const plainProcess: Isolation = {
  name: 'process',
  view: ({ interpreter, codeDir, dir }) => ({
    taskRoot: codeDir,
    runtimeDir: interpreter.runtimeDir,
    executable: interpreter.executable,
    temporaryDir: dir,
  }),
  command: ({ interpreter, codeDir }, environment) => ({
    file: interpreter.executable,
    args: interpreter.args.map((arg) => arg.replace('{runtime}', interpreter.runtimeDir)),
    environment: { ...environment },
    workingDir: codeDir,
  }),
};
