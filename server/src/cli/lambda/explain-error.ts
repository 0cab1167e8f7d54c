// What went wrong in a `lambda` command, in words that say what to do.

import { UsageError } from '../logs/usage-error.ts';

export function explain(
  error: Error & { code?: string; $metadata?: { httpStatusCode?: number } },
  endpoint: string,
): string {
  if (error instanceof UsageError) return error.message;
  const codes = [error.code, ...((error as unknown as AggregateError).errors ?? []).map(({ code }) => code)];
  if (codes.includes('ECONNREFUSED')) {
    return `No Brume answers at ${endpoint}: nothing listens there. Start one with \`brume start\`, or name another with --endpoint.`;
  }
  if (codes.includes('ENOTFOUND')) return `The host of ${endpoint} cannot be resolved.`;
  if (error.$metadata?.httpStatusCode === undefined) return error.stack ?? error.message;
  return `${error.name}: ${error.message}`;
}
