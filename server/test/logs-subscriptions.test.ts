// Subscriptions against a whole server: what a function gets of what is put, in AWS's envelope; what is refused; and
// kill -9 while events come and deliveries are under way, which may repeat some and loses none.

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteAccountPolicyCommand,
  DeleteDestinationCommand,
  DeleteResourcePolicyCommand,
  DeleteSubscriptionFilterCommand,
  DescribeAccountPoliciesCommand,
  DescribeDestinationsCommand,
  DescribeResourcePoliciesCommand,
  DescribeSubscriptionFiltersCommand,
  FilterLogEventsCommand,
  PutAccountPolicyCommand,
  PutDestinationCommand,
  PutDestinationPolicyCommand,
  PutLogEventsCommand,
  PutResourcePolicyCommand,
  PutSubscriptionFilterCommand,
  type PutSubscriptionFilterRequest,
  PutTransformerCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  AddPermissionCommand,
  CreateFunctionCommand,
  DeleteFunctionCommand,
  LambdaClient,
  RemovePermissionCommand,
} from '@aws-sdk/client-lambda';
import { ACCOUNT, clientConfig, REGION, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';
import { zipOf } from '#test/lambda-zip.ts';

const brume = await startBrume({ functions: { isolation: 'process', interpreters: {} } });
const logs = new CloudWatchLogsClient(clientConfig(brume));
const lambda = new LambdaClient(clientConfig(brume));

const TEAM = { key: 'team', value: 'data' };

/** Functions may write where the test reads. */
const PLAIN = ['--isolation', 'process'];

/** Writes each event it gets to a file of its own, so that the test sees them also after a kill. */
const RECEIVER = (dir: string) => `
import json, os, uuid
def handler(event, context):
    name = os.path.join(${JSON.stringify(dir)}, uuid.uuid4().hex)
    with open(name + '.part', 'w') as f:
        json.dump(event, f)
    os.rename(name + '.part', name + '.json')
`;

interface Received {
  messageType: string;
  owner: string;
  logGroup: string;
  logStream: string;
  subscriptionFilters: string[];
  logEvents: { id: string; timestamp: number; message: string; extractedFields?: Record<string, string> }[];
}

interface Receiver {
  arn: string;
  received(): Received[];
}

async function createReceiver(client: LambdaClient, name: string, permitted = true): Promise<Receiver> {
  const dir = join(temporaryDirectory(), 'received');
  mkdirSync(dir, { mode: 0o777 });
  await client.send(
    new CreateFunctionCommand({
      FunctionName: name,
      Runtime: 'python3.12',
      Handler: 'app.handler',
      Role: `arn:aws:iam::${ACCOUNT}:role/r`,
      Code: { ZipFile: zipOf({ 'app.py': RECEIVER(dir) }) },
    }),
  );
  if (permitted) await permit(client, name);
  return {
    arn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
    received: () =>
      readdirSync(dir)
        .filter((file) => file.endsWith('.json'))
        .map((file) => JSON.parse(readFileSync(join(dir, file), 'utf8')))
        .map(({ awslogs }) => JSON.parse(gunzipSync(Buffer.from(awslogs.data, 'base64')).toString())),
  };
}

async function permit(client: LambdaClient, FunctionName: string, more = {}) {
  const Action = 'lambda:InvokeFunction';
  const statement = { FunctionName, StatementId: 'logs', Action, Principal: 'logs.amazonaws.com', ...more };
  await client.send(new AddPermissionCommand(statement));
}

async function createStream(client: CloudWatchLogsClient, logGroupName: string, ...streams: string[]) {
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  for (const logStreamName of streams) await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
}

async function put(client: CloudWatchLogsClient, logGroupName: string, logStreamName: string, messages: string[]) {
  const timestamp = Date.now();
  const logEvents = messages.map((message) => ({ timestamp, message }));
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
}

async function subscribe(request: Partial<PutSubscriptionFilterRequest>, client = logs) {
  await client.send(
    new PutSubscriptionFilterCommand({
      filterName: 'f',
      filterPattern: '',
      ...request,
    } as PutSubscriptionFilterRequest),
  );
}

/** Waits until the receiver has `count` events, and gives all it has. */
async function eventually(receiver: Receiver, count: number): Promise<Received[]> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const received = receiver.received();
    if (received.reduce((sum, { logEvents }) => sum + logEvents.length, 0) >= count) return received;
    await sleep(50);
  }
  throw new Error(`only ${JSON.stringify(receiver.received())} came`);
}

