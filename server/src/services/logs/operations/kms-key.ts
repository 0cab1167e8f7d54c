// The key of a log group is kept and given back; Brume does not encrypt with it (see GAPS.md).
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html

import type { AssociateKmsKeyRequest, DisassociateKmsKeyRequest } from '@aws-sdk/client-cloudwatch-logs';
import { notImplemented } from '#core/errors.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME } from '../constraints.ts';
import { groupDoesNotExist, requireGroup, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function associateKmsKey(logs: Logs): Handler<AssociateKmsKeyRequest, object> {
  return async (input, context) => {
    const kmsKeyId = input.kmsKeyId!;
    new Constraints().text('kmsKeyId', kmsKeyId, { max: 256 }).check();
    const group = await referredGroup(logs, context, 'AssociateKmsKey', input);
    if (!(await logs.store.groups.update(group, (document) => ({ ...document, kmsKeyId })))) throw groupDoesNotExist();
    return {};
  };
}

export function disassociateKmsKey(logs: Logs): Handler<DisassociateKmsKeyRequest, object> {
  return async (input, context) => {
    const group = await referredGroup(logs, context, 'DisassociateKmsKey', input);
    const done = await logs.store.groups.update(group, ({ kmsKeyId: _, ...document }) => document);
    if (!done) throw groupDoesNotExist();
    return {};
  };
}

async function referredGroup(
  logs: Logs,
  scope: LogScope,
  operation: string,
  { logGroupName, resourceIdentifier }: DisassociateKmsKeyRequest,
): Promise<LogGroup> {
  new Constraints()
    .text('logGroupName', logGroupName, LOG_GROUP_NAME)
    .text('resourceIdentifier', resourceIdentifier, { min: 1, max: 2048, pattern: '[\\w+=/:,.@\\-#\\*]*' })
    .check();
  if ((logGroupName === undefined) === (resourceIdentifier === undefined)) {
    throw invalidParameter('Exactly one of logGroupName and resourceIdentifier must be specified.');
  }
  if (logGroupName !== undefined) return requireGroup(logs, scope, logGroupName);
  if (/:query-result:\*$/.test(resourceIdentifier!)) throw notImplemented(operation, 'keys for query results');
  return requireIdentifiedGroup(logs, scope, resourceIdentifier!);
}
