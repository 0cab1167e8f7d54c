// Account policies and what log groups inherit from them, against a whole server with the official client.

import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteAccountPolicyCommand,
  DeleteDataProtectionPolicyCommand,
  DescribeAccountPoliciesCommand,
  DescribeFieldIndexesCommand,
  DescribeIndexPoliciesCommand,
  DescribeLogGroupsCommand,
  GetLogEventsCommand,
  type PolicyType,
  PutAccountPolicyCommand,
  PutDataProtectionPolicyCommand,
  PutIndexPolicyCommand,
  PutLogEventsCommand,
  PutMetricFilterCommand,
  PutTransformerCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, spawnBrume, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume();
const logs = new CloudWatchLogsClient(clientConfig(brume));
const metrics = new CloudWatchClient(clientConfig(brume));

async function group(logGroupName: string, client = logs): Promise<string> {
  await client.send(new CreateLogGroupCommand({ logGroupName }));
  await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  return logGroupName;
}

async function put(logGroupName: string, message: string, client = logs): Promise<void> {
  const logEvents = [{ message, timestamp: Date.now() }];
  await client.send(new PutLogEventsCommand({ logGroupName, logStreamName: 's', logEvents }));
}

async function messages(logGroupName: string, client = logs): Promise<string[]> {
  const read = new GetLogEventsCommand({ logGroupName, logStreamName: 's', startFromHead: true });
  const { events } = await client.send(read);
  return events!.map(({ message }) => message!);
}

interface Policy {
  type: PolicyType;
  name?: string;
  document: unknown;
  criteria?: string;
}

function putPolicy({ type, name = 'policy', document, criteria }: Policy, client = logs) {
  return client.send(
    new PutAccountPolicyCommand({
      policyName: name,
      policyType: type,
      policyDocument: typeof document === 'string' ? document : JSON.stringify(document),
      ...(criteria && { selectionCriteria: criteria }),
    }),
  );
}

function deletePolicy(policyType: PolicyType, policyName = 'policy') {
  return logs.send(new DeleteAccountPolicyCommand({ policyName, policyType }));
}

async function sumOf(Namespace: string, MetricName: string): Promise<number> {
  const { Datapoints } = await metrics.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName,
      StartTime: new Date(Date.now() - 3_600_000),
      EndTime: new Date(Date.now() + 3_600_000),
      Period: 86_400,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints!.reduce((sum, { Sum }) => sum + Sum!, 0);
}

const protection = (identifier: string) => ({
  Name: 'protection',
  Version: '2021-06-01',
  Statement: [
    {
      Sid: 'audit',
      DataIdentifier: [`arn:aws:dataprotection::aws:data-identifier/${identifier}`],
      Operation: { Audit: { FindingsDestination: {} } },
    },
    {
      Sid: 'mask',
      DataIdentifier: [`arn:aws:dataprotection::aws:data-identifier/${identifier}`],
      Operation: { Deidentify: { MaskConfig: {} } },
    },
  ],
});
const PARSE_JSON = [{ parseJSON: {} }, { addKeys: { entries: [{ key: 'team', value: 'account' }] } }];

test('data protection holds for all groups, beside their own, from then on', async () => {
  const early = await group('protected/early');
  await put(early, 'mail a@example.com');
  await putPolicy({ type: 'DATA_PROTECTION_POLICY', document: protection('EmailAddress') });
  const late = await group('protected/late');
  for (const name of [early, late]) await put(name, 'mail b@example.com from 10.1.2.3');
  assert.deepEqual(await messages(early), ['mail a@example.com', 'mail ************* from 10.1.2.3']);
  assert.deepEqual(await messages(late), ['mail ************* from 10.1.2.3']);
  const own = { logGroupIdentifier: late, policyDocument: JSON.stringify(protection('IpAddress')) };
  await logs.send(new PutDataProtectionPolicyCommand(own));
  await put(late, 'mail b@example.com from 10.1.2.3');
  assert.equal((await messages(late))[1], 'mail ************* from ********');
  const described = async () => {
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: 'protected/' }));
    return logGroups!.map((found) => [found.inheritedProperties, found.dataProtectionStatus]);
  };
  assert.deepEqual(await described(), [
    [['ACCOUNT_DATA_PROTECTION'], undefined],
    [['ACCOUNT_DATA_PROTECTION'], 'ACTIVATED'],
  ]);
  await deletePolicy('DATA_PROTECTION_POLICY');
  await logs.send(new DeleteDataProtectionPolicyCommand({ logGroupIdentifier: late }));
  assert.deepEqual(await described(), [
    [undefined, undefined],
    [undefined, 'DELETED'],
  ]);
  assert.equal((await messages(late))[1], 'mail b@example.com from 10.1.2.3');
});

