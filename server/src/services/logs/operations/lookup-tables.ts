// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLookupTable.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UpdateLookupTable.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLookupTable.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLookupTables.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLookupTable.html

import type {
  CreateLookupTableRequest,
  CreateLookupTableResponse,
  DeleteLookupTableRequest,
  DescribeLookupTablesRequest,
  DescribeLookupTablesResponse,
  GetLookupTableRequest,
  GetLookupTableResponse,
  UpdateLookupTableRequest,
  UpdateLookupTableResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import {
  LARGEST_LOOKUP_TABLE_BYTES,
  LookupTableError,
  lookupTableArn,
  lookupTableNameOf,
} from '#engines/logs/queries/lookup-table.ts';
import type { QueryEngine } from '#engines/logs/queries/query-engine.ts';
import { resultsAsCsv } from '#engines/logs/queries/query-results.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, QUERY_ID } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';
import { checkTags } from '../tags.ts';

const NAME = { min: 1, max: 256, pattern: '^[a-zA-Z0-9_]+$' };
const DESCRIPTION = { max: 1024 };
const BODY = { min: 1, max: LARGEST_LOOKUP_TABLE_BYTES };
const KMS_KEY = { max: 256 };
const DEFAULT_PAGE = 50;

export function createLookupTable({
  insights: { lookupTables: tables, queries },
}: Logs): Handler<CreateLookupTableRequest, CreateLookupTableResponse> {
  return async ({ lookupTableName, description, tableBody, queryId, kmsKeyId, tags }, context) => {
    new Constraints()
      .text('lookupTableName', lookupTableName, NAME)
      .text('description', description, DESCRIPTION)
      .text('queryId', queryId, QUERY_ID)
      .text('kmsKeyId', kmsKeyId, KMS_KEY)
      .check();
    checkTags(tags);
    const body = await bodyOf(queries, context, tableBody, queryId);
    const change = { body, description, kmsKeyId };
    const created = await explained(tables.create(context, lookupTableName!, change, tags ?? {}));
    if (created === 'exists') {
      throw new AwsError('ResourceAlreadyExistsException', 'The specified lookup table already exists.');
    }
    if (created === 'too many') throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
    return { lookupTableArn: lookupTableArn(context, created.name), createdAt: created.createdAtMs };
  };
}

export function updateLookupTable({
  insights: { lookupTables: tables, queries },
}: Logs): Handler<UpdateLookupTableRequest, UpdateLookupTableResponse> {
  return async ({ lookupTableArn: arn, description, tableBody, queryId, kmsKeyId }, context) => {
    new Constraints()
      .text('description', description, DESCRIPTION)
      .text('queryId', queryId, QUERY_ID)
      .text('kmsKeyId', kmsKeyId, KMS_KEY)
      .check();
    const name = requireName(arn!, context);
    const body = await bodyOf(queries, context, tableBody, queryId);
    const updated = await explained(tables.update(context, name, { body, description, kmsKeyId }));
    if (!updated) throw doesNotExist();
    return { lookupTableArn: arn!, lastUpdatedTime: updated.updatedAtMs };
  };
}

export function getLookupTable({
  insights: { lookupTables: tables },
}: Logs): Handler<GetLookupTableRequest, GetLookupTableResponse> {
  return async ({ lookupTableArn: arn }, context) => {
    const found = await tables.read(context, requireName(arn!, context));
    if (!found) throw doesNotExist();
    const { name, description, sizeBytes, updatedAtMs, kmsKeyId } = found.document;
    return {
      lookupTableArn: arn!,
      lookupTableName: name,
      description,
      tableBody: found.body,
      sizeBytes,
      lastUpdatedTime: updatedAtMs,
      kmsKeyId,
    };
  };
}

export function describeLookupTables({
  insights: { lookupTables: tables },
}: Logs): Handler<DescribeLookupTablesRequest, DescribeLookupTablesResponse> {
  return async ({ lookupTableNamePrefix, maxResults = DEFAULT_PAGE, nextToken }, context) => {
    new Constraints()
      .text('lookupTableNamePrefix', lookupTableNamePrefix, NAME)
      .number('maxResults', maxResults, { min: 1, max: 100 })
      .check();
    const found = await tables.list(context, lookupTableNamePrefix ?? '');
    const { page, nextToken: next } = pageByName(found, ({ name }) => name, maxResults, nextToken);
    return {
      lookupTables: page.map(({ name, description, fields, recordsCount, sizeBytes, updatedAtMs, kmsKeyId }) => ({
        lookupTableArn: lookupTableArn(context, name),
        lookupTableName: name,
        description,
        tableFields: fields,
        recordsCount,
        sizeBytes,
        lastUpdatedTime: updatedAtMs,
        kmsKeyId,
      })),
      ...(next !== undefined && { nextToken: next }),
    };
  };
}

export function deleteLookupTable({
  insights: { lookupTables: tables },
}: Logs): Handler<DeleteLookupTableRequest, object> {
  return async ({ lookupTableArn: arn }, context) => {
    if (!(await tables.delete(context, requireName(arn!, context)))) throw doesNotExist();
    return {};
  };
}

async function bodyOf(
  queries: QueryEngine,
  scope: LogScope,
  tableBody: string | undefined,
  queryId: string | undefined,
): Promise<string> {
  if ((tableBody === undefined) === (queryId === undefined)) {
    throw invalidParameter('Exactly one of tableBody and queryId must be specified.');
  }
  const body = tableBody ?? (await resultsOf(queries, scope, queryId!));
  const { length } = Buffer.from(body);
  if (length < BODY.min || length > BODY.max) {
    throw invalidParameter(`The table body must have from ${BODY.min} to ${BODY.max} bytes; it has ${length}.`);
  }
  return body;
}

async function resultsOf(queries: QueryEngine, scope: LogScope, queryId: string): Promise<string> {
  const found = await queries.results(scope, queryId);
  if (!found) throw new AwsError('ResourceNotFoundException', 'The specified query does not exist.');
  const { status } = found.query;
  if (status !== 'Complete' && status !== 'Cancelled') {
    throw invalidParameter(`The query must be Complete or Cancelled; it is ${status}.`);
  }
  return resultsAsCsv(found.rows);
}

async function explained<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (error instanceof LookupTableError) throw new AwsError('ValidationException', error.message);
    throw error;
  }
}

function requireName(arn: string, scope: LogScope): string {
  const name = lookupTableNameOf(arn, scope);
  if (name === undefined) throw doesNotExist();
  return name;
}

function doesNotExist(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified lookup table does not exist.');
}
