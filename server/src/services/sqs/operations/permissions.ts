// AddPermission and RemovePermission: statements of the queue's policy, by their label.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html

import type { AddPermissionRequest, RemovePermissionRequest } from '@aws-sdk/client-sqs';
import { partitionOf } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { invalidValue, missingParameter, queueDoesNotExist } from '../errors.ts';
import type { QueueDocument } from '../queue.ts';
import { queueOf, type Sqs } from '../sqs.ts';

const MAX_ACTIONS = 7;
const MAX_STATEMENTS = 20;

const ACTIONS = new Set([
  '*',
  'ChangeMessageVisibility',
  'DeleteMessage',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
]);

const OWNERS_ACTIONS = new Set([
  'AddPermission',
  'CancelMessageMoveTask',
  'CreateQueue',
  'DeleteQueue',
  'ListMessageMoveTasks',
  'ListQueueTags',
  'ListQueues',
  'RemovePermission',
  'SetQueueAttributes',
  'StartMessageMoveTask',
  'TagQueue',
  'UntagQueue',
]);

interface Policy {
  Version?: string;
  Id?: string;
  Statement?: Statement | Statement[];
}

interface Statement {
  Sid?: string;
}

export function addPermission(sqs: Sqs): Handler<AddPermissionRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const { Label: label = '', AWSAccountIds: accounts = [], Actions: actions = [] } = input;
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(label)) {
      throw invalidValue(
        label,
        'Label',
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.',
      );
    }
    if (actions.length === 0) throw missingParameter('Actions');
    if (accounts.length === 0) throw missingParameter('AWSAccountIds');
    if (actions.length > MAX_ACTIONS) {
      throw new AwsError('OverLimit', `${actions.length} Actions were found, maximum allowed is ${MAX_ACTIONS}.`);
    }
    for (const action of actions) {
      if (ACTIONS.has(action)) continue;
      const reason = OWNERS_ACTIONS.has(action)
        ? 'Only the queue owner is allowed to invoke this action.'
        : 'Please refer to the appropriate WSDL for a list of valid actions. ';
      throw invalidValue(`SQS:${action}`, 'ActionName', reason);
    }
    for (const account of accounts) {
      if (/^\d{12}$/.test(account)) continue;
      throw invalidValue(`[${accounts.join(', ')}]`, 'PrincipalId', 'Unable to verify.');
    }
    const partition = partitionOf(queue.region);
    const statement = {
      Sid: label,
      Effect: 'Allow',
      Principal: { AWS: oneOrMany(accounts.map((account) => `arn:${partition}:iam::${account}:root`)) },
      Action: oneOrMany(actions.map((action) => `SQS:${action}`)),
      Resource: queue.arn,
    };
    await changePolicy(sqs, queue, (policy) => {
      const statements = statementsOf(policy);
      if (statements.some(({ Sid }) => Sid === label)) throw invalidValue(label, 'Label', 'Already exists.');
      if (statements.length >= MAX_STATEMENTS) {
        throw new AwsError(
          'OverLimit',
          `The policy has ${statements.length} statements, maximum allowed is ${MAX_STATEMENTS}.`,
        );
      }
      return {
        Version: '2008-10-17',
        Id: `${queue.arn}/SQSDefaultPolicy`,
        ...policy,
        Statement: [...statements, statement],
      };
    });
    return {};
  };
}

export function removePermission(sqs: Sqs): Handler<RemovePermissionRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const label = input.Label ?? '';
    await changePolicy(sqs, queue, (policy) => {
      const statements = statementsOf(policy);
      const rest = statements.filter(({ Sid }) => Sid !== label);
      if (rest.length === statements.length) throw invalidValue(label, 'Label', "can't find label.");
      return rest.length > 0 ? { ...policy, Statement: rest } : undefined;
    });
    return {};
  };
}

async function changePolicy(
  sqs: Sqs,
  queue: { account: string; region: string; name: string },
  change: (policy: Policy) => Policy | undefined,
): Promise<void> {
  await sqs.queues.update(queue, queue.name, (current): QueueDocument => {
    if (!current) throw queueDoesNotExist();
    const { Policy: text, ...attributes } = current.attributes;
    const next = change(text ? (JSON.parse(text) as Policy) : {});
    return {
      ...current,
      attributes: next ? { ...attributes, Policy: JSON.stringify(next) } : attributes,
      modifiedAtMs: sqs.clock.now(),
    };
  });
}

function statementsOf({ Statement: statements }: Policy): Statement[] {
  if (!statements) return [];
  return Array.isArray(statements) ? statements : [statements];
}

function oneOrMany<T>(values: T[]): T | T[] {
  return values.length === 1 ? values[0]! : values;
}
