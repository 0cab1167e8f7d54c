// Scheduled queries as they are kept, and the runs that they had.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/ScheduledQueries.html

import { formatArn, parseArn } from '#core/arn.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { LogScope } from '../log-group.ts';
import type { QueryLanguage } from './query-document.ts';

export type ExecutionStatus = 'Running' | 'InvalidQuery' | 'Complete' | 'Failed' | 'Timeout';

export interface ScheduledQueryDocument {
  /** The last part of its ARN. */
  id: string;
  name: string;
  description?: string;
  queryLanguage: QueryLanguage;
  queryString: string;
  logGroupIdentifiers?: string[];
  scheduleExpression: string;
  timezone?: string;
  /** Seconds before a run where its time range begins and ends. */
  startTimeOffset?: number;
  endTimeOffset?: number;
  destinationConfiguration?: DestinationConfiguration;
  /** No run before and none after. */
  scheduleStartMs?: number;
  scheduleEndMs?: number;
  executionRoleArn: string;
  state: 'ENABLED' | 'DISABLED';
  createdAtMs: number;
  updatedAtMs: number;
  lastTriggeredMs?: number;
  lastExecutionStatus?: ExecutionStatus;
  tags: Record<string, string>;
}

export interface DestinationConfiguration {
  s3Configuration?: {
    destinationIdentifier: string;
    roleArn: string;
    ownerAccountId?: string;
    kmsKeyId?: string;
  };
  lookupTableConfiguration?: {
    tableName: string;
    roleArn: string;
    description?: string;
    kmsKeyId?: string;
    tags?: Record<string, string>;
  };
}

export interface ScheduledRun {
  triggeredAtMs: number;
  queryId?: string;
  status: ExecutionStatus;
  error?: string;
  destinations: DestinationOutcome[];
}

export interface DestinationOutcome {
  type: 'S3' | 'LOOKUP_TABLE';
  identifier: string;
  status: 'IN_PROGRESS' | 'CLIENT_ERROR' | 'FAILED' | 'COMPLETE';
  /** What was written there. */
  processedIdentifier?: string;
  error?: string;
}

/** Keyed by their ids. */
export const SCHEDULED_QUERIES = defineCollection<ScheduledQueryDocument>('logs.scheduled-queries');
/** Keyed by `ID/time of the run`, in digits that sort as the times do. */
export const SCHEDULED_RUNS = defineCollection<ScheduledRun>('logs.scheduled-query-runs');

const TIME_DIGITS = 15;

export function runKey(id: string, triggeredAtMs: number): string {
  return `${id}/${String(triggeredAtMs).padStart(TIME_DIGITS, '0')}`;
}

export function scheduledQueryArn(scope: LogScope, id: string): string {
  return formatArn({ service: 'logs', ...scope, resource: `scheduled-query:${id}` });
}

/** The id in an ARN of this account and region; undefined for anything else. */
export function scheduledQueryIdOf(arn: string, scope: LogScope): string | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'logs' || parsed.account !== scope.account || parsed.region !== scope.region)
    return undefined;
  return /^scheduled-query:(.+)$/.exec(parsed.resource)?.[1];
}
