// Notification configurations: from the request to the rules that a bucket keeps, and back.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html

import type {
  Event,
  LambdaFunctionConfiguration,
  NotificationConfiguration,
  NotificationConfigurationFilter,
} from '@aws-sdk/client-s3';
import { parseArn } from '#core/arn.ts';
import { notImplemented } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { BucketDocument } from '../documents.ts';
import { invalidArgument, malformedXml } from '../errors.ts';
import { urlEncodeKey } from '../object-name.ts';

export interface NotificationDocument {
  rules: NotificationRule[];
}

export type Destination = 'lambda' | 'sqs' | 'sns';

export interface NotificationRule {
  id: string;
  destination: Destination;
  arn: string;
  /** `s3:ObjectCreated:*` … */
  events: string[];
  prefix?: string;
  suffix?: string;
}

const MAX_RULES = 100;
const MAX_FILTER_VALUE_BYTES = 1_024;
const MAX_ID_CHARACTERS = 255;

const EVENTS: readonly string[] = [
  's3:ReducedRedundancyLostObject',
  's3:ObjectCreated:*',
  's3:ObjectCreated:Put',
  's3:ObjectCreated:Post',
  's3:ObjectCreated:Copy',
  's3:ObjectCreated:CompleteMultipartUpload',
  's3:ObjectRemoved:*',
  's3:ObjectRemoved:Delete',
  's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectRestore:*',
  's3:ObjectRestore:Post',
  's3:ObjectRestore:Completed',
  's3:ObjectRestore:Delete',
  's3:Replication:*',
  's3:Replication:OperationFailedReplication',
  's3:Replication:OperationNotTracked',
  's3:Replication:OperationMissedThreshold',
  's3:Replication:OperationReplicatedAfterThreshold',
  's3:LifecycleTransition',
  's3:IntelligentTiering',
  's3:ObjectAcl:Put',
  's3:LifecycleExpiration:*',
  's3:LifecycleExpiration:Delete',
  's3:LifecycleExpiration:DeleteMarkerCreated',
  's3:ObjectTagging:*',
  's3:ObjectTagging:Put',
  's3:ObjectTagging:Delete',
];

/** Checks a configuration and gives its rules. Throws InvalidArgument, in AWS's words, and MalformedXML. */
export function acceptConfiguration(
  configuration: NotificationConfiguration,
  bucket: BucketDocument,
): NotificationDocument {
  if (configuration.EventBridgeConfiguration) {
    throw notImplemented('PutBucketNotificationConfiguration', 'EventBridgeConfiguration');
  }
  const rules = [
    ...(configuration.LambdaFunctionConfigurations ?? []).map((c) =>
      acceptRule('lambda', c.LambdaFunctionArn, c, bucket),
    ),
    ...(configuration.QueueConfigurations ?? []).map((c) => acceptRule('sqs', c.QueueArn, c, bucket)),
    ...(configuration.TopicConfigurations ?? []).map((c) => acceptRule('sns', c.TopicArn, c, bucket)),
  ];
  if (rules.length > MAX_RULES) {
    throw invalidArgument(`A bucket can have at most ${MAX_RULES} notification configurations`, 'Id', rules.length);
  }
  if (new Set(rules.map(({ id }) => id)).size < rules.length) {
    throw invalidArgument('Same ID used for multiple configurations. IDs must be unique', 'Id', duplicateId(rules));
  }
  for (let i = 0; i < rules.length; i++) {
    for (let j = i + 1; j < rules.length; j++) checkOverlap(rules[i]!, rules[j]!);
  }
  return { rules };
}

type GivenRule = Pick<LambdaFunctionConfiguration, 'Id' | 'Events' | 'Filter'>;

function acceptRule(
  destination: Destination,
  arn: string | undefined,
  { Id, Events, Filter }: GivenRule,
  bucket: BucketDocument,
): NotificationRule {
  if (!Events || Events.length === 0 || arn === undefined) throw malformedXml();
  const parsed = parseArn(arn);
  if (parsed?.service !== destination) {
    throw invalidArgument(
      'A specified destination ARN does not exist or is not well-formed. Verify the destination ARN.',
      'ARN',
      arn,
    );
  }
  if (parsed.region !== bucket.region) {
    throw invalidArgument(
      'The notification destination service region is not valid for the bucket location constraint',
      'ARN',
      arn,
    );
  }
  for (const event of Events) {
    if (!EVENTS.includes(event)) {
      throw invalidArgument('A specified event is not supported for notifications.', 'Event', event);
    }
  }
  if (Id !== undefined && Id.length > MAX_ID_CHARACTERS) {
    throw invalidArgument(`ID length should not exceed allowed limit of ${MAX_ID_CHARACTERS}`, 'Id', Id);
  }
  return { id: Id || uuid(), destination, arn, events: [...Events], ...acceptFilter(Filter) };
}

