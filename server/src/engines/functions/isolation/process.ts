// No isolation: a plain process in the code's directory.

import { argsIn } from '../interpreter.ts';
import type { Isolation } from './isolation.ts';

export const plainProcess: Isolation = {
  name: 'process',
  view: ({ interpreter, codeDir, dir }) => ({
    taskRoot: codeDir,
    runtimeDir: interpreter.runtimeDir,
    executable: interpreter.executable,
    temporaryDir: dir,
  }),
  command: ({ interpreter, codeDir, launcher = [] }, environment) => {
    const args = argsIn(interpreter, { runtimeDir: interpreter.runtimeDir, taskRoot: codeDir });
    const [file, ...rest] = [...launcher, interpreter.executable, ...args];
    return { file: file!, args: rest, environment: { ...environment }, workingDir: codeDir };
  },
};
