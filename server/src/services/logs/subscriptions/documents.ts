// What the sharing of logs keeps: destinations, resource policies and account policies.

import { formatArn } from '#core/arn.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import { defineCollection } from '#storage/state/state.ts';

export interface DestinationDocument {
  name: string;
  targetArn: string;
  roleArn: string;
  accessPolicy?: string;
  createdAtMs: number;
  tags: Record<string, string>;
}

/** Keyed by the destination's name. */
export const DESTINATIONS = defineCollection<DestinationDocument>('logs.destinations');

export function destinationArn(scope: LogScope, name: string): string {
  return formatArn({ service: 'logs', account: scope.account, region: scope.region, resource: `destination:${name}` });
}
