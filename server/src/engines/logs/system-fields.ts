// What CloudWatch Logs itself can say of an event, as dimensions of metric filters and fields of subscriptions.

import type { LogScope } from './log-group.ts';

/** As AWS lists them. */
export const SYSTEM_FIELDS = ['@aws.region', '@aws.account', '@source.log'] as const;

export function systemFieldsOf(
  names: readonly string[] | undefined,
  { scope, name }: { scope: LogScope; name: string },
): Record<string, string> {
  const all: Record<string, string> = {
    '@aws.region': scope.region,
    '@aws.account': scope.account,
    '@source.log': name,
  };
  return Object.fromEntries((names ?? []).map((field) => [field, all[field]!]));
}
