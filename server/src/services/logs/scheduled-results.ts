// Where the results of scheduled queries go: an object in S3, or a lookup table.

import { type OperationCall, serviceCaller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import { type LookupTableDirectory, LookupTableError, lookupTableArn } from '#engines/logs/queries/lookup-table.ts';
import type { QueryAnswer } from '#engines/logs/queries/query-engine.ts';
import { resultFields, resultsAsCsv } from '#engines/logs/queries/query-results.ts';
import {
  type DestinationConfiguration,
  type DestinationOutcome,
  type ScheduledQueryDocument,
  scheduledQueryArn,
} from '#engines/logs/queries/scheduled-query.ts';

export interface ResultDestinations {
  call: OperationCall;
  lookupTables: LookupTableDirectory;
}

export async function deliverResults(
  destinations: ResultDestinations,
  scope: LogScope,
  query: ScheduledQueryDocument,
  triggeredAtMs: number,
  answer: QueryAnswer,
): Promise<DestinationOutcome[]> {
  const { s3Configuration, lookupTableConfiguration } = query.destinationConfiguration ?? {};
  const outcomes: DestinationOutcome[] = [];
  if (s3Configuration) {
    const identifier = s3Configuration.destinationIdentifier;
    outcomes.push(await attempt('S3', identifier, () => putObject(destinations, scope, query, triggeredAtMs, answer)));
  }
  if (lookupTableConfiguration) {
    const put = () => fillLookupTable(destinations, scope, lookupTableConfiguration, answer);
    outcomes.push(await attempt('LOOKUP_TABLE', lookupTableConfiguration.tableName, put));
  }
  return outcomes;
}

async function attempt(
  type: DestinationOutcome['type'],
  identifier: string,
  deliver: () => Promise<string>,
): Promise<DestinationOutcome> {
  try {
    return { type, identifier, status: 'COMPLETE', processedIdentifier: await deliver() };
  } catch (error) {
    const status = error instanceof AwsError || error instanceof LookupTableError ? 'CLIENT_ERROR' : 'FAILED';
    return { type, identifier, status, error: (error as Error).message };
  }
}

/** One object a run, under its day; what GetQueryResults gives, whole. The URI of the object. */
async function putObject(
  { call }: ResultDestinations,
  scope: LogScope,
  query: ScheduledQueryDocument,
  triggeredAtMs: number,
  { query: run, rows }: QueryAnswer,
): Promise<string> {
  const { destinationIdentifier, ownerAccountId } = query.destinationConfiguration!.s3Configuration!;
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(destinationIdentifier)!;
  const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const [day] = new Date(triggeredAtMs).toISOString().split('T') as [string];
  const Key = `${folder}${query.name}/${day.replaceAll('-', '/')}/${run.id}.json`;
  const { id: queryId, status, statistics, queryLanguage } = run;
  const result = { queryId, queryLanguage, status, statistics, results: resultFields(rows) };
  const request = {
    Bucket: bucket!,
    Key,
    Body: Buffer.from(JSON.stringify(result)),
    ContentType: 'application/json',
    ...(ownerAccountId !== undefined && { ExpectedBucketOwner: ownerAccountId }),
  };
  const sourceArn = scheduledQueryArn(scope, query.id);
  await call('s3', 'PutObject', request, serviceCaller('logs.amazonaws.com', { ...scope, sourceArn }, uuid()));
  return `s3://${bucket}/${Key}`;
}

/** Makes the table, or replaces what it holds; its ARN. */
async function fillLookupTable(
  { lookupTables }: ResultDestinations,
  scope: LogScope,
  configuration: NonNullable<DestinationConfiguration['lookupTableConfiguration']>,
  { rows }: QueryAnswer,
): Promise<string> {
  const { tableName, description, kmsKeyId, tags = {} } = configuration;
  const change = { body: resultsAsCsv(rows), description, kmsKeyId };
  if (!(await lookupTables.update(scope, tableName, change))) {
    const created = await lookupTables.create(scope, tableName, change, tags);
    if (created === 'too many') throw new LookupTableError('The number of lookup tables has reached its quota.');
  }
  return lookupTableArn(scope, tableName);
}
