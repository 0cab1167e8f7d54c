import { type CommandError, explainUse } from '../explain-error.ts';

/** What went wrong in a `lambda` command, in words that say what to do. */
export function explain(error: CommandError, endpoint: string): string {
  const explained = explainUse(error, endpoint);
  if (explained !== undefined) return explained;
  if (error.$metadata?.httpStatusCode === undefined) return error.stack ?? error.message;
  return `${error.name}: ${error.message}`;
}