test('a transformer for groups by their prefix; a group of its own goes before it', async () => {
  const policy: Policy = {
    type: 'TRANSFORMER_POLICY',
    document: PARSE_JSON,
    criteria: 'LogGroupNamePrefix IN ["transformed/"]',
  };
  await putPolicy(policy);
  const names = [await group('transformed/plain'), await group('transformed/own'), await group('other')];
  await logs.send(
    new PutTransformerCommand({
      logGroupIdentifier: 'transformed/own',
      transformerConfig: [{ parseJSON: {} }, { addKeys: { entries: [{ key: 'team', value: 'own' }] } }],
    }),
  );
  for (const [i, logGroupName] of names.entries()) {
    await logs.send(
      new PutMetricFilterCommand({
        logGroupName,
        filterName: 'account',
        filterPattern: '{ $.team = "account" }',
        applyOnTransformedLogs: true,
        metricTransformations: [{ metricNamespace: 'policies', metricName: `account${i}`, metricValue: '1' }],
      }),
    );
    await put(logGroupName, '{"a":1}');
  }
  const sums = await Promise.all(names.map((_, i) => sumOf('policies', `account${i}`)));
  assert.deepEqual(sums, [1, 0, 0]);
  const overlapping = { ...policy, name: 'second', criteria: 'LogGroupNamePrefix IN ["transformed/plain"]' };
  for (const refused of [
    overlapping,
    { ...policy, name: 'all', criteria: undefined },
    { ...policy, criteria: 'LogGroupName IN ["a"]' },
    { ...policy, criteria: 'LogGroupNamePrefix NOT IN ["a"]' },
    { ...policy, document: { parseJSON: {} } },
    { ...policy, document: [] },
    { ...policy, document: 'x' },
  ]) {
    await assert.rejects(putPolicy(refused as Policy), { name: 'InvalidParameterException' }, JSON.stringify(refused));
  }
  await putPolicy({ ...policy, name: 'second', criteria: 'LogGroupNamePrefix IN ["elsewhere"]' });
  const { accountPolicies } = await logs.send(new DescribeAccountPoliciesCommand({ policyType: 'TRANSFORMER_POLICY' }));
  assert.deepEqual(
    accountPolicies!.map(({ policyName, selectionCriteria }) => [policyName, selectionCriteria]),
    [
      ['policy', policy.criteria],
      ['second', 'LogGroupNamePrefix IN ["elsewhere"]'],
    ],
  );
  await deletePolicy('TRANSFORMER_POLICY');
  await put(names[0]!, '{"a":1}');
  assert.equal(await sumOf('policies', 'account0'), 1);
});

test('field indexes of an account stand where a group has none of its own', async () => {
  const name = await group('indexed/a');
  await putPolicy({
    type: 'FIELD_INDEX_POLICY',
    document: { Fields: ['requestId'] },
    criteria: 'LogGroupNamePrefix IN ["indexed"]',
  });
  await putPolicy({
    type: 'FIELD_INDEX_POLICY',
    name: 'of a source',
    document: { FieldsV2: { action: { type: 'FACET' } } },
    criteria: 'DataSourceName = "n" AND DataSourceType = "t"',
  });
  const of = { logGroupIdentifiers: [name] };
  const policies = async () => {
    const { indexPolicies } = await logs.send(new DescribeIndexPoliciesCommand(of));
    return indexPolicies!.map(({ source, policyName }) => [source, policyName]);
  };
  const fields = async () => {
    const { fieldIndexes } = await logs.send(new DescribeFieldIndexesCommand(of));
    return fieldIndexes!
      .map(({ fieldIndexName }) => fieldIndexName!)
      .filter((field) => /^(requestId|own|action)$/.test(field));
  };
  assert.deepEqual(await policies(), [['ACCOUNT', 'policy']]);
  assert.deepEqual(await fields(), ['requestId']);
  await logs.send(new PutIndexPolicyCommand({ logGroupIdentifier: name, policyDocument: '{"Fields":["own"]}' }));
  assert.deepEqual(await policies(), [['LOG_GROUP', undefined]]);
  assert.deepEqual(await fields(), ['own']);
  await assert.rejects(
    putPolicy({
      type: 'FIELD_INDEX_POLICY',
      name: 'again',
      document: { Fields: ['x'] },
      criteria: 'DataSourceName = "n" AND DataSourceType = "t"',
    }),
    { name: 'InvalidParameterException' },
  );
});

test('embedded metrics are left alone where a policy says so', async () => {
  const embedded = (name: string) =>
    JSON.stringify({
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [{ Namespace: 'emf', Dimensions: [[]], Metrics: [{ Name: name }] }],
      },
      [name]: 1,
    });
  const policy: Policy = {
    type: 'METRIC_EXTRACTION_POLICY',
    document: { EmbeddedMetricFormat: { Status: 'Disabled' } },
    criteria: 'LogGroupNamePrefix NOT IN ["emf/kept"]',
  };
  await putPolicy(policy);
  await put(await group('emf/kept/1'), embedded('kept'));
  await put(await group('emf/other'), embedded('other'));
  assert.deepEqual([await sumOf('emf', 'kept'), await sumOf('emf', 'other')], [1, 0]);
  for (const [criteria, name] of [
    ['LogGroupNamePrefix IN ["emf/k"]', 'wider than what is left out'],
    ['LogGroupNamePrefix NOT IN ["x"]', 'a second NOT IN'],
    [undefined, 'everything'],
    ['LogGroupArn IN ["x"]', 'another field'],
  ] as const) {
    await assert.rejects(
      putPolicy({ ...policy, name, criteria: criteria! }),
      { name: 'InvalidParameterException' },
      name,
    );
  }
  await putPolicy({ ...policy, name: 'within', criteria: 'LogGroupName IN ["emf/kept/2"]' });
  await put(await group('emf/kept/2'), embedded('within'));
  assert.equal(await sumOf('emf', 'within'), 0);
  await assert.rejects(putPolicy({ ...policy, document: {} }), { name: 'InvalidParameterException' });
});

test('policies survive kill -9, and hold from the first event after it', async () => {
  const data = await temporaryDirectory();
  const first = await spawnBrume(data);
  const before = new CloudWatchLogsClient(clientConfig(first));
  await putPolicy({ type: 'DATA_PROTECTION_POLICY', document: protection('EmailAddress') }, before);
  const name = await group('kept', before);
  await put(name, 'mail a@example.com', before);
  await first.kill();
  const second = await spawnBrume(data);
  after(() => second.stop());
  const client = new CloudWatchLogsClient(clientConfig(second));
  await put(name, 'mail b@example.com', client);
  assert.deepEqual(await messages(name, client), ['mail *************', 'mail *************']);
});
