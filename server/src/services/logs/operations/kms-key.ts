// The key of a log group, or of query results, is kept and given back; Brume does not encrypt with it (see GAPS.md).
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html

import type { AssociateKmsKeyRequest, DisassociateKmsKeyRequest } from '@aws-sdk/client-cloudwatch-logs';
import { parseArn } from '#core/arn.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME } from '../constraints.ts';
import { groupDoesNotExist, requireGroup, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

/** One for an account and region. */
const QUERY_RESULT_KEYS = defineCollection<{ kmsKeyId: string }>('logs.query-result-keys');

export function associateKmsKey(logs: Logs): Handler<AssociateKmsKeyRequest, object> {
  return async (input, context) => {
    const kmsKeyId = input.kmsKeyId!;
    new Constraints().text('kmsKeyId', kmsKeyId, { max: 256 }).check();
    if (isQueryResults(input, context)) {
      await logs.sharing.state.transact((tx) => tx.documents.put(QUERY_RESULT_KEYS, context, 'key', { kmsKeyId }));
      return {};
    }
    const group = await referredGroup(logs, context, input);
    if (!(await logs.store.groups.update(group, (document) => ({ ...document, kmsKeyId })))) throw groupDoesNotExist();
    return {};
  };
}

export function disassociateKmsKey(logs: Logs): Handler<DisassociateKmsKeyRequest, object> {
  return async (input, context) => {
    if (isQueryResults(input, context)) {
      await logs.sharing.state.transact((tx) => tx.documents.delete(QUERY_RESULT_KEYS, context, 'key'));
      return {};
    }
    const group = await referredGroup(logs, context, input);
    const done = await logs.store.groups.update(group, ({ kmsKeyId: _, ...document }) => document);
    if (!done) throw groupDoesNotExist();
    return {};
  };
}

/** All results of the account's queries. */
function isQueryResults({ logGroupName, resourceIdentifier }: DisassociateKmsKeyRequest, scope: LogScope): boolean {
  if (logGroupName !== undefined || resourceIdentifier === undefined) return false;
  const arn = parseArn(resourceIdentifier);
  if (arn?.service !== 'logs' || arn.resource !== 'query-result:*') return false;
  if (arn.account === scope.account && arn.region === scope.region) return true;
  throw invalidParameter(`The query results are those of another account or region: ${resourceIdentifier}`);
}

async function referredGroup(
  logs: Logs,
  scope: LogScope,
  { logGroupName, resourceIdentifier }: DisassociateKmsKeyRequest,
): Promise<LogGroup> {
  new Constraints()
    .text('logGroupName', logGroupName, LOG_GROUP_NAME)
    .text('resourceIdentifier', resourceIdentifier, { min: 1, max: 2048, pattern: '[\\w+=/:,.@\\-\\*]*' })
    .check();
  if ((logGroupName === undefined) === (resourceIdentifier === undefined)) {
    throw invalidParameter('Exactly one of logGroupName and resourceIdentifier must be specified.');
  }
  if (logGroupName !== undefined) return requireGroup(logs, scope, logGroupName);
  return requireIdentifiedGroup(logs, scope, resourceIdentifier!);
}