async function sum(MetricName: string, dimensions: Record<string, string>): Promise<number> {
  const { Datapoints } = await new CloudWatchClient(clientConfig(brume)).send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/Logs',
      MetricName,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      Period: 3600,
      StartTime: new Date(Date.now() - 2 * 3_600_000),
      EndTime: new Date(Date.now() + 3_600_000),
      Statistics: ['Sum'],
    }),
  );
  return Datapoints!.reduce((total, point) => total + point.Sum!, 0);
}

test('applyOnTransformedLogs: the filter sees transformed versions and passes them on, with the ids of their events', async () => {
  await createStream(logs, 'transformed', 's');
  const transformerConfig = [{ parseKeyValue: { fieldDelimiter: ' ' } }, { addKeys: { entries: [TEAM] } }];
  await logs.send(new PutTransformerCommand({ logGroupIdentifier: 'transformed', transformerConfig }));
  const [transformed, plain] = [await createReceiver(lambda, 'transformed'), await createReceiver(lambda, 'plain')];
  for (const [filterName, { arn }, applyOnTransformedLogs] of [
    ['transformed', transformed, true],
    ['plain', plain, false],
  ] as const) {
    const filterPattern = applyOnTransformedLogs ? '{ $.team = "data" && $.n != "1" }' : '';
    const request = { logGroupName: 'transformed', filterName, filterPattern, destinationArn: arn };
    await subscribe({ ...request, applyOnTransformedLogs });
  }
  const described = await logs.send(new DescribeSubscriptionFiltersCommand({ logGroupName: 'transformed' }));
  assert.deepEqual(
    described.subscriptionFilters!.map((filter) => [filter.filterName, filter.applyOnTransformedLogs]),
    [
      ['plain', false],
      ['transformed', true],
    ],
  );
  await put(logs, 'transformed', 's', ['n=1', 'n=2', 'n=3']);
  const messages = (received: Received[]) => received.flatMap(({ logEvents }) => logEvents);
  const ofTransformed = messages(await eventually(transformed, 2));
  const ofPlain = messages(await eventually(plain, 3));
  assert.deepEqual(
    ofTransformed.map(({ message }) => JSON.parse(message)),
    [
      { n: '2', team: 'data' },
      { n: '3', team: 'data' },
    ],
  );
  assert.deepEqual(
    ofTransformed.map(({ id }) => id),
    ofPlain.slice(1).map(({ id }) => id),
  );
  assert.deepEqual(
    ofPlain.map(({ message }) => message),
    ['n=1', 'n=2', 'n=3'],
  );
});

test('a function gets what matches, in the order it was put, with the ids that FilterLogEvents gives', async () => {
  const receiver = await createReceiver(lambda, 'receiver');
  await createStream(logs, 'app', 's');
  await put(logs, 'app', 's', ['ERROR before the subscription']);
  await subscribe({ logGroupName: 'app', filterName: 'errors', filterPattern: 'ERROR', destinationArn: receiver.arn });
  await put(logs, 'app', 's', ['ERROR 1', 'INFO', 'ERROR 2']);
  await put(logs, 'app', 's', ['INFO', 'ERROR 3']);
  const received = await eventually(receiver, 3);
  for (const { logEvents: _, ...envelope } of received) {
    assert.deepEqual(envelope, {
      messageType: 'DATA_MESSAGE',
      owner: ACCOUNT,
      logGroup: 'app',
      logStream: 's',
      subscriptionFilters: ['errors'],
    });
  }
  const got = received.flatMap(({ logEvents }) => logEvents).sort((a, b) => (a.id < b.id ? -1 : 1));
  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName: 'app', filterPattern: 'ERROR' }));
  assert.deepEqual(
    got,
    events!.slice(1).map(({ eventId: id, timestamp, message }) => ({ id, timestamp, message })),
  );
  assert.match(got[0]!.id, /^\d{56}$/);
  const dimensions = { LogGroupName: 'app', DestinationType: 'Lambda', FilterName: 'errors' };
  assert.equal(await sum('ForwardedLogEvents', dimensions), 3);
  assert.ok((await sum('ForwardedBytes', { LogGroupName: 'app' })) > 0);
});

