// Placeholders for engines that are still being written; gone when they land.

import type { FunctionEngine } from '#engines/functions/function-engine.ts';
import type { LogStore } from '#engines/logs/log-store.ts';

function pending<T extends object>(name: string): T {
  return new Proxy({} as T, {
    get: (_, method) =>
      method === 'then'
        ? undefined
        : method === 'start' ||
            method === 'stop' ||
            method === 'reset' ||
            method === 'close' ||
            method === 'record' ||
            method === 'flush'
          ? async () => {}
          : () => {
              throw new Error(`${name}.${String(method)} is not built yet`);
            },
  });
}
export const createLogStore = (_: object) => pending<LogStore>('logs');
export const createFunctionEngine = (_: object) => pending<FunctionEngine>('functions');
