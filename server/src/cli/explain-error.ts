// What went wrong in a command that speaks to a Brume, in words that say what to do.

import { UsageError } from './logs/usage-error.ts';

export type CommandError = Error & { code?: string; $metadata?: { httpStatusCode?: number } };

/** Undefined where nothing more can be said than the error itself says. */
export function explainUse(error: CommandError, endpoint: string): string | undefined {
  if (error instanceof UsageError) return error.message;
  const codes = [error.code, ...((error as unknown as AggregateError).errors ?? []).map(({ code }) => code)];
  if (codes.includes('ECONNREFUSED')) {
    return `No Brume answers at ${endpoint}: nothing listens there. Start one with \`brume start\`, or name another with --endpoint.`;
  }
  if (codes.includes('ENOTFOUND')) return `The host of ${endpoint} cannot be resolved.`;
  return undefined;
}
