// CloudWatch Logs through HTTP, with the official SDK: groups, streams, retention, tags, metric filters.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';

const brume = await startBrume();
const logs = new sdk.CloudWatchLogsClient(clientConfig(brume));
const call = (operation: string, input: object): Promise<any> =>
  logs.send(new (sdk as any)[`${operation}Command`](input));
let made = 0;

async function newGroup(more: object = {}): Promise<string> {
  const logGroupName = `group-${++made}`;
  await call('CreateLogGroup', { logGroupName, ...more });
  return logGroupName;
}

async function fails(operation: string, input: object, code: string, message: string | RegExp): Promise<void> {
  await assert.rejects(call(operation, input), (error: Error) => {
    assert.equal(error.name, code, `${operation} ${JSON.stringify(input).slice(0, 200)}: ${error.message}`);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

const arnOf = (group: string) => `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${group}`;
const NO_GROUP = ['ResourceNotFoundException', 'The specified log group does not exist.'] as const;
const INVALID = 'InvalidParameterException';

test('a group is described as it was made', async () => {
  const before = Date.now();
  const name = await newGroup({ kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/k', tags: { team: 'data' } });
  await call('PutRetentionPolicy', { logGroupName: name, retentionInDays: 7 });
  const { logGroups } = await call('DescribeLogGroups', { logGroupNamePrefix: name });
  const { creationTime, ...rest } = logGroups[0];
  assert.ok(creationTime >= before && creationTime <= Date.now());
  assert.deepEqual(rest, {
    logGroupName: name,
    arn: `${arnOf(name)}:*`,
    logGroupArn: arnOf(name),
    retentionInDays: 7,
    metricFilterCount: 0,
    storedBytes: 0,
    kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/k',
    logGroupClass: 'STANDARD',
    deletionProtectionEnabled: false,
    bearerTokenAuthenticationEnabled: false,
  });
  await call('DeleteRetentionPolicy', { logGroupName: name });
  await call('DisassociateKmsKey', { logGroupName: name });
  const again = (await call('DescribeLogGroups', { logGroupIdentifiers: [`${arnOf(name)}`] })).logGroups[0];
  assert.equal(again.retentionInDays, undefined);
  assert.equal(again.kmsKeyId, undefined);
  await call('AssociateKmsKey', { resourceIdentifier: arnOf(name), kmsKeyId: 'other' });
  assert.equal((await call('DescribeLogGroups', { logGroupNamePrefix: name })).logGroups[0].kmsKeyId, 'other');
});

test('groups are listed by name, filtered, and in pages', async () => {
  const names = ['/list/a', '/list/b', '/list/C', '/list/sub/a', '/list/d'];
  for (const logGroupName of names) await call('CreateLogGroup', { logGroupName });
  await call('CreateLogGroup', { logGroupName: '/list/ia', logGroupClass: 'INFREQUENT_ACCESS', tags: { team: 'x1' } });
  const listed = async (operation: string, input: object) =>
    (await call(operation, input)).logGroups.map(({ logGroupName }: any) => logGroupName);
  const cases: [string, object, string[]][] = [
    [
      'DescribeLogGroups',
      { logGroupNamePrefix: '/list/' },
      ['/list/C', '/list/a', '/list/b', '/list/d', '/list/ia', '/list/sub/a'],
    ],
    ['DescribeLogGroups', { logGroupNamePattern: 'sub' }, ['/list/sub/a']],
    ['DescribeLogGroups', { logGroupNamePattern: 'SUB' }, []],
    ['DescribeLogGroups', { logGroupNamePrefix: '/list/', logGroupClass: 'INFREQUENT_ACCESS' }, ['/list/ia']],
    ['DescribeLogGroups', { logGroupIdentifiers: ['/list/b', arnOf('/list/a'), 'nope'] }, ['/list/a', '/list/b']],
    ['ListLogGroups', { logGroupNamePattern: '^/list/su|list/d' }, ['/list/d', '/list/sub/a']],
    ['ListLogGroups', { logGroupTags: [{ key: 'team', values: ['x*'] }] }, ['/list/ia']],
    ['ListLogGroups', { logGroupTags: [{ key: 'team', values: ['y'] }] }, []],
    ['ListLogGroups', { logGroupTags: [{ key: 'team', values: ['X*'] }] }, ['/list/ia']],
    ['ListLogGroups', { logGroupTags: [{ key: 'team', values: ['!y'] }] }, ['/list/ia', 'group-1']],
    ['ListLogGroups', { logGroupTags: [{ key: 'team', values: ['!x*'] }] }, ['group-1']],
  ];
  for (const [operation, input, expected] of cases) {
    assert.deepEqual(await listed(operation, input), expected, JSON.stringify(input));
  }
  const brief = (await call('DescribeLogGroups', { logGroupNamePattern: 'sub' })).logGroups[0];
  assert.deepEqual(Object.keys(brief).sort(), [
    'arn',
    'creationTime',
    'logGroupArn',
    'logGroupClass',
    'logGroupName',
    'metricFilterCount',
  ]);
  const paged: string[] = [];
  for await (const page of sdk.paginateDescribeLogGroups(
    { client: logs, pageSize: 2 },
    { logGroupNamePrefix: '/list/' },
  )) {
    assert.ok(page.logGroups!.length <= 2);
    paged.push(...page.logGroups!.map(({ logGroupName }) => logGroupName!));
  }
  assert.deepEqual(paged, ['/list/C', '/list/a', '/list/b', '/list/d', '/list/ia', '/list/sub/a']);
});

test('what requests for groups and streams are refused for', async () => {
  const group = await newGroup();
  await call('CreateLogStream', { logGroupName: group, logStreamName: 's' });
  const cases: [string, object, string, string | RegExp][] = [
    [
      'CreateLogGroup',
      { logGroupName: group },
      'ResourceAlreadyExistsException',
      'The specified log group already exists',
    ],
    [
      'CreateLogGroup',
      { logGroupName: 'a b' },
      INVALID,
      "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+",
    ],
    [
      'CreateLogGroup',
      { logGroupName: 'x'.repeat(513) },
      INVALID,
      /^Invalid LogGroup or LogStream, both must have length less than or equal to 512\.$/,
    ],
    ['CreateLogGroup', { logGroupName: '' }, INVALID, /^2 validation errors detected: Value '' at 'logGroupName'/],
    ['CreateLogGroup', { logGroupName: 'aws/x' }, INVALID, 'Log groups starting with AWS/ are reserved for AWS.'],
    ['CreateLogGroup', { logGroupName: 'x', logGroupClass: 'GOLD' }, INVALID, /enum value set: \[STANDARD, /],
    ['CreateLogGroup', { logGroupName: 'x', tags: { 'aws:x': 'y' } }, INVALID, /aws: prefixed/],
    ['CreateLogGroup', {}, INVALID, /Value null at 'logGroupName'/],
    ['DeleteLogGroup', { logGroupName: 'none' }, ...NO_GROUP],
    ['CreateLogStream', { logGroupName: 'none', logStreamName: 's' }, ...NO_GROUP],
    [
      'CreateLogStream',
      { logGroupName: group, logStreamName: 's' },
      'ResourceAlreadyExistsException',
      'The specified log stream already exists',
    ],
    ['CreateLogStream', { logGroupName: group, logStreamName: 'a:b' }, INVALID, /\[\^:\*\]\*$/],
    [
      'DeleteLogStream',
      { logGroupName: group, logStreamName: 'none' },
      'ResourceNotFoundException',
      'The specified log stream does not exist.',
    ],
    ['DescribeLogStreams', { logGroupName: 'none' }, ...NO_GROUP],
    ['DescribeLogStreams', { logGroupIdentifier: arnOf('none') }, ...NO_GROUP],
    ['DescribeLogStreams', { logGroupIdentifier: arnOf(group).replace(ACCOUNT, '111122223333') }, ...NO_GROUP],
    [
      'DescribeLogStreams',
      { logGroupName: group, logGroupIdentifier: group },
      'ValidationException',
      /mutually exclusive/,
    ],
    ['DescribeLogStreams', { logGroupIdentifier: `${arnOf(group)}:*` }, INVALID, /at 'logGroupIdentifier'/],
    ['DescribeLogStreams', {}, INVALID, /logGroupName or logGroupIdentifier/],
    [
      'DescribeLogStreams',
      { logGroupName: group, orderBy: 'LastEventTime', logStreamNamePrefix: 's' },
      INVALID,
      'Cannot order by LastEventTime with a logStreamNamePrefix.',
    ],
    ['DescribeLogStreams', { logGroupName: group, limit: 51 }, INVALID, /value less than or equal to 50$/],
    ['DescribeLogStreams', { logGroupName: group, nextToken: 'what' }, INVALID, 'The specified nextToken is invalid.'],
    [
      'DescribeLogGroups',
      { logGroupNamePrefix: 'a', logGroupNamePattern: 'a' },
      INVALID,
      'LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.',
    ],
    [
      'PutRetentionPolicy',
      { logGroupName: group, retentionInDays: 2 },
      INVALID,
      /^Invalid retention value\. Valid values are: \[1, 3, 5, /,
    ],
    ['PutRetentionPolicy', { logGroupName: 'none', retentionInDays: 1 }, ...NO_GROUP],
    [
      'ListTagsForResource',
      { resourceArn: arnOf('none') },
      'ResourceNotFoundException',
      'The specified resource does not exist.',
    ],
    ['TagLogGroup', { logGroupName: 'none', tags: { a: 'b' } }, ...NO_GROUP],
    ['GetLogFields', { dataSourceName: 'x', dataSourceType: 'y' }, 'NotImplemented', /GetLogFields/],
  ];
  for (const [operation, input, code, message] of cases) await fails(operation, input, code, message);
});

test('streams are listed by name or by their last event, in both directions and in pages', async () => {
  const logGroupName = await newGroup();
  const now = Date.now();
  const lastEvents: Record<string, number> = { b: now - 2000, a: now - 1000, c: now - 3000 };
  for (const [logStreamName, timestamp] of Object.entries(lastEvents)) {
    await call('CreateLogStream', { logGroupName, logStreamName });
    const logEvents = [
      { timestamp: timestamp - 5, message: 'first' },
      { timestamp, message: 'last' },
    ];
    await call('PutLogEvents', { logGroupName, logStreamName, logEvents });
  }
  await call('CreateLogStream', { logGroupName, logStreamName: 'empty' });
  const listed = async (input: object) => {
    const names: string[] = [];
    for await (const page of sdk.paginateDescribeLogStreams(
      { client: logs, pageSize: 3 },
      { logGroupName, ...input },
    )) {
      names.push(...page.logStreams!.map(({ logStreamName }) => logStreamName!));
    }
    return names.join(' ');
  };
  assert.equal(await listed({}), 'a b c empty');
  assert.equal(await listed({ descending: true }), 'empty c b a');
  assert.equal(await listed({ orderBy: 'LastEventTime', descending: true }), 'a b c empty');
  assert.equal(await listed({ orderBy: 'LastEventTime' }), 'empty c b a');
  assert.equal(await listed({ logStreamNamePrefix: 'e' }), 'empty');
  const { logStreams } = await call('DescribeLogStreams', { logGroupIdentifier: arnOf(logGroupName) });
  const { creationTime, lastIngestionTime, uploadSequenceToken, ...rest } = logStreams[0];
  assert.ok(creationTime >= now - 10 && lastIngestionTime >= creationTime);
  assert.match(uploadSequenceToken, /^\d{56}$/);
  assert.deepEqual(rest, {
    logStreamName: 'a',
    firstEventTimestamp: now - 1005,
    lastEventTimestamp: now - 1000,
    arn: `${arnOf(logGroupName)}:log-stream:a`,
    storedBytes: 0,
  });
  assert.deepEqual(Object.keys(logStreams[3]).sort(), ['arn', 'creationTime', 'logStreamName', 'storedBytes']);
  assert.equal((await call('DescribeLogGroups', { logGroupNamePrefix: logGroupName })).logGroups[0].storedBytes, 27);
});

test('tags, by ARN and by name', async () => {
  const group = await newGroup({ tags: { a: '1', b: '2' } });
  const resourceArn = arnOf(group);
  await call('TagResource', { resourceArn, tags: { b: '3', c: '' } });
  await call('UntagResource', { resourceArn, tagKeys: ['a', 'never'] });
  assert.deepEqual((await call('ListTagsForResource', { resourceArn })).tags, { b: '3', c: '' });
  await call('TagLogGroup', { logGroupName: group, tags: { d: '4' } });
  await call('UntagLogGroup', { logGroupName: group, tags: ['c'] });
  assert.deepEqual((await call('ListTagsLogGroup', { logGroupName: group })).tags, { b: '3', d: '4' });
  const many = Object.fromEntries(Array.from({ length: 49 }, (_, i) => [`k${i}`, 'v']));
  await fails('TagResource', { resourceArn, tags: many }, 'TooManyTagsException', /too many tags/);
});

test('deletion protection', async () => {
  const group = await newGroup({ deletionProtectionEnabled: true });
  await call('CreateLogStream', { logGroupName: group, logStreamName: 's' });
  await fails('DeleteLogGroup', { logGroupName: group }, 'ValidationException', /protection/);
  await fails('DeleteLogStream', { logGroupName: group, logStreamName: 's' }, 'ValidationException', /protection/);
  await call('PutLogGroupDeletionProtection', { logGroupIdentifier: group, deletionProtectionEnabled: false });
  await call('DeleteLogStream', { logGroupName: group, logStreamName: 's' });
  await call('DeleteLogGroup', { logGroupName: group });
  await fails('DescribeLogStreams', { logGroupName: group }, ...NO_GROUP);
});

const TRANSFORMATION = { metricName: 'Errors', metricNamespace: 'App', metricValue: '1' };

test('metric filters are stored, described, and found by what they publish', async () => {
  const group = await newGroup();
  const other = await newGroup();
  const before = Date.now();
  const full = {
    filterName: 'latency',
    filterPattern: '{ $.latency = * }',
    metricTransformations: [
      {
        metricName: 'Latency',
        metricNamespace: 'App/Api',
        metricValue: '$.latency',
        unit: 'Milliseconds',
        dimensions: { Path: '$.path' },
      },
    ],
  };
  await call('PutMetricFilter', { logGroupName: group, ...full });
  await call('PutMetricFilter', {
    logGroupName: group,
    filterName: 'errors',
    filterPattern: 'ERROR',
    metricTransformations: [{ ...TRANSFORMATION, defaultValue: 0 }],
  });
  await call('PutMetricFilter', {
    logGroupName: other,
    filterName: 'errors',
    filterPattern: '',
    metricTransformations: [TRANSFORMATION],
  });
  const described = await call('DescribeMetricFilters', { logGroupName: group, filterNamePrefix: 'l' });
  const { creationTime, ...latency } = described.metricFilters[0];
  assert.equal(described.metricFilters.length, 1);
  assert.ok(creationTime >= before);
  assert.deepEqual(latency, { ...full, logGroupName: group, applyOnTransformedLogs: false });
  const found = async (input: object) =>
    (await call('DescribeMetricFilters', input)).metricFilters.map((f: any) => `${f.logGroupName}/${f.filterName}`);
  assert.deepEqual(await found({ logGroupName: group }), [`${group}/errors`, `${group}/latency`]);
  assert.deepEqual(await found({ metricName: 'Errors', metricNamespace: 'App' }), [
    `${group}/errors`,
    `${other}/errors`,
  ]);
  const first = await call('DescribeMetricFilters', { limit: 1 });
  assert.deepEqual(await found({ limit: 1, nextToken: first.nextToken }), [`${other}/errors`]);
  const { logGroups } = await call('DescribeLogGroups', { logGroupNamePrefix: group });
  assert.equal(logGroups[0].metricFilterCount, 2);
  await call('DeleteMetricFilter', { logGroupName: group, filterName: 'errors' });
  assert.deepEqual(await found({ logGroupName: group }), [`${group}/latency`]);
  await fails(
    'DeleteMetricFilter',
    { logGroupName: group, filterName: 'errors' },
    'ResourceNotFoundException',
    'The specified metric filter does not exist.',
  );
  await fails('DescribeMetricFilters', { logGroupName: 'none' }, ...NO_GROUP);
  for (const input of [
    { metricName: 'a' },
    { logGroupName: group, metricNamespace: 'a' },
    { logGroupName: group, metricName: 'a', metricNamespace: 'a' },
  ]) {
    await fails(
      'DescribeMetricFilters',
      input,
      INVALID,
      'Describe Metric Filters request must contain either logGroupName or metricName and metricNamespace',
    );
  }
});

test('what a metric filter is refused for', async () => {
  const group = await newGroup();
  const infrequent = await newGroup({ logGroupClass: 'INFREQUENT_ACCESS' });
  const json = { filterPattern: '{ $.a = 1 }' };
  const filter = (more: object, transformation: object = {}) => ({
    logGroupName: group,
    filterName: 'f',
    filterPattern: 'ERROR',
    metricTransformations: [{ ...TRANSFORMATION, ...transformation }],
    ...more,
  });
  const cases: [object, string | RegExp][] = [
    [filter({ filterPattern: '{ $.a }' }), /^Invalid metric filter pattern: expected one of = != .* at position 7$/],
    [filter({ filterPattern: 'user@host' }), "Invalid character(s) in term 'user@host'"],
    [filter({ filterPattern: '{ $.a = 1' }), "If a filter pattern starts with '{' it must end with '}'"],
    [filter({ filterName: 'a:b' }), /at 'filterName'/],
    [filter({ metricTransformations: [] }), /at 'metricTransformations'.*greater than or equal to 1$/],
    [filter({}, { unit: 'Parsecs' }), /at 'metricTransformations\.1\.member\.unit'.*enum value set/],
    [filter({}, { metricName: 'a*' }), /at 'metricTransformations\.1\.member\.metricName'/],
    [filter({}, { dimensions: { A: '$.a' } }), 'The specified filter pattern does not support dimensions'],
    [
      filter(json, { dimensions: { A: '$.a' }, defaultValue: 0 }),
      'Invalid metric transformation: dimensions and default value are mutually exclusive properties',
    ],
    [
      filter(json, { dimensions: { A: '$.a', B: '$.b', C: '$.c', D: '$.d' } }),
      'Number of dimensions exceeds the maximum number of dimensions supported per metric filter',
    ],
    [
      filter(json, { dimensions: { A: 'fixed' } }),
      'Invalid metric transformation: dimension value must be valid selector',
    ],
    [
      filter(json, { dimensions: { A: '$.a[*]' } }),
      'Invalid metric transformation: dimension value must be valid selector',
    ],
    [filter({}, { metricValue: 'many' }), 'Invalid metric transformation: metric value many must be a valid number'],
    [
      filter(json, { metricValue: '$.a[*].b' }),
      'Invalid metric transformation: metric value $.a[*].b must be a valid number',
    ],
    [filter({}, { metricValue: '$.a' }), /metric value \$\.a must be a valid number$/],
    [filter(json, { metricValue: '$bytes' }), /metric value \$bytes must be a valid number$/],
    [filter(json, { metricValue: '$.a[' }), /metric value \$\.a\[ must be a valid number$/],
    [
      filter({ emitSystemFieldDimensions: ['@aws.nope'] }),
      'The provided system fields are invalid. The supported system fields are - [@aws.region, @aws.account, @source.log]',
    ],
    [filter({ fieldSelectionCriteria: 'nonsense' }), 'The provided field selection criteria is invalid'],
  ];
  for (const [input, message] of cases) await fails('PutMetricFilter', input, INVALID, message);
  await fails('PutMetricFilter', filter({ logGroupName: 'none' }), ...NO_GROUP);
  await fails(
    'PutMetricFilter',
    filter({ logGroupName: infrequent }),
    'InvalidOperationException',
    /INFREQUENT_ACCESS/,
  );
  for (let i = 0; i < 5; i++) await call('PutMetricFilter', filter({ filterName: `r${i}`, filterPattern: '%a+%' }));
  await fails(
    'PutMetricFilter',
    filter({ filterPattern: '%b%' }),
    'LimitExceededException',
    'Resource limit exceeded.',
  );
  await call('PutMetricFilter', filter({ filterName: 'r0', filterPattern: '%b%' }));
});

test('TestMetricFilter shows which events match and what it takes from them', async () => {
  const line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /apache_pb.gif HTTP/1.0" 200 1534';
  const { matches } = await call('TestMetricFilter', {
    filterPattern: '[ip, identity, user_id, timestamp, request, status_code = 2*, size]',
    logEventMessages: ['other', line],
  });
  assert.deepEqual(matches, [
    {
      eventNumber: 2,
      eventMessage: line,
      extractedValues: {
        $ip: '127.0.0.1',
        $identity: '-',
        $user_id: 'frank',
        $timestamp: '10/Oct/2000:13:25:15 -0700',
        $request: 'GET /apache_pb.gif HTTP/1.0',
        $status_code: '200',
        $size: '1534',
      },
    },
  ]);
  await fails('TestMetricFilter', { filterPattern: '[', logEventMessages: ['x'] }, INVALID, /must end with '\]'/);
});

test('metric filters are selected by account and region', async () => {
  const group = await newGroup();
  const filter = { logGroupName: group, filterPattern: '', metricTransformations: [TRANSFORMATION] };
  const criteria = '@aws.region IN ["us-east-1"] AND @aws.account != "111111111111"';
  await call('PutMetricFilter', { ...filter, filterName: 'f', fieldSelectionCriteria: criteria });
  const { metricFilters } = await call('DescribeMetricFilters', { logGroupName: group });
  assert.equal(metricFilters[0].fieldSelectionCriteria, criteria);
  for (const [wrong, message] of [
    ['@aws.zone = "a"', /provided field selection criteria is invalid/],
    ['@aws.region', /provided field selection criteria is invalid/],
  ] as const) {
    await fails('PutMetricFilter', { ...filter, filterName: 'g', fieldSelectionCriteria: wrong }, INVALID, message);
  }
});

test('keys for query results are kept for the account', async () => {
  const resourceIdentifier = 'arn:aws:logs:us-east-1:000000000000:query-result:*';
  await call('AssociateKmsKey', { resourceIdentifier, kmsKeyId: 'arn:aws:kms:us-east-1:000000000000:key/k' });
  await call('DisassociateKmsKey', { resourceIdentifier });
  const elsewhere = resourceIdentifier.replace('us-east-1', 'eu-west-1');
  await fails(
    'AssociateKmsKey',
    { resourceIdentifier: elsewhere, kmsKeyId: 'k' },
    INVALID,
    /another account or region/,
  );
});

test("CloudFront's deliveries have all fields and a path unless others are chosen", async () => {
  const { deliverySource } = await call('PutDeliverySource', {
    name: 'cdn',
    resourceArn: 'arn:aws:cloudfront::000000000000:distribution/E1',
    logType: 'ACCESS_LOGS',
  });
  const destination = async (name: string, destinationResourceArn: string) => {
    const deliveryDestinationConfiguration = { destinationResourceArn };
    const input = { name, outputFormat: 'json', deliveryDestinationConfiguration };
    return (await call('PutDeliveryDestination', input)).deliveryDestination.arn;
  };
  const bucket = await destination('cdn-s3', 'arn:aws:s3:::bucket');
  const group = await destination('cdn-cwl', 'arn:aws:logs:us-east-1:000000000000:log-group:cdn');
  const create = async (deliveryDestinationArn: string, more: object = {}) =>
    (await call('CreateDelivery', { deliverySourceName: deliverySource.name, deliveryDestinationArn, ...more }))
      .delivery;
  const ofBucket = await create(bucket);
  assert.deepEqual(ofBucket.s3DeliveryConfiguration, {
    suffixPath: 'AWSLogs/{account-id}/CloudFront/',
    enableHiveCompatiblePath: false,
  });
  assert.equal(ofBucket.recordFields.length, 33);
  const ofGroup = await create(group, { recordFields: ['date', 'time'] });
  assert.equal(ofGroup.s3DeliveryConfiguration, undefined);
  assert.deepEqual(ofGroup.recordFields, ['date', 'time']);
  for (const { id } of [ofBucket, ofGroup]) await call('DeleteDelivery', { id });
  for (const name of ['cdn-s3', 'cdn-cwl']) await call('DeleteDeliveryDestination', { name });
  await call('DeleteDeliverySource', { name: 'cdn' });
});

test('log groups by data source and field index', async () => {
  const made: [string, string?, string?, object?][] = [
    ['ds-1', 'shop', 'orders'],
    ['ds-2', 'shop', 'orders', { logGroupClass: 'INFREQUENT_ACCESS' }],
    ['ds-3', 'shop', 'returns'],
    ['ds-4', 'crm', 'orders'],
    ['ds-5', 'aws_x', 'orders'],
    ['ds-6', 'half'],
    ['ds-7'],
  ];
  for (const [logGroupName, name, type, more] of made) {
    const tags = { ...(name && { 'cw:datasource:name': name }), ...(type && { 'cw:datasource:type': type }) };
    await call('CreateLogGroup', { logGroupName, ...more, ...(name && { tags }) });
  }
  const policyDocument = JSON.stringify({ Fields: ['orderId', 'sku'] });
  await call('PutIndexPolicy', { logGroupIdentifier: 'ds-3', policyDocument });
  const lists: [object, string[]][] = [
    [{ dataSources: [{ name: 'shop' }] }, ['ds-1', 'ds-2', 'ds-3']],
    [{ dataSources: [{ name: 'sh*', type: 'orders' }] }, ['ds-1', 'ds-2']],
    [
      {
        dataSources: [
          { name: 'shop', type: 'returns' },
          { name: 'crm', type: 'orders' },
        ],
      },
      ['ds-1', 'ds-2', 'ds-3', 'ds-4'],
    ],
    [{ dataSources: [{ name: 'shop' }], logGroupClass: 'INFREQUENT_ACCESS' }, ['ds-2']],
    [{ dataSources: [{ name: 'aws_x' }] }, []],
    [{ fieldIndexNames: ['sku'] }, ['ds-3']],
    [{ fieldIndexNames: ['sku', 'orderId'], dataSources: [{ name: 'crm' }] }, []],
    [{ fieldIndexNames: ['sku', 'other'] }, []],
  ];
  for (const [input, expected] of lists) {
    const { logGroups } = await call('ListLogGroups', input);
    assert.deepEqual(
      logGroups.map((group: { logGroupName: string }) => group.logGroupName),
      expected,
      JSON.stringify(input),
    );
  }
  const identifiers = (name: string, type: string, format: boolean) => [
    { key: 'dataSource.Name', value: name },
    { key: 'dataSource.Type', value: type },
    ...(format ? [{ key: 'dataSource.Format', value: 'Default' }] : []),
  ];
  const groupBy = 'DATA_SOURCE_NAME_AND_TYPE';
  const first = await call('ListAggregateLogGroupSummaries', { groupBy, limit: 2 });
  assert.deepEqual(first.aggregateLogGroupSummaries, [
    { logGroupCount: 1, groupingIdentifiers: identifiers('crm', 'orders', false) },
    { logGroupCount: 2, groupingIdentifiers: identifiers('shop', 'orders', false) },
  ]);
  const { nextToken } = first;
  assert.deepEqual((await call('ListAggregateLogGroupSummaries', { groupBy, nextToken })).aggregateLogGroupSummaries, [
    { logGroupCount: 1, groupingIdentifiers: identifiers('shop', 'returns', false) },
  ]);
  const withFormat = { groupBy: 'DATA_SOURCE_NAME_TYPE_AND_FORMAT', dataSources: [{ name: 'crm' }] };
  assert.deepEqual((await call('ListAggregateLogGroupSummaries', withFormat)).aggregateLogGroupSummaries, [
    { logGroupCount: 1, groupingIdentifiers: identifiers('crm', 'orders', true) },
  ]);
  await fails('ListAggregateLogGroupSummaries', { groupBy: 'X' }, 'ValidationException', /enum value set/);
  await fails('ListLogGroups', { dataSources: [] }, INVALID, /dataSources/);
  for (const [logGroupName] of made) await call('DeleteLogGroup', { logGroupName });
});

test('deliveries join a source to a destination', async () => {
  const source = {
    name: 'src',
    resourceArn: 'arn:aws:workmail:us-east-1:000000000000:organization/m-1',
    logType: 'ACCESS_CONTROL_LOGS',
  };
  const bucket = { destinationResourceArn: 'arn:aws:s3:::bucket' };
  const { deliverySource } = await call('PutDeliverySource', source);
  assert.deepEqual(
    [deliverySource.service, deliverySource.arn, deliverySource.resourceArns],
    ['workmail', 'arn:aws:logs:us-east-1:000000000000:delivery-source:src', [source.resourceArn]],
  );
  const { deliveryDestination } = await call('PutDeliveryDestination', {
    name: 'dst',
    outputFormat: 'json',
    deliveryDestinationConfiguration: bucket,
  });
  assert.equal(deliveryDestination.deliveryDestinationType, 'S3');
  await call('TagResource', { resourceArn: deliverySource.arn, tags: { a: '1', b: '2' } });
  await call('UntagResource', { resourceArn: deliverySource.arn, tagKeys: ['a'] });
  assert.deepEqual((await call('ListTagsForResource', { resourceArn: deliverySource.arn })).tags, { b: '2' });
  await call('UntagResource', { resourceArn: deliverySource.arn, tagKeys: ['b'] });
  const missing = `${deliverySource.arn}x`;
  await fails('ListTagsForResource', { resourceArn: missing }, 'ResourceNotFoundException', /resource does not exist/);

  const join = { deliverySourceName: 'src', deliveryDestinationArn: deliveryDestination.arn };
  const s3DeliveryConfiguration = { suffixPath: '{yyyy}/{MM}', enableHiveCompatiblePath: true };
  const { delivery } = await call('CreateDelivery', { ...join, s3DeliveryConfiguration });
  assert.match(delivery.id, /^[0-9A-Za-z]{16}$/);
  assert.deepEqual((await call('GetDelivery', { id: delivery.id })).delivery, delivery);
  await call('UpdateDeliveryConfiguration', { id: delivery.id, recordFields: ['a'] });
  assert.deepEqual((await call('DescribeDeliveries', {})).deliveries, [{ ...delivery, recordFields: ['a'] }]);
  assert.deepEqual((await call('DescribeDeliverySources', {})).deliverySources, [deliverySource]);
  assert.deepEqual((await call('DescribeDeliveryDestinations', {})).deliveryDestinations, [deliveryDestination]);

  const deliveryDestinationPolicy = JSON.stringify({
    Statement: [{ Effect: 'Allow', Principal: '*', Action: 'logs:CreateDelivery', Resource: '*' }],
  });
  const named = { deliveryDestinationName: 'dst' };
  await call('PutDeliveryDestinationPolicy', { ...named, deliveryDestinationPolicy });
  assert.deepEqual((await call('GetDeliveryDestinationPolicy', named)).policy, { deliveryDestinationPolicy });
  await call('DeleteDeliveryDestinationPolicy', named);
  assert.deepEqual((await call('GetDeliveryDestinationPolicy', named)).policy, {});

  const refusals: [string, object, string, RegExp][] = [
    ['CreateDelivery', join, 'ConflictException', /joined already/],
    [
      'CreateDelivery',
      { ...join, deliverySourceName: 'none' },
      'ResourceNotFoundException',
      /Requested Delivery Source does not exist in this account\./,
    ],
    ['CreateDelivery', { ...join, deliveryDestinationArn: 'x' }, 'ValidationException', /Invalid .* ARN: x/],
    ['CreateDelivery', { ...join, fieldDelimiter: ',' }, 'ValidationException', /output format json/],
    ['PutDeliverySource', { ...source, logType: 'ACCESS_LOGS' }, 'ValidationException', /does not send ACCESS_LOGS/],
    [
      'PutDeliverySource',
      { ...source, resourceArn: 'arn:aws:sqs:::q' },
      'ResourceNotFoundException',
      /Cannot access provided service/,
    ],
    ['PutDeliverySource', { ...source, logType: 'AUTHENTICATION_LOGS' }, 'ConflictException', /cannot be changed/],
    ['PutDeliveryDestination', { name: 'd' }, 'ValidationException', /must be specified/],
    [
      'PutDeliveryDestination',
      { name: 'd', deliveryDestinationType: 'CWL', deliveryDestinationConfiguration: bucket },
      'ValidationException',
      /of type S3, not CWL/,
    ],
    ['DeleteDeliverySource', { name: 'src' }, 'ConflictException', /used by a delivery/],
    ['DeleteDeliveryDestination', { name: 'dst' }, 'ConflictException', /used by a delivery/],
    ['GetDelivery', { id: 'none' }, 'ResourceNotFoundException', /Requested Delivery does not exist in this account\./],
    ['GetDelivery', { id: '-' }, 'ValidationException', /regular expression/],
  ];
  for (const [operation, input, code, message] of refusals) await fails(operation, input, code, message);
  await call('DeleteDelivery', { id: delivery.id });
  await call('DeleteDeliverySource', { name: 'src' });
  await call('DeleteDeliveryDestination', { name: 'dst' });
  await fails('DeleteDelivery', { id: delivery.id }, 'ResourceNotFoundException', /does not exist/);
  await fails('GetDeliverySource', { name: 'src' }, 'ResourceNotFoundException', /does not exist/);
});
