// Transformers of log groups. One is kept with its group, whose events are transformed as they come (transformed-events.ts).
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutTransformer.html

import type {
  DeleteTransformerRequest,
  GetTransformerRequest,
  GetTransformerResponse,
  PutTransformerRequest,
  TestTransformerRequest,
  TestTransformerResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, LOG_GROUP_IDENTIFIER } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { groupDoesNotExist, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { requireTransformer } from '../transformer-config.ts';

/** Put replaces what was there. Throws InvalidParameterException for a configuration that AWS refuses. */
export function putTransformer(logs: Logs): Handler<PutTransformerRequest, object> {
  return async ({ logGroupIdentifier, transformerConfig }, context) => {
    new Constraints().text('logGroupIdentifier', logGroupIdentifier, LOG_GROUP_IDENTIFIER).check();
    requireTransformer('PutTransformer', transformerConfig!);
    const group = await requireTransformableGroup(logs, context, logGroupIdentifier!, 'PutTransformer');
    const nowMs = logs.clock.now();
    const stored = await logs.store.groups.update(group, (document) => ({
      ...document,
      transformer: {
        config: transformerConfig!,
        createdAtMs: document.transformer?.createdAtMs ?? nowMs,
        updatedAtMs: nowMs,
      },
    }));
    if (!stored) throw groupDoesNotExist();
    return {};
  };
}

export function getTransformer(logs: Logs): Handler<GetTransformerRequest, GetTransformerResponse> {
  return async ({ logGroupIdentifier }, context) => {
    const group = await requireTransformableGroup(logs, context, logGroupIdentifier!, 'GetTransformer');
    const { transformer } = group.document;
    if (!transformer) throw noTransformer();
    return {
      logGroupIdentifier: group.arn,
      creationTime: transformer.createdAtMs,
      lastModifiedTime: transformer.updatedAtMs,
      transformerConfig: [...transformer.config],
    };
  };
}

export function deleteTransformer(logs: Logs): Handler<DeleteTransformerRequest, object> {
  return async ({ logGroupIdentifier }, context) => {
    const group = await requireTransformableGroup(logs, context, logGroupIdentifier!, 'DeleteTransformer');
    if (!group.document.transformer) throw noTransformer();
    const stored = await logs.store.groups.update(group, ({ transformer, ...rest }) => rest);
    if (!stored) throw groupDoesNotExist();
    return {};
  };
}

/** A message that a processor cannot work on has no transformed version. */
export function testTransformer({ clock }: Logs): Handler<TestTransformerRequest, TestTransformerResponse> {
  return ({ transformerConfig, logEventMessages }, context) => {
    new Constraints().list('logEventMessages', logEventMessages!, { min: 1, max: 50 }, { min: 1 }).check();
    const transformer = requireTransformer('TestTransformer', transformerConfig!);
    const origin = {
      logGroupName: 'log-group',
      logStreamName: 'log-stream',
      accountId: context.account,
      regionName: context.region,
      nowMs: clock.now(),
    };
    return {
      transformedLogs: logEventMessages!.map((eventMessage, i) => {
        const transformedEventMessage = transformer.transform(eventMessage, origin);
        return { eventNumber: i + 1, eventMessage, ...(transformedEventMessage && { transformedEventMessage }) };
      }),
    };
  };
}

async function requireTransformableGroup(
  logs: Logs,
  scope: LogScope,
  identifier: string,
  operation: string,
): Promise<LogGroup> {
  new Constraints().text('logGroupIdentifier', identifier, LOG_GROUP_IDENTIFIER).check();
  const group = await requireIdentifiedGroup(logs, scope, identifier);
  refuseInfrequentAccess(group, operation, 'InvalidOperationException');
  return group;
}

function noTransformer(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified log group has no transformer.');
}
