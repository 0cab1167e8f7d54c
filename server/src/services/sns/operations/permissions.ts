// AddPermission and RemovePermission: statements of the topic's policy, by their label.
// https://docs.aws.amazon.com/sns/latest/api/API_AddPermission.html

import type { AddPermissionInput, RemovePermissionInput } from '@aws-sdk/client-sns';
import { partitionOf } from '#core/arn.ts';
import type { Handler } from '#wire/service.ts';
import { invalidParameter, topicDoesNotExist } from '../errors.ts';
import type { Sns } from '../sns.ts';
import type { Topic } from '../topic.ts';
import { defaultPolicy, type PolicyDocument } from '../topic-attributes.ts';

const ACTIONS = new Set([
  '*',
  'AddPermission',
  'DeleteTopic',
  'GetDataProtectionPolicy',
  'GetTopicAttributes',
  'ListSubscriptionsByTopic',
  'ListTagsForResource',
  'Publish',
  'PutDataProtectionPolicy',
  'RemovePermission',
  'SetTopicAttributes',
  'Subscribe',
]);

export function addPermission(sns: Sns): Handler<AddPermissionInput, object> {
  return async (input) => {
    const topic = await sns.topics.topic(input.TopicArn);
    const { Label: label = '', AWSAccountId: accounts = [], ActionName: actions = [] } = input;
    if (label === '') throw invalidParameter('Label');
    if (accounts.length === 0 || accounts.some((account) => !/^\d{12}$/.test(account))) {
      throw invalidParameter('AWSAccountId');
    }
    if (actions.length === 0 || actions.some((action) => !ACTIONS.has(action))) {
      throw invalidParameter('Policy statement action out of service scope!');
    }
    const partition = partitionOf(topic.region);
    await changePolicy(sns, topic, (policy) => {
      if (policy.Statement.some(({ Sid }) => Sid === label)) throw invalidParameter('Statement already exists');
      const statement = {
        Sid: label,
        Effect: 'Allow',
        Principal: { AWS: oneOrMany(accounts.map((account) => `arn:${partition}:iam::${account}:root`)) },
        Action: oneOrMany(actions.map((action) => `SNS:${action}`)),
        Resource: topic.arn,
      };
      return { ...policy, Statement: [...policy.Statement, statement] };
    });
    return {};
  };
}

/** A label that no statement has leaves the policy as it is. */
export function removePermission(sns: Sns): Handler<RemovePermissionInput, object> {
  return async (input) => {
    const topic = await sns.topics.topic(input.TopicArn);
    await changePolicy(sns, topic, (policy) => ({
      ...policy,
      Statement: policy.Statement.filter(({ Sid }) => Sid !== input.Label),
    }));
    return {};
  };
}

async function changePolicy(sns: Sns, topic: Topic, change: (policy: PolicyDocument) => PolicyDocument): Promise<void> {
  await sns.topics.update(topic, topic.name, (current) => {
    if (!current) throw topicDoesNotExist();
    const text = current.attributes.Policy;
    const stored = text ? JSON.parse(text) : defaultPolicy(topic);
    const statements = Array.isArray(stored.Statement) ? stored.Statement : stored.Statement ? [stored.Statement] : [];
    const next = change({ ...stored, Statement: statements });
    return { ...current, attributes: { ...current.attributes, Policy: JSON.stringify(next) } };
  });
}

function oneOrMany<T>(values: T[]): T | T[] {
  return values.length === 1 ? values[0]! : values;
}
