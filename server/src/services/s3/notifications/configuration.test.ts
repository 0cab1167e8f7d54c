import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NotificationConfiguration } from '@aws-sdk/client-s3';
import type { BucketDocument } from '../documents.ts';
import { acceptConfiguration, configurationOutput, matchingRules } from './configuration.ts';

const BUCKET: BucketDocument = { name: 'b', account: '000000000000', region: 'us-east-1', createdAtMs: 0 };
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:q';
const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:t';

const filter = (prefix?: string, suffix?: string) => ({
  Key: {
    FilterRules: [
      ...(prefix === undefined ? [] : [{ Name: 'prefix' as const, Value: prefix }]),
      ...(suffix === undefined ? [] : [{ Name: 'suffix' as const, Value: suffix }]),
    ],
  },
});
const queues = (...rules: object[]) =>
  ({ QueueConfigurations: rules.map((rule) => ({ QueueArn: QUEUE, ...rule })) }) as NotificationConfiguration;

const CREATED = { Events: ['s3:ObjectCreated:*'] };
const PUT = { Events: ['s3:ObjectCreated:Put'] };
const REMOVED = { Events: ['s3:ObjectRemoved:*'] };

test('what is accepted and what is not', () => {
  const cases: [name: string, configuration: NotificationConfiguration, refusal?: RegExp | string][] = [
    ['empty', {}],
    ['one rule', queues(CREATED)],
    ['other events', queues(CREATED, REMOVED)],
    ['other prefixes', queues({ ...CREATED, Filter: filter('a/') }, { ...PUT, Filter: filter('b/') })],
    [
      'same prefix, other suffixes',
      queues({ ...CREATED, Filter: filter('a', '.x') }, { ...CREATED, Filter: filter('a', '.y') }),
    ],
    ['the same event twice', queues(CREATED, CREATED), /^Configurations overlap/],
    ['a wildcard and one of its events', queues(CREATED, PUT), /^Configurations overlap/],
    [
      'a prefix of the other',
      queues({ ...CREATED, Filter: filter('a') }, { ...PUT, Filter: filter('ab') }),
      /^Configuration is ambiguously/,
    ],
    ['one without filter', queues({ ...CREATED, Filter: filter('a') }, CREATED), /^Configuration is ambiguously/],
    [
      'suffixes that overlap',
      queues({ ...CREATED, Filter: filter('a', '.gz') }, { ...CREATED, Filter: filter('a', 'r.gz') }),
      /^Configuration is ambiguously/,
    ],
    [
      'overlap between kinds of destinations',
      {
        ...queues(CREATED),
        LambdaFunctionConfigurations: [{ LambdaFunctionArn: FUNCTION, Events: ['s3:ObjectCreated:Put'] }],
      },
      /^Configurations overlap/,
    ],
    ['the same id twice', queues({ Id: 'x', ...CREATED }, { Id: 'x', ...REMOVED }), /^Same ID/],
    ['an unknown event', queues({ Events: ['s3:ObjectEaten:*'] }), /not supported for notifications/],
    ['no events', queues({ Events: [] }), 'MalformedXML'],
    ['a topic as queue', queues({ ...CREATED, QueueArn: TOPIC }), /destination ARN does not exist/],
    [
      'another region',
      queues({ ...CREATED, QueueArn: QUEUE.replace('us-east-1', 'eu-west-1') }),
      /region is not valid/,
    ],
    [
      'two prefixes',
      queues({
        ...CREATED,
        Filter: {
          Key: {
            FilterRules: [
              { Name: 'prefix', Value: 'a' },
              { Name: 'Prefix', Value: 'b' },
            ],
          },
        },
      }),
      /more than one prefix/,
    ],
    [
      'an unknown filter',
      queues({ ...CREATED, Filter: { Key: { FilterRules: [{ Name: 'infix', Value: 'a' }] } } }),
      /either prefix or suffix/,
    ],
    ['a long filter', queues({ ...CREATED, Filter: filter('a'.repeat(1_025)) }), /cannot exceed 1024/],
    ['EventBridge', { EventBridgeConfiguration: {} }, 'NotImplemented'],
  ];
  for (const [name, configuration, refusal] of cases) {
    const accept = () => acceptConfiguration(configuration, BUCKET);
    if (refusal === undefined) accept();
    else if (typeof refusal === 'string') assert.throws(accept, { code: refusal }, name);
    else assert.throws(accept, { code: 'InvalidArgument', message: refusal }, name);
  }
});

test('a configuration comes back as it was given', () => {
  const configuration: NotificationConfiguration = {
    LambdaFunctionConfigurations: [
      { Id: 'l', LambdaFunctionArn: FUNCTION, Events: ['s3:ObjectCreated:Put'], Filter: filter('in/', '.csv') },
    ],
    QueueConfigurations: [{ Id: 'q', QueueArn: QUEUE, Events: ['s3:ObjectRemoved:*', 's3:ObjectCreated:Copy'] }],
    TopicConfigurations: [
      { Id: 't', TopicArn: TOPIC, Events: ['s3:ObjectTagging:*'], Filter: filter(undefined, '.csv') },
    ],
  };
  assert.deepEqual(configurationOutput(acceptConfiguration(configuration, BUCKET)), configuration);
  const [rule] = acceptConfiguration(queues(CREATED), BUCKET).rules;
  assert.match(rule!.id, /^[0-9a-f-]{36}$/);
});

test('rules that an event concerns', () => {
  const { rules } = acceptConfiguration(
    queues(
      { Id: 'csv', ...CREATED, Filter: filter('in/', '.csv') },
      { Id: 'spaced', ...CREATED, Filter: filter('with+space/') },
      { Id: 'gone', Events: ['s3:ObjectRemoved:Delete'] },
    ),
    BUCKET,
  );
  const cases: [event: string, key: string, ids: string[]][] = [
    ['s3:ObjectCreated:Put', 'in/a.csv', ['csv']],
    ['s3:ObjectCreated:CompleteMultipartUpload', 'in/a.csv', ['csv']],
    ['s3:ObjectCreated:Put', 'in/a.txt', []],
    ['s3:ObjectCreated:Put', 'out/a.csv', []],
    ['s3:ObjectCreated:Put', 'with space/x', ['spaced']],
    ['s3:ObjectCreated:Put', 'with+space/x', ['spaced']],
    ['s3:ObjectRemoved:Delete', 'in/a.csv', ['gone']],
    ['s3:ObjectTagging:Put', 'in/a.csv', []],
  ];
  for (const [event, key, ids] of cases) {
    assert.deepEqual(
      matchingRules({ rules }, event, key).map(({ id }) => id),
      ids,
      `${event} ${key}`,
    );
  }
  assert.deepEqual(matchingRules(undefined, 's3:ObjectCreated:Put', 'k'), []);
});