test('what a space-delimited pattern names, and the system fields, come with each event', async () => {
  const receiver = await createReceiver(lambda, 'fields');
  await createStream(logs, 'access', 's');
  await subscribe({
    logGroupName: 'access',
    filterPattern: '[ip, user, ..., status = 4*, bytes]',
    destinationArn: receiver.arn,
    emitSystemFields: ['@aws.account', '@aws.region', '@source.log'],
  });
  await put(logs, 'access', 's', ['10.0.0.1 ann "GET /" 200 10', '10.0.0.2 bob "GET /x" 404 20']);
  const [record] = await eventually(receiver, 1);
  const fields = record!.logEvents[0]!.extractedFields!;
  assert.deepEqual(
    [
      fields.ip,
      fields.user,
      fields.status,
      fields.bytes,
      fields['@aws.account'],
      fields['@aws.region'],
      fields['@source.log'],
    ],
    ['10.0.0.2', 'bob', '404', '20', ACCOUNT, REGION, 'access'],
  );
});

test('field selection criteria that leave out the account match nothing', async () => {
  const receiver = await createReceiver(lambda, 'selected');
  await createStream(logs, 'selected', 's');
  const filter = { logGroupName: 'selected', destinationArn: receiver.arn };
  await subscribe({ ...filter, filterName: 'no', fieldSelectionCriteria: '@aws.account = "111111111111"' });
  await subscribe({ ...filter, filterName: 'yes', fieldSelectionCriteria: `@aws.region IN ["${REGION}"]` });
  await put(logs, 'selected', 's', ['one']);
  const received = await eventually(receiver, 1);
  assert.deepEqual(
    received.map(({ subscriptionFilters }) => subscriptionFilters),
    [['yes']],
  );
});

test('large batches go in several deliveries, each stream in its order', async () => {
  const receiver = await createReceiver(lambda, 'many');
  await createStream(logs, 'many', 'a', 'b');
  await subscribe({ logGroupName: 'many', destinationArn: receiver.arn });
  const message = (i: number) => `${String(i).padStart(5, '0')} ${'x'.repeat(1000)}`;
  for (let i = 0; i < 4; i++) {
    for (const stream of ['a', 'b']) {
      await put(
        logs,
        'many',
        stream,
        Array.from({ length: 500 }, (_, n) => message(i * 500 + n)),
      );
    }
  }
  const received = await eventually(receiver, 4000);
  for (const stream of ['a', 'b']) {
    const ofStream = received.filter(({ logStream }) => logStream === stream);
    const firsts = ofStream.map(({ logEvents }) => logEvents[0]!.id);
    const inOrder = ofStream.sort((x, y) => (x.logEvents[0]!.id < y.logEvents[0]!.id ? -1 : 1));
    assert.ok(firsts.length > 1);
    assert.deepEqual(
      inOrder.flatMap(({ logEvents }) => logEvents.map((event) => event.message.slice(0, 5))),
      Array.from({ length: 2000 }, (_, n) => String(n).padStart(5, '0')),
    );
  }
});

test('filters are listed, replaced and deleted; a deleted one gets nothing more', async () => {
  const receiver = await createReceiver(lambda, 'listed');
  await createStream(logs, 'listed', 's');
  const filter = { logGroupName: 'listed', destinationArn: receiver.arn };
  await subscribe({ ...filter, filterName: 'b', filterPattern: 'x' });
  await subscribe({ ...filter, filterName: 'a', filterPattern: 'old' });
  await subscribe({ ...filter, filterName: 'a', filterPattern: 'new' });
  const { subscriptionFilters } = await logs.send(new DescribeSubscriptionFiltersCommand({ logGroupName: 'listed' }));
  assert.deepEqual(
    subscriptionFilters!.map(({ filterName, filterPattern, distribution }) => [
      filterName,
      filterPattern,
      distribution,
    ]),
    [
      ['a', 'new', 'ByLogStream'],
      ['b', 'x', 'ByLogStream'],
    ],
  );
  await assert.rejects(subscribe({ ...filter, filterName: 'c' }), {
    name: 'LimitExceededException',
    message: 'Resource limit exceeded.',
  });
  await logs.send(new DeleteSubscriptionFilterCommand({ logGroupName: 'listed', filterName: 'b' }));
  await assert.rejects(logs.send(new DeleteSubscriptionFilterCommand({ logGroupName: 'listed', filterName: 'b' })), {
    name: 'ResourceNotFoundException',
    message: 'The specified subscription filter does not exist.',
  });
  await put(logs, 'listed', 's', ['x', 'old', 'new']);
  const received = await eventually(receiver, 1);
  assert.deepEqual(
    received.map(({ logEvents }) => logEvents.map(({ message }) => message)),
    [['new']],
  );
});

