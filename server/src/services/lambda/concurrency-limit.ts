import type { Config } from '#core/config.ts';
import { DEFAULT_CONCURRENCY } from '#engines/functions/function-engine.ts';

/** The concurrent executions of all functions of an account. */
export function concurrencyLimit({ functions }: Pick<Config, 'functions'>): number {
  return functions.concurrency ?? DEFAULT_CONCURRENCY;
}

/** What must stay for the functions without a reservation. */
export const LEAST_UNRESERVED = 100;
