// What breaks a length, pattern, range or value set of the API's model is answered in AWS's words, with the code that the
// operation's model has, and before anything is looked up.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';

const logs = new sdk.CloudWatchLogsClient(clientConfig(await startBrume()));

const TAG_KEY = '^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$';
const GROUP_ARN = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:none`;
const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`;
const DELIVERY = { deliverySourceName: 's', deliveryDestinationArn: 'd' };
const SCHEDULED = {
  queryLanguage: 'CWLI',
  queryString: 'fields @message',
  scheduleExpression: 'cron(0 0 * * ? *)',
  executionRoleArn: 'no role',
};
const s3 = (more: object) => ({
  ...SCHEDULED,
  destinationConfiguration: { s3Configuration: { destinationIdentifier: 's3://bucket', roleArn: ROLE, ...more } },
});

const LENGTHS = (max: number, min: number) =>
  `Member must have length less than or equal to ${max}, Member must have length greater than or equal to ${min}`;
const OF_TAG_KEY = `[${LENGTHS(128, 1)}, Member must satisfy regular expression pattern: ${TAG_KEY}]`;
const OF_ACCOUNT = `[${LENGTHS(12, 12)}, Member must satisfy regular expression pattern: \\d{12}]`;
const each = (rules: string) => `satisfy constraint: ${rules}`;
const EVENT = { timestamp: 1, message: 'm' };
const PUT = { logGroupName: 'none', logStreamName: 's', logEvents: [EVENT] };

