// Queue attributes: what CreateQueue and SetQueueAttributes accept, and what GetQueueAttributes tells.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html

import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { invalidParameterValue, invalidValue } from './errors.ts';
import { DEFAULTS, type Queue } from './queue.ts';

interface AttributeRule {
  /** Throws what AWS answers to a value that it does not take. Empty values were dealt with before. */
  check(name: string, value: string): void;
  /** An empty value removes the attribute. */
  removable?: boolean;
}

const FIFO_NAME = /^[A-Za-z0-9_-]{1,75}\.fifo$/;
const MAX_RECEIVE_COUNT = 1_000;
const MAX_SOURCE_ARNS = 10;

const RULES: Record<string, AttributeRule> = {
  DelaySeconds: { check: integer(0, 900) },
  MaximumMessageSize: { check: integer(1_024, 1_048_576) },
  MessageRetentionPeriod: { check: integer(60, 1_209_600) },
  ReceiveMessageWaitTimeSeconds: { check: integer(0, 20) },
  VisibilityTimeout: { check: integer(0, 43_200) },
  Policy: { check: (name, value) => void jsonObject(value, () => invalidAttributeValue(name)), removable: true },
  RedrivePolicy: { check: checkRedrivePolicy, removable: true },
  RedriveAllowPolicy: { check: checkRedriveAllowPolicy, removable: true },
  KmsMasterKeyId: { check: () => {}, removable: true },
  KmsDataKeyReusePeriodSeconds: { check: integer(60, 86_400) },
  SqsManagedSseEnabled: { check: boolean },
  FifoQueue: { check: boolean },
  ContentBasedDeduplication: { check: boolean },
  DeduplicationScope: { check: oneOf('messageGroup', 'queue') },
  FifoThroughputLimit: { check: oneOf('perQueue', 'perMessageGroupId') },
};

const FIFO_ATTRIBUTES = new Set([
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
]);

const FIFO_DEFAULTS = {
  FifoQueue: 'true',
  ContentBasedDeduplication: 'false',
  DeduplicationScope: 'queue',
  FifoThroughputLimit: 'perQueue',
} as const;

export const SETTABLE_ATTRIBUTES: ReadonlySet<string> = new Set(Object.keys(RULES));

const COUNT_ATTRIBUTES = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

const READABLE_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...SETTABLE_ATTRIBUTES,
  ...COUNT_ATTRIBUTES,
  'QueueArn',
  'CreatedTimestamp',
  'LastModifiedTimestamp',
]);

/**
 * The stored attributes after the given ones were set upon them. Throws InvalidAttributeName, InvalidAttributeValue or
 * InvalidParameterValue; whether a dead-letter queue exists is the caller's to check.
 */
export function applyAttributes(
  current: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  const next = { ...current };
  const fifo = (given.FifoQueue ?? current.FifoQueue) === 'true';
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (!rule) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    if (FIFO_ATTRIBUTES.has(name) && !fifo) {
      throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
    if (value === '' && rule.removable) {
      delete next[name];
      continue;
    }
    rule.check(name, value);
    next[name] = value;
  }
  if (given.KmsMasterKeyId && given.SqsManagedSseEnabled === 'true') {
    throw new AwsError(
      'InvalidAttributeName',
      'You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.',
    );
  }
  if (next.FifoThroughputLimit === 'perMessageGroupId' && next.DeduplicationScope !== 'messageGroup') {
    throw new AwsError(
      'InvalidAttributeValue',
      'The perMessageGroupId value for FifoThroughputLimit is allowed only when the value for DeduplicationScope is messageGroup.',
    );
  }
  if (given.KmsMasterKeyId) next.SqsManagedSseEnabled = 'false';
  if (given.SqsManagedSseEnabled === 'true') delete next.KmsMasterKeyId;
  return next;
}

/** The attribute of an existing queue that a second CreateQueue contradicts, if any. */
export function differingAttribute(queue: Queue, given: Readonly<Record<string, string>>): string | undefined {
  const existing = describeAttributes(queue);
  return Object.entries(given).find(([name, value]) => !sameValue(existing[name] ?? '', value))?.[0];
}

/** Whether a message counts are needed to answer for these names. */
export function wantsCounts(names: readonly string[]): boolean {
  return names.some((name) => name === 'All' || (COUNT_ATTRIBUTES as readonly string[]).includes(name));
}