test('what cannot be reached is refused in the words of AWS', async () => {
  await createReceiver(lambda, 'forbidden', false);
  await createReceiver(lambda, 'elsewhere', false);
  await permit(lambda, 'elsewhere', { SourceArn: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:other:*` });
  await createReceiver(lambda, 'regional', false);
  await permit(lambda, 'regional', { Principal: `logs.${REGION}.amazonaws.com` });
  await createReceiver(lambda, 'own');
  await createStream(logs, 'refusals');
  await createStream(logs, '/aws/lambda/own');
  const functionArn = (name: string) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
  const execution =
    'Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.';
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/r`;
  const cases: [Partial<PutSubscriptionFilterRequest>, string, RegExp | string][] = [
    [{ destinationArn: functionArn('missing') }, 'InvalidParameterException', execution],
    [{ destinationArn: functionArn('forbidden') }, 'InvalidParameterException', execution],
    [{ destinationArn: functionArn('elsewhere') }, 'InvalidParameterException', execution],
    [
      { destinationArn: functionArn('own'), roleArn },
      'InvalidParameterException',
      'destinationArn for vendor lambda cannot be used with roleArn',
    ],
    [
      { logGroupName: '/aws/lambda/own', destinationArn: functionArn('own') },
      'InvalidParameterException',
      'The log group provided is reserved for the function log of the destination function.',
    ],
    [
      { destinationArn: `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/s`, roleArn },
      'InvalidParameterException',
      /^Could not deliver test message to specified Kinesis stream/,
    ],
    [
      { destinationArn: `arn:aws:firehose:${REGION}:${ACCOUNT}:deliverystream/s`, roleArn },
      'InvalidParameterException',
      /^Could not deliver test message to specified Firehose stream/,
    ],
    [
      { destinationArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:q` },
      'InvalidParameterException',
      'PutSubscriptionFilter operation cannot work with destinationArn for vendor sqs',
    ],
    [{ destinationArn: 'nonsense' }, 'InvalidParameterException', /Invalid destinationArn/],
    [
      { destinationArn: `arn:aws:logs:${REGION}:${ACCOUNT}:destination:none` },
      'ResourceNotFoundException',
      'The specified destination does not exist.',
    ],
    [{ destinationArn: functionArn('own'), logGroupName: 'none' }, 'ResourceNotFoundException', /log group/],
    [{ destinationArn: functionArn('own'), filterPattern: '{ $.a' }, 'InvalidParameterException', /must end with/],
    [{ destinationArn: functionArn('own'), filterName: 'a:b' }, 'InvalidParameterException', /filterName/],
    [
      { destinationArn: functionArn('own'), fieldSelectionCriteria: '@aws.zone = "a"' },
      'InvalidParameterException',
      'The provided field selection criteria is invalid',
    ],
    [
      { destinationArn: functionArn('own'), emitSystemFields: ['@aws.zone'] },
      'InvalidParameterException',
      'The provided system fields are invalid. The supported system fields are - [@aws.region, @aws.account, @source.log]',
    ],
  ];
  for (const [request, name, message] of cases) {
    await assert.rejects(
      subscribe({ logGroupName: 'refusals', ...request }),
      { name, message },
      JSON.stringify(request),
    );
  }
  await subscribe({ logGroupName: 'refusals', destinationArn: functionArn('regional') });
});

test('a destination stands for its target and says so with a control message', async () => {
  const receiver = await createReceiver(lambda, 'behind');
  const roleArn = `arn:aws:iam::${ACCOUNT}:role/r`;
  const destination = { destinationName: 'd', targetArn: receiver.arn, roleArn };
  const { destination: made } = await logs.send(new PutDestinationCommand(destination));
  assert.equal(made!.arn, `arn:aws:logs:${REGION}:${ACCOUNT}:destination:d`);
  const accessPolicy = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'logs:PutSubscriptionFilter', Resource: made!.arn },
    ],
  });
  await logs.send(new PutDestinationPolicyCommand({ destinationName: 'd', accessPolicy }));
  const { destinations } = await logs.send(new DescribeDestinationsCommand({ DestinationNamePrefix: 'd' }));
  assert.deepEqual(destinations, [{ ...made, accessPolicy }]);
  for (const policy of ['{', '{}', '{"Statement":[{"Effect":"Maybe"}]}']) {
    await assert.rejects(logs.send(new PutDestinationPolicyCommand({ destinationName: 'd', accessPolicy: policy })), {
      name: 'InvalidParameterException',
      message: /^Invalid accessPolicy/,
    });
  }
  const stream = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/s`;
  await assert.rejects(logs.send(new PutDestinationCommand({ ...destination, targetArn: stream })), {
    message: /^Could not deliver test message to specified Kinesis stream/,
  });

  await createStream(logs, 'shared', 's');
  await subscribe({ logGroupName: 'shared', destinationArn: made!.arn! });
  await put(logs, 'shared', 's', ['one']);
  const received = await eventually(receiver, 2);
  const control = received.find(({ messageType }) => messageType === 'CONTROL_MESSAGE')!;
  assert.deepEqual([control.owner, control.logGroup, control.logEvents.length], ['CloudwatchLogs', '', 1]);
  const data = received.find(({ messageType }) => messageType === 'DATA_MESSAGE')!;
  assert.deepEqual([data.logGroup, data.logEvents[0]!.message], ['shared', 'one']);
  await logs.send(new DeleteDestinationCommand({ destinationName: 'd' }));
  await assert.rejects(logs.send(new DeleteDestinationCommand({ destinationName: 'd' })), {
    name: 'ResourceNotFoundException',
  });
});

test('an account policy subscribes the groups that it selects, those to come too, and never the function to itself', async () => {
  const receiver = await createReceiver(lambda, 'account');
  await createStream(logs, 'selected-1', 's');
  await createStream(logs, 'left-out', 's');
  const document = { DestinationArn: receiver.arn, FilterPattern: 'wanted', Distribution: 'Random' };
  const policy = {
    policyName: 'all',
    policyType: 'SUBSCRIPTION_FILTER_POLICY' as const,
    policyDocument: JSON.stringify(document),
    selectionCriteria: 'LogGroupName NOT IN ["left-out"]',
  };
  const { accountPolicy } = await logs.send(new PutAccountPolicyCommand(policy));
  assert.deepEqual(
    { ...accountPolicy, lastUpdatedTime: 0 },
    { ...policy, scope: 'ALL', accountId: ACCOUNT, lastUpdatedTime: 0 },
  );
  await createStream(logs, 'selected-2', 's');
  await createStream(logs, '/aws/lambda/account', 's');
  for (const group of ['selected-1', 'left-out', '/aws/lambda/account', 'selected-2']) {
    await put(logs, group, 's', ['wanted', 'not']);
  }
  const received = await eventually(receiver, 2);
  assert.deepEqual(received.map(({ logGroup, subscriptionFilters }) => [logGroup, ...subscriptionFilters]).sort(), [
    ['selected-1', 'all'],
    ['selected-2', 'all'],
  ]);
  assert.equal(await sum('ForwardedLogEvents', { LogGroupName: '/aws/lambda/account' }), 0);
  const { accountPolicies } = await logs.send(new DescribeAccountPoliciesCommand({ policyType: policy.policyType }));
  assert.deepEqual(accountPolicies, [accountPolicy]);
  await assert.rejects(logs.send(new PutAccountPolicyCommand({ ...policy, policyName: 'second' })), {
    name: 'LimitExceededException',
  });
  const faults: [object, RegExp][] = [
    [{ policyDocument: '{' }, /not JSON/],
    [{ policyDocument: '{}' }, /expected a DestinationArn/],
    [{ policyDocument: JSON.stringify({ ...document, Else: 1 }) }, /unknown property Else/],
    [{ policyDocument: JSON.stringify({ ...document, FilterPattern: '{' }) }, /must end with/],
    [{ policyDocument: JSON.stringify({ ...document, DestinationArn: `${receiver.arn}x` }) }, /^Could not execute/],
    [{ selectionCriteria: 'LogGroupName LIKE "a"' }, /position 14/],
    [{ selectionCriteria: 'LogGroupName IN ["a"]' }, /the only supported form is LogGroupName NOT IN/],
    [{ selectionCriteria: 'LogGroupNamePrefix NOT IN ["a"]' }, /unknown field 'LogGroupNamePrefix'/],
    [
      { policyDocument: JSON.stringify({ ...document, DestinationArn: `arn:aws:sqs:${REGION}:${ACCOUNT}:q` }) },
      /vendor sqs/,
    ],
    [{ policyName: 'aws/x' }, /cannot start with aws/],
  ];
  for (const [change, message] of faults) {
    await assert.rejects(logs.send(new PutAccountPolicyCommand({ ...policy, ...change })), {
      name: 'InvalidParameterException',
      message,
    });
  }
  const name = { policyName: 'all', policyType: policy.policyType };
  await logs.send(new DeleteAccountPolicyCommand(name));
  await assert.rejects(logs.send(new DeleteAccountPolicyCommand(name)), { name: 'ResourceNotFoundException' });
  await put(logs, 'selected-1', 's', ['wanted no more']);
  await sleep(200);
  assert.equal(receiver.received().length, received.length);
});

test('resource policies are kept by name, and for a group by revision', async () => {
  const policyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { Service: 'route53.amazonaws.com' }, Action: 'logs:PutLogEvents', Resource: '*' },
    ],
  });
  for (let i = 9; i >= 0; i--) {
    await logs.send(new PutResourcePolicyCommand({ policyName: `p${i}`, policyDocument }));
  }
  await assert.rejects(logs.send(new PutResourcePolicyCommand({ policyName: 'p10', policyDocument })), {
    name: 'LimitExceededException',
  });
  await logs.send(new PutResourcePolicyCommand({ policyName: 'p0', policyDocument }));
  const { resourcePolicies } = await logs.send(new DescribeResourcePoliciesCommand({}));
  assert.deepEqual(
    resourcePolicies!.map(({ policyName }) => policyName),
    Array.from({ length: 10 }, (_, i) => `p${i}`),
  );
  const given =
    '{"Statement":[{"Action":"logs:*","Effect":"Allow","Principal":{"Service": ["route53.amazonaws.com"]},"Resource":"*"}]}';
  const put = await logs.send(new PutResourcePolicyCommand({ policyName: 'p0', policyDocument: given }));
  assert.equal(put.resourcePolicy!.policyDocument, given);
  const listed = await logs.send(new DescribeResourcePoliciesCommand({ limit: 1 }));
  assert.equal(
    listed.resourcePolicies![0]!.policyDocument,
    '{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"route53.amazonaws.com"},"Action":"logs:*","Resource":"*"}]}',
  );
  await logs.send(new DeleteResourcePolicyCommand({ policyName: 'p0' }));
  await assert.rejects(logs.send(new DeleteResourcePolicyCommand({ policyName: 'p0' })), {
    name: 'ResourceNotFoundException',
    message: 'Policy with name [p0] does not exist.',
  });
  await assert.rejects(
    logs.send(new PutResourcePolicyCommand({ policyName: 'bad', policyDocument: '{"Statement":1}' })),
    {
      name: 'InvalidParameterException',
    },
  );

  await createStream(logs, 'guarded');
  const resourceArn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:guarded`;
  const { revisionId } = await logs.send(new PutResourcePolicyCommand({ resourceArn, policyDocument }));
  await assert.rejects(logs.send(new PutResourcePolicyCommand({ resourceArn, policyDocument })), {
    name: 'OperationAbortedException',
  });
  const of = await logs.send(new DescribeResourcePoliciesCommand({ resourceArn, policyScope: 'RESOURCE' }));
  assert.deepEqual(
    of.resourcePolicies!.map((policy) => [policy.resourceArn, policy.policyScope, policy.revisionId]),
    [[resourceArn, 'RESOURCE', revisionId]],
  );
  await logs.send(new DeleteResourcePolicyCommand({ resourceArn, expectedRevisionId: revisionId! }));
  const after = await logs.send(new DescribeResourcePoliciesCommand({ resourceArn, policyScope: 'RESOURCE' }));
  assert.deepEqual(after.resourcePolicies, []);
});

test('ingestion does not care whether its subscriber is there; errors are counted', async () => {
  const receiver = await createReceiver(lambda, 'gone');
  await createStream(logs, 'lonely', 's');
  await subscribe({ logGroupName: 'lonely', destinationArn: receiver.arn });
  await lambda.send(new RemovePermissionCommand({ FunctionName: 'gone', StatementId: 'logs' }));
  await put(logs, 'lonely', 's', ['refused', 'too']);
  const dimensions = { LogGroupName: 'lonely', DestinationType: 'Lambda', FilterName: 'f' };
  for (let attempt = 0; (await sum('DeliveryErrors', dimensions)) < 2 && attempt < 50; attempt++) await sleep(50);
  assert.equal(await sum('DeliveryErrors', dimensions), 2);
  await lambda.send(new DeleteFunctionCommand({ FunctionName: 'gone' }));
  await put(logs, 'lonely', 's', ['skipped']);
  assert.deepEqual(receiver.received(), []);
});

test('a reset forgets subscriptions; new ones work as before', async () => {
  const response = await fetch(`${brume.endpoint}/_brume/reset`, { method: 'POST' });
  assert.equal(response.status, 200);
  const receiver = await createReceiver(lambda, 'fresh');
  await createStream(logs, 'listed', 's');
  const { subscriptionFilters } = await logs.send(new DescribeSubscriptionFiltersCommand({ logGroupName: 'listed' }));
  assert.deepEqual(subscriptionFilters, []);
  await put(logs, 'listed', 's', ['before']);
  await subscribe({ logGroupName: 'listed', destinationArn: receiver.arn });
  await put(logs, 'listed', 's', ['after']);
  const received = await eventually(receiver, 1);
  assert.deepEqual(
    received.flatMap(({ logEvents }) => logEvents.map(({ message }) => message)),
    ['after'],
  );
});

test('kill -9 loses no event that was acknowledged', { timeout: 120_000 }, async () => {
  const dataDir = temporaryDirectory();
  const acknowledged: string[] = [];
  let receiver: Receiver | undefined;
  let next = 0;
  for (let round = 0; round < 3; round++) {
    const doomed = await spawnBrume(dataDir, PLAIN);
    const client = new CloudWatchLogsClient(clientConfig(doomed));
    if (!receiver) {
      receiver = await createReceiver(new LambdaClient(clientConfig(doomed)), 'survivor');
      await createStream(client, 'g', 'a', 'b');
      await subscribe(
        { logGroupName: 'g', filterPattern: '{ $.wanted IS TRUE }', destinationArn: receiver.arn },
        client,
      );
    }
    let alive = true;
    const writing = ['a', 'b'].map(async (stream) => {
      while (alive) {
        const messages = Array.from({ length: 5 }, () => {
          const n = next++;
          return JSON.stringify({ n, wanted: n % 2 === 0 });
        });
        try {
          await put(client, 'g', stream, messages);
          acknowledged.push(...messages.filter((message) => JSON.parse(message).wanted));
        } catch {
          return;
        }
      }
    });
    await sleep(900 + round * 300);
    await doomed.kill();
    alive = false;
    await Promise.all(writing);
  }
  const survivor = await spawnBrume(dataDir, PLAIN);
  const missing = () => {
    const messages = new Set(receiver!.received().flatMap(({ logEvents }) => logEvents.map(({ message }) => message)));
    return acknowledged.filter((message) => !messages.has(message));
  };
  for (let attempt = 0; missing().length > 0 && attempt < 300; attempt++) await sleep(100);
  const received = receiver!.received().flatMap(({ logEvents }) => logEvents);
  const distinct = new Set(received.map(({ message }) => message));
  console.log(`${acknowledged.length} acknowledged, ${received.length} received, ${distinct.size} distinct`);
  assert.equal(missing().length, 0, `lost: ${missing().slice(0, 5)}`);
  assert.ok(acknowledged.length > 50);
  assert.ok([...distinct].every((message) => JSON.parse(message).wanted));

  // After a clean end nothing is delivered again.
  await sleep(500);
  await survivor.stop();
  const before = receiver!.received().length;
  const last = await spawnBrume(dataDir, PLAIN);
  await put(new CloudWatchLogsClient(clientConfig(last)), 'g', 'a', [JSON.stringify({ n: -1, wanted: true })]);
  for (let attempt = 0; receiver!.received().length === before && attempt < 100; attempt++) await sleep(50);
  assert.equal(receiver!.received().length, before + 1);
  await last.stop();
});