const isNull = (path: string) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`;
const broken = (path: string, value: string, must: string) =>
  `Value '${value}' at '${path}' failed to satisfy constraint: Member must ${must}`;
const atLeast = (length: number) => `have length greater than or equal to ${length}`;
const atMost = (length: number) => `have length less than or equal to ${length}`;
const matching = (pattern: string) => `satisfy regular expression pattern: ${pattern}`;
const NO_TOKEN = broken('nextToken', '', atLeast(1));

const REFUSED: Record<'InvalidParameterException' | 'ValidationException', [string, object, ...string[]][]> = {
  InvalidParameterException: [
    ['CreateLogGroup', {}, isNull('logGroupName')],
    [
      'CreateLogGroup',
      { logGroupName: 'x', tags: { a: '1', '*': '2' } },
      broken('tags', '{a=1, *=2}', `satisfy constraint: ${OF_TAG_KEY}`).replace('Member must', 'Map keys must'),
    ],
    [
      'PutLogEvents',
      { ...PUT, entity: { keyAttributes: { Type: 'a' } } },
      broken('entity.keyAttributes', '{Type=a}', atLeast(2)),
    ],
    [
      'PutLogEvents',
      { ...PUT, entity: { attributes: { a: '' } } },
      broken('entity.attributes', '{a=}', each(`[${LENGTHS(512, 1)}]`)).replace('Member must', 'Map value must'),
    ],
    ['PutLogEvents', { ...PUT, logEvents: [] }, broken('logEvents', '[]', atLeast(1))],
    [
      'PutLogEvents',
      { ...PUT, logEvents: [EVENT, ...Array(11).fill({ timestamp: 1, message: '' })] },
      ...Array.from({ length: 10 }, (_, i) => broken(`logEvents.${i + 2}.member.message`, '', atLeast(1))),
    ],
    ['CreateLookupTable', { lookupTableName: 't', tableBody: 'a', tags: {} }, broken('tags', '{}', atLeast(1))],
    ['DescribeLogGroups', { nextToken: '' }, NO_TOKEN],
    [
      'DescribeQueryDefinitions',
      { queryDefinitionNamePrefix: '' },
      broken('queryDefinitionNamePrefix', '', atLeast(1)),
    ],
    [
      'DescribeSubscriptionFilters',
      { logGroupName: 'none', filterNamePrefix: '' },
      broken('filterNamePrefix', '', atLeast(1)),
    ],
    ['ListLogGroups', { accountIdentifiers: ['1'] }, broken('accountIdentifiers', '[1]', each(OF_ACCOUNT))],
    [
      'ListLogGroups',
      { fieldIndexNames: ['*'] },
      broken(
        'fieldIndexNames',
        '[*]',
        each(`[${LENGTHS(512, 1)}, Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+]`),
      ),
    ],
    ['ListLogGroups', { logGroupTags: [{ key: '*' }] }, broken('logGroupTags.1.member.key', '*', matching(TAG_KEY))],
    ['PutIndexPolicy', { logGroupIdentifier: 'none', policyDocument: '' }, broken('policyDocument', '', atLeast(1))],
    [
      'PutTransformer',
      { logGroupIdentifier: '*', transformerConfig: [{}] },
      broken('logGroupIdentifier', '*', matching('[\\w#+=/:,.@-]*')),
    ],
    [
      'TestTransformer',
      { logEventMessages: ['a'], transformerConfig: [{ csv: { columns: ['x'.repeat(129)] } }] },
      broken('transformerConfig.1.member.csv.columns', `[${'x'.repeat(129)}]`, each(`[${LENGTHS(128, 1)}]`)),
    ],
    ['UntagLogGroup', { logGroupName: 'none', tags: [] }, broken('tags', '[]', atLeast(1))],
    ['UntagLogGroup', { logGroupName: 'none', tags: ['*'] }, broken('tags', '[*]', each(OF_TAG_KEY))],
    ['UntagResource', { resourceArn: GROUP_ARN, tagKeys: ['*'] }, broken('tagKeys', '[*]', each(OF_TAG_KEY))],
    ['UpdateAnomaly', { anomalyDetectorArn: '*' }, broken('anomalyDetectorArn', '*', matching('[\\w#+=/:,.@-]*'))],
  ],
  ValidationException: [
    ['CreateDelivery', {}, isNull('deliverySourceName'), isNull('deliveryDestinationArn')],
    ['CreateDelivery', { ...DELIVERY, tags: {} }, broken('tags', '{}', atLeast(1))],
    ['PutDeliverySource', { name: 'n', logType: 'L', resourceArn: 'r', tags: {} }, broken('tags', '{}', atLeast(1))],
    ['PutDeliveryDestination', { name: 'n', tags: {} }, broken('tags', '{}', atLeast(1))],
    ['DescribeDeliveries', { nextToken: '' }, NO_TOKEN],
    ['DescribeDeliverySources', { nextToken: '' }, NO_TOKEN],
    ['DescribeDeliveryDestinations', { nextToken: '' }, NO_TOKEN],
    ['DeleteScheduledQuery', {}, isNull('identifier')],
    ['CreateScheduledQuery', { ...SCHEDULED, name: 'n', tags: {} }, broken('tags', '{}', atLeast(1))],
    [
      'CreateScheduledQuery',
      { ...s3({ roleArn: '' }), name: 'n' },
      broken('destinationConfiguration.s3Configuration.roleArn', '', atLeast(1)),
    ],
    [
      'UpdateScheduledQuery',
      { ...s3({ ownerAccountId: '1234567890123' }), identifier: 'none' },
      broken('destinationConfiguration.s3Configuration.ownerAccountId', '1234567890123', atMost(12)),
      broken('destinationConfiguration.s3Configuration.ownerAccountId', '1234567890123', matching('\\d{12}')),
    ],
    ['ListScheduledQueries', { nextToken: '' }, NO_TOKEN],
  ],
};

for (const [name, rows] of Object.entries(REFUSED)) {
  test(name, async () => {
    for (const [operation, input, ...failures] of rows) {
      const errors = `${failures.length} validation error${failures.length === 1 ? '' : 's'} detected`;
      const message = `${errors}: ${failures.join('; ')}`;
      await assert.rejects(call(operation, input), { name, message }, `${operation} ${JSON.stringify(input)}`);
    }
  });
}

test('tags: what is no ARN of a resource, the form with :* too', async () => {
  await call('CreateLogGroup', { logGroupName: 'group' });
  const { logGroups } = await call('DescribeLogGroups', {});
  const invalid = { name: 'ValidationException', message: 'Invalid resourceArn' };
  for (const resourceArn of ['group', 'arn:aws:sqs:us-east-1:000000000000:q', logGroups[0].arn]) {
    await assert.rejects(call('ListTagsForResource', { resourceArn }), invalid);
    await assert.rejects(call('TagResource', { resourceArn, tags: { a: 'b' } }), invalid);
  }
  assert.deepEqual((await call('ListTagsForResource', { resourceArn: logGroups[0].logGroupArn })).tags, {});
});

test('delivery sources and destinations are listed as they were made, in pages', async () => {
  const names = ['z', 'a', 'm'];
  for (const name of names) {
    const resourceArn = `arn:aws:cloudfront::${ACCOUNT}:distribution/${name}`;
    await call('PutDeliverySource', { name, resourceArn, logType: 'ACCESS_LOGS' });
    const deliveryDestinationConfiguration = { destinationResourceArn: `arn:aws:s3:::${name}` };
    await call('PutDeliveryDestination', { name, deliveryDestinationConfiguration });
    // Their times are of milliseconds.
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const [operation, list] of [
    ['DescribeDeliverySources', 'deliverySources'],
    ['DescribeDeliveryDestinations', 'deliveryDestinations'],
  ] as const) {
    const first = await call(operation, { limit: 2 });
    const second = await call(operation, { limit: 2, nextToken: first.nextToken });
    assert.deepEqual(
      [...first[list], ...second[list]].map(({ name }) => name),
      names,
    );
    assert.equal(second.nextToken, undefined);
  }
});

function call(operation: string, input: object): Promise<any> {
  return logs.send(new (sdk as any)[`${operation}Command`](input));
}
