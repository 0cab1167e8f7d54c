// What the options of several commands say of a function.

import type { Environment } from '@aws-sdk/client-lambda';
import { UsageError } from '../logs/usage-error.ts';

/** `NAME=VALUE` pairs. */
export function readEnvironment(given: readonly string[] = []): Environment {
  const pairs = given.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError(`--env ${pair} is not NAME=VALUE.`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return { Variables: Object.fromEntries(pairs) };
}

/** Throws UsageError for what is no whole number in the range. */
export function readNumber(given: string, option: string, least: number, most: number): number {
  const number = Number(given);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new UsageError(`${option} must be a whole number from ${least} to ${most}, not ${given}.`);
}
