// Every resource that CloudWatch Logs keeps: made, then kill -9, and a Brume that is started on the same data gives the same
// answer about it. What was deleted before stays away.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { ACCOUNT, type BrumeProcess, clientConfig, REGION, spawnBrume, temporaryDirectory } from '#test/harness.ts';
import { zipOf } from '#test/lambda-zip.ts';

type Call = (operation: string, input: object) => Promise<any>;

const GROUP = 'group';
const STREAM = { logGroupName: GROUP, logStreamName: 'stream' };
const GROUP_ARN = arn('log-group:group');
const ROLE = `arn:aws:iam::${ACCOUNT}:role/role`;
const FUNCTION_ARN = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:subscriber`;
const KEY = `arn:aws:kms:${REGION}:${ACCOUNT}:key/k`;
const TAGS = { team: 'data' };

function arn(resource: string): string {
  return `arn:aws:logs:${REGION}:${ACCOUNT}:${resource}`;
}

function allow(Action: string, Resource = '*'): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Sid: 's', Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action, Resource }],
  });
}

function protection(): string {
  const DataIdentifier = ['arn:aws:dataprotection::aws:data-identifier/EmailAddress'];
  return JSON.stringify({
    Name: 'policy',
    Version: '2021-06-01',
    Statement: [
      { Sid: 'a', DataIdentifier, Operation: { Audit: { FindingsDestination: {} } } },
      { Sid: 'b', DataIdentifier, Operation: { Deidentify: { MaskConfig: {} } } },
    ],
  });
}

const ACCOUNT_POLICIES: Record<string, object> = {
  DATA_PROTECTION_POLICY: { policyDocument: protection() },
  FIELD_INDEX_POLICY: { policyDocument: '{"Fields":["b"]}' },
  TRANSFORMER_POLICY: {
    policyDocument: '[{"parseJSON":{}}]',
    selectionCriteria: 'LogGroupNamePrefix IN ["elsewhere"]',
  },
  METRIC_EXTRACTION_POLICY: { policyDocument: '{"EmbeddedMetricFormat":{"Status":"Disabled"}}' },
  SUBSCRIPTION_FILTER_POLICY: {
    policyDocument: JSON.stringify({ DestinationArn: FUNCTION_ARN, FilterPattern: 'x', Distribution: 'Random' }),
    selectionCriteria: 'LogGroupName NOT IN ["group"]',
  },
};

interface Resource {
  /** What makes it, with the input of what tells of it afterwards: the latter may need what the former gave. */
  make(call: Call): Promise<[operation: string, input: object]>;
  /** What the description must have, so that an empty answer twice is no success. */
  has: RegExp;
}

const RESOURCES: Record<string, Resource> = {
  'log group': {
    async make(call) {
      await call('CreateLogGroup', {
        logGroupName: 'full',
        kmsKeyId: KEY,
        tags: TAGS,
        deletionProtectionEnabled: true,
      });
      await call('PutRetentionPolicy', { logGroupName: 'full', retentionInDays: 7 });
      await call('PutBearerTokenAuthentication', {
        logGroupIdentifier: 'full',
        bearerTokenAuthenticationEnabled: true,
      });
      return ['DescribeLogGroups', { logGroupNamePrefix: 'full' }];
    },
    has: /"retentionInDays":7.*"kmsKeyId".*"deletionProtectionEnabled":true.*"bearerTokenAuthenticationEnabled":true/,
  },
  'tags of a group': {
    async make(call) {
      await call('TagResource', { resourceArn: GROUP_ARN, tags: { ...TAGS, gone: '1' } });
      await call('UntagResource', { resourceArn: GROUP_ARN, tagKeys: ['gone'] });
      return ['ListTagsForResource', { resourceArn: GROUP_ARN }];
    },
    has: /\{"team":"data"\}/,
  },
  'log class': {
    async make(call) {
      await call('CreateLogGroup', { logGroupName: 'rare', logGroupClass: 'INFREQUENT_ACCESS' });
      return ['ListLogGroups', { logGroupClass: 'INFREQUENT_ACCESS' }];
    },
    has: /"rare"/,
  },
  stream: {
    async make(call) {
      await call('CreateLogStream', { logGroupName: GROUP, logStreamName: 'gone' });
      await call('DeleteLogStream', { logGroupName: GROUP, logStreamName: 'gone' });
      return ['DescribeLogStreams', { logGroupName: GROUP }];
    },
    has: /^\{"logStreams":\[\{[^}]*"logStreamName":"stream"[^}]*\}\]\}$/,
  },
  events: {
    async make(call) {
      const timestamp = Date.now();
      await call('PutLogEvents', { ...STREAM, logEvents: [{ timestamp, message: 'kept' }] });
      return ['FilterLogEvents', { logGroupName: GROUP }];
    },
    has: /"message":"kept"/,
  },
  'metric filter': {
    async make(call) {
      const metricTransformations = [
        { metricName: 'm', metricNamespace: 'n', metricValue: '$.a', unit: 'Bytes', dimensions: { D: '$.d' } },
      ];
      const filter = { logGroupName: GROUP, filterName: 'f', filterPattern: '{ $.a = * }', metricTransformations };
      const more = { applyOnTransformedLogs: true, emitSystemFieldDimensions: ['@aws.account'] };
      await call('PutMetricFilter', { ...filter, ...more, fieldSelectionCriteria: '@aws.region IN ["us-east-1"]' });
      return ['DescribeMetricFilters', { logGroupName: GROUP }];
    },
    has: /"unit":"Bytes".*"applyOnTransformedLogs":true.*"emitSystemFieldDimensions"/,
  },
  'subscription filter': {
    async make(call) {
      const filter = { logGroupName: GROUP, filterName: 's', filterPattern: 'x', destinationArn: FUNCTION_ARN };
      await call('PutSubscriptionFilter', { ...filter, emitSystemFields: ['@aws.account'] });
      return ['DescribeSubscriptionFilters', { logGroupName: GROUP }];
    },
    has: /"emitSystemFields":\["@aws.account"\]/,
  },
  'destination and its policy': {
    async make(call) {
      const destinationName = 'destination';
      await call('PutDestination', { destinationName, targetArn: FUNCTION_ARN, roleArn: ROLE, tags: TAGS });
      const accessPolicy = allow('logs:PutSubscriptionFilter');
      await call('PutDestinationPolicy', { destinationName, accessPolicy });
      return ['DescribeDestinations', {}];
    },
    has: /"accessPolicy"/,
  },
  'tags of a destination': {
    make: async () => ['ListTagsForResource', { resourceArn: arn('destination:destination') }],
    has: /"team"/,
  },
  'resource policy': {
    async make(call) {
      await call('PutResourcePolicy', { policyName: 'p', policyDocument: allow('logs:PutLogEvents') });
      return ['DescribeResourcePolicies', {}];
    },
    has: /"policyName":"p"/,
  },
  "group's resource policy": {
    async make(call) {
      await call('PutResourcePolicy', {
        resourceArn: GROUP_ARN,
        policyDocument: allow('logs:PutLogEvents', GROUP_ARN),
      });
      return ['DescribeResourcePolicies', { resourceArn: GROUP_ARN, policyScope: 'RESOURCE' }];
    },
    has: /"revisionId"/,
  },
  'data protection policy': {
    async make(call) {
      await call('PutDataProtectionPolicy', { logGroupIdentifier: GROUP, policyDocument: protection() });
      return ['GetDataProtectionPolicy', { logGroupIdentifier: GROUP }];
    },
    has: /"lastUpdatedTime"/,
  },
  'index policy': {
    async make(call) {
      await call('PutIndexPolicy', { logGroupIdentifier: GROUP, policyDocument: '{"Fields":["a"]}' });
      return ['DescribeIndexPolicies', { logGroupIdentifiers: [GROUP] }];
    },
    has: /Fields/,
  },
  'field indexes': {
    make: async () => ['DescribeFieldIndexes', { logGroupIdentifiers: [GROUP] }],
    has: /"fieldIndexName":"a"/,
  },
  transformer: {
    async make(call) {
      await call('PutTransformer', { logGroupIdentifier: GROUP, transformerConfig: [{ parseJSON: {} }] });
      return ['GetTransformer', { logGroupIdentifier: GROUP }];
    },
    has: /parseJSON/,
  },
  'anomaly detector': {
    async make(call) {
      const detector = {
        logGroupArnList: [GROUP_ARN],
        detectorName: 'd',
        filterPattern: 'x',
        kmsKeyId: KEY,
        tags: TAGS,
      };
      const { anomalyDetectorArn } = await call('CreateLogAnomalyDetector', { ...detector, anomalyVisibilityTime: 30 });
      return ['GetLogAnomalyDetector', { anomalyDetectorArn }];
    },
    has: /"anomalyVisibilityTime":30/,
  },
  'query definition': {
    async make(call) {
      const definition = { name: 'q', queryString: 'fields @message', logGroupNames: [GROUP] };
      await call('PutQueryDefinition', definition);
      return ['DescribeQueryDefinitions', {}];
    },
    has: /"lastModified"/,
  },
  query: {
    async make(call) {
      const range = { startTime: 0, endTime: Math.ceil(Date.now() / 1000) };
      const { queryId } = await call('StartQuery', { logGroupName: GROUP, queryString: 'fields @message', ...range });
      for (;;) {
        const { status } = await call('GetQueryResults', { queryId });
        if (status === 'Complete') return ['DescribeQueries', { logGroupName: GROUP }];
        assert.match(status, /Scheduled|Running/);
      }
    },
    has: /"status":"Complete"/,
  },
  'scheduled query': {
    async make(call) {
      const definition = { queryLanguage: 'CWLI', queryString: 'fields @message', logGroupIdentifiers: [GROUP] };
      const schedule = {
        scheduleExpression: 'cron(0 0 1 1 ? 2099)',
        executionRoleArn: ROLE,
        timezone: 'Europe/Berlin',
      };
      const s3Configuration = { destinationIdentifier: 's3://bucket/x', roleArn: ROLE };
      const more = { tags: TAGS, state: 'DISABLED', destinationConfiguration: { s3Configuration } };
      const made = await call('CreateScheduledQuery', { name: 'nightly', ...definition, ...schedule, ...more });
      return ['GetScheduledQuery', { identifier: made.scheduledQueryArn }];
    },
    has: /s3:\/\/bucket.*"state":"DISABLED"/,
  },
  'lookup table': {
    async make(call) {
      const table = { lookupTableName: 't', tableBody: 'k,v\na,1\n', description: 'd', tags: TAGS };
      const { lookupTableArn } = await call('CreateLookupTable', table);
      return ['GetLookupTable', { lookupTableArn }];
    },
    has: /k,v\\na,1/,
  },
  'delivery source': {
    async make(call) {
      const resourceArn = `arn:aws:cloudfront::${ACCOUNT}:distribution/E1`;
      await call('PutDeliverySource', { name: 'source', resourceArn, logType: 'ACCESS_LOGS', tags: TAGS });
      return ['DescribeDeliverySources', {}];
    },
    has: /"tags":\{"team"/,
  },
  'delivery destination': {
    async make(call) {
      const deliveryDestinationConfiguration = { destinationResourceArn: 'arn:aws:s3:::bucket' };
      await call('PutDeliveryDestination', { name: 'd', outputFormat: 'json', deliveryDestinationConfiguration });
      return ['DescribeDeliveryDestinations', {}];
    },
    has: /"outputFormat":"json"/,
  },
  "delivery destination's policy": {
    async make(call) {
      const deliveryDestinationPolicy = allow('logs:CreateDelivery');
      await call('PutDeliveryDestinationPolicy', { deliveryDestinationName: 'd', deliveryDestinationPolicy });
      return ['GetDeliveryDestinationPolicy', { deliveryDestinationName: 'd' }];
    },
    has: /CreateDelivery/,
  },
  delivery: {
    async make(call) {
      const join = { deliverySourceName: 'source', deliveryDestinationArn: arn('delivery-destination:d') };
      const { delivery } = await call('CreateDelivery', { ...join, tags: TAGS });
      await call('UpdateDeliveryConfiguration', { id: delivery.id, recordFields: ['date'] });
      return ['GetDelivery', { id: delivery.id }];
    },
    has: /"recordFields":\["date"\]/,
  },
  'export task': {
    async make(call) {
      const task = {
        logGroupName: GROUP,
        from: 0,
        to: Date.now() + 1_000,
        destination: 'bucket',
        destinationPrefix: 'x',
      };
      const { taskId } = await call('CreateExportTask', { ...task, taskName: 'task' });
      for (;;) {
        const { exportTasks } = await call('DescribeExportTasks', { taskId });
        if (exportTasks[0].status.code === 'COMPLETED') return ['DescribeExportTasks', { taskId }];
        assert.match(exportTasks[0].status.code, /PENDING|RUNNING/);
      }
    },
    has: /"taskName":"task".*"completionTime"/,
  },
  ...Object.fromEntries(
    Object.entries(ACCOUNT_POLICIES).map(([policyType, policy]): [string, Resource] => [
      `account policy ${policyType}`,
      {
        async make(call) {
          await call('PutAccountPolicy', { policyType, policyName: 'p', scope: 'ALL', ...policy });
          return ['DescribeAccountPolicies', { policyType }];
        },
        has: /"policyName":"p"/,
      },
    ]),
  ),
};

test('each resource is as it was after kill -9', { timeout: 120_000 }, async (t) => {
  const dataDir = temporaryDirectory();
  const doomed = await spawnBrume(dataDir);
  const before = caller(doomed);
  await new S3Client(clientConfig(doomed)).send(new CreateBucketCommand({ Bucket: 'bucket' }));
  await makeSubscriber(doomed);
  await before('CreateLogGroup', { logGroupName: GROUP });
  await before('CreateLogStream', STREAM);
  const questions: [name: string, operation: string, input: object, has: RegExp][] = [];
  for (const [name, { make, has }] of Object.entries(RESOURCES)) {
    questions.push([name, ...(await make(before)), has]);
  }
  const answers: object[] = [];
  for (const [, operation, input] of questions) answers.push(await before(operation, input));
  await doomed.kill();

  const brume = await spawnBrume(dataDir);
  const call = caller(brume);
  for (const [i, [name, operation, input, has]] of questions.entries()) {
    await t.test(name, async () => {
      assert.match(JSON.stringify(answers[i]), has);
      assert.deepEqual(await call(operation, input), answers[i]);
    });
  }
  await brume.stop();
});

/** Answers without what differs from call to call. */
function caller(brume: BrumeProcess): Call {
  const client = new sdk.CloudWatchLogsClient(clientConfig(brume));
  return async (operation, input) => {
    const { $metadata, ...answer } = (await client.send(new (sdk as any)[`${operation}Command`](input))) as any;
    return answer;
  };
}

async function makeSubscriber(brume: BrumeProcess): Promise<void> {
  const client = new LambdaClient(clientConfig(brume));
  const FunctionName = 'subscriber';
  const ZipFile = zipOf({ 'index.mjs': 'export const handler = async () => {};' });
  const code = { Code: { ZipFile }, Runtime: 'nodejs22.x', Handler: 'index.handler', Role: ROLE } as const;
  await client.send(new CreateFunctionCommand({ FunctionName, ...code }));
  const statement = { FunctionName, StatementId: 'logs', Action: 'lambda:InvokeFunction' };
  await client.send(new AddPermissionCommand({ ...statement, Principal: 'logs.amazonaws.com' }));
}