/** Throws InvalidAttributeName for a name that SQS does not know. */
export function selectQueueAttributes(all: Record<string, string>, names: readonly string[]): Record<string, string> {
  for (const name of names) {
    if (name !== 'All' && !READABLE_ATTRIBUTES.has(name)) {
      throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
  }
  if (names.includes('All')) return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}

/** All attributes of a queue but the message counts, in AWS's order. */
export function describeAttributes(queue: Queue): Record<string, string> {
  const { attributes, createdAtMs, modifiedAtMs } = queue.document;
  const kms = attributes.KmsMasterKeyId;
  return {
    QueueArn: queue.arn,
    CreatedTimestamp: String(Math.floor(createdAtMs / 1_000)),
    LastModifiedTimestamp: String(Math.floor(modifiedAtMs / 1_000)),
    ...DEFAULTS,
    ...(queue.fifo ? FIFO_DEFAULTS : {}),
    ...attributes,
    ...(kms ? { KmsDataKeyReusePeriodSeconds: attributes.KmsDataKeyReusePeriodSeconds ?? '300' } : {}),
    SqsManagedSseEnabled: attributes.SqsManagedSseEnabled ?? (kms ? 'false' : 'true'),
  };
}

/** Throws when a queue of this kind cannot be made. */
export function checkQueueType(name: string, attributes: Readonly<Record<string, string>>): void {
  if (attributes.FifoQueue !== undefined && attributes.FifoQueue !== 'true') {
    // AWS does not know the attribute with any other value: a standard queue is made by leaving it out.
    throw new AwsError('InvalidAttributeName', 'Unknown Attribute FifoQueue.');
  }
  if (attributes.FifoQueue === 'true' && !FIFO_NAME.test(name)) {
    throw invalidParameterValue(
      'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length',
    );
  }
}

function invalidAttributeValue(name: string, reason?: string): AwsError {
  return new AwsError(
    'InvalidAttributeValue',
    `Invalid value for the parameter ${name}.${reason === undefined ? '' : ` Reason: ${reason}`}`,
  );
}

function integer(least: number, most: number) {
  return (name: string, value: string) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < least || number > most) throw invalidAttributeValue(name);
  };
}

function boolean(name: string, value: string): void {
  if (!/^(true|false)$/i.test(value)) throw invalidAttributeValue(name);
}

function oneOf(...values: string[]) {
  return (name: string, value: string) => {
    if (!values.includes(value)) throw invalidAttributeValue(name);
  };
}

function checkRedrivePolicy(name: string, value: string): void {
  const invalid = (reason: string) => invalidValue(value, name, reason);
  const policy = jsonObject(value, () => invalid('Redrive policy is not a valid JSON map.'));
  for (const key of ['deadLetterTargetArn', 'maxReceiveCount']) {
    if (policy[key] === undefined) throw invalid(`Redrive policy does not contain mandatory attribute: ${key}.`);
  }
  for (const key of Object.keys(policy)) {
    if (key !== 'deadLetterTargetArn' && key !== 'maxReceiveCount') {
      throw invalid('Only following attributes are supported: [deadLetterTargetArn, maxReceiveCount].');
    }
  }
  const count = Number(policy.maxReceiveCount);
  if (!Number.isInteger(count) || count < 1 || count > MAX_RECEIVE_COUNT) {
    throw invalid(
      `Invalid value for maxReceiveCount: ${policy.maxReceiveCount}, valid values are from 1 to ${MAX_RECEIVE_COUNT} both inclusive.`,
    );
  }
  if (parseArn(String(policy.deadLetterTargetArn))?.service !== 'sqs') {
    throw invalid('Invalid value for deadLetterTargetArn.');
  }
}

function checkRedriveAllowPolicy(name: string, value: string): void {
  const invalid = (reason: string) => invalidValue(value, name, reason);
  const policy = jsonObject(value, () => invalid('RedriveAllowPolicy is not a valid JSON map.'));
  const permission = policy.redrivePermission;
  if (!['allowAll', 'denyAll', 'byQueue'].includes(String(permission))) {
    throw invalid('Invalid value for redrivePermission.');
  }
  const sources = policy.sourceQueueArns;
  if (permission !== 'byQueue') {
    if (sources !== undefined)
      throw invalid('sourceQueueArns can only be specified when redrivePermission is byQueue.');
    return;
  }
  if (!Array.isArray(sources) || sources.length === 0 || sources.length > MAX_SOURCE_ARNS) {
    throw invalid(`sourceQueueArns must contain 1 to ${MAX_SOURCE_ARNS} ARNs.`);
  }
  if (sources.some((arn) => parseArn(String(arn))?.service !== 'sqs')) {
    throw invalid('Invalid value for sourceQueueArns.');
  }
}

function jsonObject(text: string, error: () => AwsError): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw error();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw error();
  return value as Record<string, unknown>;
}

/** Policies are the same when their JSON is. */
function sameValue(a: string, b: string): boolean {
  if (a === b) return true;
  if (!a.startsWith('{') || !b.startsWith('{')) return false;
  try {
    return canonical(JSON.parse(a)) === canonical(JSON.parse(b));
  } catch {
    return false;
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