function acceptFilter(filter: NotificationConfigurationFilter | undefined): { prefix?: string; suffix?: string } {
  const accepted: { prefix?: string; suffix?: string } = {};
  for (const { Name, Value = '' } of filter?.Key?.FilterRules ?? []) {
    const name = Name?.toLowerCase();
    if (name !== 'prefix' && name !== 'suffix') {
      throw invalidArgument('filter rule name must be either prefix or suffix', 'FilterRule.Name', Name);
    }
    if (accepted[name] !== undefined) {
      throw invalidArgument(`Cannot specify more than one ${name} rule in a filter.`, 'FilterRule.Name', Name);
    }
    if (Buffer.byteLength(Value) > MAX_FILTER_VALUE_BYTES) {
      throw invalidArgument(
        `Size of filter rule value cannot exceed ${MAX_FILTER_VALUE_BYTES} bytes in UTF-8 representation`,
        'FilterRule.Value',
        Value,
      );
    }
    accepted[name] = Value;
  }
  return accepted;
}

/** No event may match two rules. */
function checkOverlap(a: NotificationRule, b: NotificationRule): void {
  const shared = a.events.flatMap((left) =>
    b.events.filter((right) => eventsOverlap(left, right)).map((right) => `${left}, ${right}`),
  );
  if (shared.length === 0) return;
  const { prefix: prefixA = '', suffix: suffixA = '' } = a;
  const { prefix: prefixB = '', suffix: suffixB = '' } = b;
  if (!prefixA.startsWith(prefixB) && !prefixB.startsWith(prefixA)) return;
  if (!suffixA.endsWith(suffixB) && !suffixB.endsWith(suffixA)) return;
  const isFiltered = [prefixA, suffixA, prefixB, suffixB].some((value) => value !== '');
  throw invalidArgument(
    isFiltered
      ? 'Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.'
      : 'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
    'Event',
    shared[0],
  );
}

function eventsOverlap(a: string, b: string): boolean {
  return a === b || covers(a, b) || covers(b, a);
}

function covers(pattern: string, event: string): boolean {
  return pattern.endsWith(':*') && event.startsWith(pattern.slice(0, -1));
}

function duplicateId(rules: readonly NotificationRule[]): string | undefined {
  return rules.find(({ id }, at) => rules.findIndex((rule) => rule.id === id) < at)?.id;
}

/** The rules that an event (`s3:ObjectCreated:Put`) on a key concerns. */
export function matchingRules(
  configuration: NotificationDocument | undefined,
  event: string,
  key: string,
): NotificationRule[] {
  if (!configuration) return [];
  return configuration.rules.filter(
    ({ events, prefix = '', suffix = '' }) =>
      events.some((pattern) => eventsOverlap(pattern, event)) &&
      // Filters may be written as they are or, as the console asks for special characters, URL-encoded.
      ((key.startsWith(prefix) && key.endsWith(suffix)) ||
        (urlEncodeKey(key).startsWith(prefix) && urlEncodeKey(key).endsWith(suffix))),
  );
}

/** The configuration as GetBucketNotificationConfiguration answers it. */
export function configurationOutput(configuration: NotificationDocument | undefined): NotificationConfiguration {
  const output: NotificationConfiguration = {};
  for (const rule of configuration?.rules ?? []) {
    const common = { Id: rule.id, Events: rule.events as Event[], ...filterOutput(rule) };
    switch (rule.destination) {
      case 'lambda':
        output.LambdaFunctionConfigurations ??= [];
        output.LambdaFunctionConfigurations.push({ ...common, LambdaFunctionArn: rule.arn });
        break;
      case 'sqs':
        output.QueueConfigurations ??= [];
        output.QueueConfigurations.push({ ...common, QueueArn: rule.arn });
        break;
      case 'sns':
        output.TopicConfigurations ??= [];
        output.TopicConfigurations.push({ ...common, TopicArn: rule.arn });
        break;
    }
  }
  return output;
}

function filterOutput({ prefix, suffix }: NotificationRule): { Filter?: NotificationConfigurationFilter } {
  const rules = [
    ...(prefix === undefined ? [] : [{ Name: 'prefix' as const, Value: prefix }]),
    ...(suffix === undefined ? [] : [{ Name: 'suffix' as const, Value: suffix }]),
  ];
  return rules.length === 0 ? {} : { Filter: { Key: { FilterRules: rules } } };
}
