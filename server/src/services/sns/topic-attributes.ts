// Topic attributes: what CreateTopic and SetTopicAttributes accept, and what GetTopicAttributes tells.
// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html

import { notImplemented } from '#core/errors.ts';
import type { Topic } from './topic.ts';

const FEEDBACK =
  /^(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|SuccessFeedbackSampleRate|FailureFeedbackRoleArn)$/;
const NAMES = new Set([
  'DeliveryPolicy',
  'DisplayName',
  'KmsMasterKeyId',
  'Policy',
  'SignatureVersion',
  'TracingConfig',
]);
const MAX_DISPLAY_NAME = 100;

const DEFAULT_DELIVERY_POLICY = {
  defaultHealthyRetryPolicy: {
    minDelayTarget: 20,
    maxDelayTarget: 20,
    numRetries: 3,
    numMaxDelayRetries: 0,
    numNoDelayRetries: 0,
    numMinDelayRetries: 0,
    backoffFunction: 'linear',
  },
  disableSubscriptionOverrides: false,
  defaultRequestPolicy: { headerContentType: 'text/plain; charset=UTF-8' },
};

/** The attributes after one was set; an empty value restores the default. Throws `fault` with SNS's reason. */
export function setAttribute(
  fifo: boolean,
  current: Readonly<Record<string, string>>,
  name: string,
  value: string,
  fault: (reason: string) => Error,
): Record<string, string> {
  if (name === 'ArchivePolicy') throw notImplemented('SNS', `archives (attribute ${name})`);
  if (name === 'ContentBasedDeduplication' || name === 'FifoThroughputScope') {
    return setFifoAttribute(fifo, current, name, value, fault);
  }
  if (!NAMES.has(name) && !FEEDBACK.test(name)) throw fault('AttributeName');
  const next = { ...current };
  if (value === '' && name !== 'DisplayName') {
    delete next[name];
    return next;
  }
  switch (name) {
    case 'DisplayName':
      if (value.length > MAX_DISPLAY_NAME) throw fault('DisplayName');
      break;
    case 'SignatureVersion':
      if (value !== '1' && value !== '2') throw fault('SignatureVersion');
      break;
    case 'TracingConfig':
      if (value !== 'PassThrough' && value !== 'Active') throw fault('TracingConfig');
      break;
    case 'Policy':
    case 'DeliveryPolicy':
      if (!isJsonObject(value))
        throw fault(name === 'Policy' ? 'Policy Error: null' : 'DeliveryPolicy: failed to parse JSON');
      break;
  }
  if (name.endsWith('SampleRate') && !/^(\d{1,2}|100)$/.test(value)) throw fault(name);
  next[name] = value;
  return next;
}

function setFifoAttribute(
  fifo: boolean,
  current: Readonly<Record<string, string>>,
  name: 'ContentBasedDeduplication' | 'FifoThroughputScope',
  value: string,
  fault: (reason: string) => Error,
): Record<string, string> {
  if (!fifo) {
    throw fault(
      name === 'ContentBasedDeduplication'
        ? 'Content-based deduplication can only be set for FIFO topics'
        : `${name} can only be set for FIFO topics`,
    );
  }
  const allowed = name === 'ContentBasedDeduplication' ? ['true', 'false'] : ['Topic', 'MessageGroup'];
  if (!allowed.includes(value)) throw fault(name);
  return { ...current, [name]: value };
}

/** Everything that GetTopicAttributes tells. */
export function describeTopic(topic: Topic): Record<string, string> {
  const { attributes, subscriptionsDeleted } = topic.document;
  const pending = [...topic.subscriptions.values()].filter(
    ({ document }) => document.pendingToken !== undefined,
  ).length;
  return {
    Policy: JSON.stringify(defaultPolicy(topic)),
    Owner: topic.account,
    SubscriptionsPending: String(pending),
    TopicArn: topic.arn,
    EffectiveDeliveryPolicy: effectiveDeliveryPolicy(attributes.DeliveryPolicy),
    SubscriptionsConfirmed: String(topic.subscriptions.size - pending),
    DisplayName: '',
    SubscriptionsDeleted: String(subscriptionsDeleted),
    ...attributes,
  };
}

export interface PolicyDocument {
  Version?: string;
  Id?: string;
  Statement: { Sid?: string; [member: string]: unknown }[];
}

/** Lets the owner do everything that concerns the topic. */
export function defaultPolicy({ arn, account }: Pick<Topic, 'arn' | 'account'>): PolicyDocument {
  return {
    Version: '2008-10-17',
    Id: '__default_policy_ID',
    Statement: [
      {
        Sid: '__default_statement_ID',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'SNS:GetTopicAttributes',
          'SNS:SetTopicAttributes',
          'SNS:AddPermission',
          'SNS:RemovePermission',
          'SNS:DeleteTopic',
          'SNS:Subscribe',
          'SNS:ListSubscriptionsByTopic',
          'SNS:Publish',
        ],
        Resource: arn,
        Condition: { StringEquals: { 'AWS:SourceOwner': account } },
      },
    ],
  };
}

function effectiveDeliveryPolicy(text: string | undefined): string {
  const own = text ? (JSON.parse(text) as { http?: object }) : {};
  return JSON.stringify({ http: { ...DEFAULT_DELIVERY_POLICY, ...own.http } });
}

function isJsonObject(text: string): boolean {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
