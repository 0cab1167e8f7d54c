// Why Brume did not start, in words that say what to do. What is not recognised keeps its stack: it is a defect.

import type { Config } from '#core/config.ts';
import { describePortHolder } from './port-holder.ts';

/** Errors that already explain themselves. */
const SELF_EXPLAINING = new Set(['ConfigError', 'DataDirLockedError', 'DataDirUnusableError', 'UnsafeBindingError']);

export async function explainFailure(error: unknown, config: Config | undefined): Promise<string> {
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (SELF_EXPLAINING.has(name)) return message;
  const address = config === undefined ? '' : `${config.host}:${config.port}`;
  switch (code) {
    case 'EADDRINUSE': {
      const holder = await describePortHolder(config!.host, config!.port);
      return `${address} is taken${holder === undefined ? '' : ` by ${holder}`}. Stop that one, or choose another port with --port (0 takes a free one).`;
    }
    case 'EADDRNOTAVAIL':
      return `${config?.host} is no address of this machine. Choose one that is with --host; 127.0.0.1 always is.`;
    case 'ENOTFOUND':
      return `The host name ${config?.host} cannot be resolved. Give an address of this machine with --host.`;
    case 'EACCES':
      if ((error as NodeJS.ErrnoException).syscall === 'listen') {
        return `${address} may not be opened by this user: ports below 1024 need privileges. Choose another with --port.`;
      }
      break;
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk that holds ${config?.inMemory ? 'the temporary directory' : config?.dataDir} is full. Free some space, or choose another directory with --data.`;
  }
  return `Brume could not start: ${error instanceof Error ? (error.stack ?? message) : String(error)}`;
}
