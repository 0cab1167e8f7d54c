// Transformers, data protection, field indexes and anomaly detectors against a whole server with the official client.

import assert from 'node:assert/strict';
import test from 'node:test';
import { gunzipSync } from 'node:zlib';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateExportTaskCommand,
  CreateLogAnomalyDetectorCommand,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteDataProtectionPolicyCommand,
  DeleteIndexPolicyCommand,
  DeleteLogAnomalyDetectorCommand,
  DeleteTransformerCommand,
  DescribeExportTasksCommand,
  DescribeFieldIndexesCommand,
  DescribeIndexPoliciesCommand,
  DescribeMetricFiltersCommand,
  FilterLogEventsCommand,
  GetDataProtectionPolicyCommand,
  GetLogAnomalyDetectorCommand,
  GetLogEventsCommand,
  GetQueryResultsCommand,
  GetTransformerCommand,
  ListAnomaliesCommand,
  ListLogAnomalyDetectorsCommand,
  ListTagsForResourceCommand,
  PutDataProtectionPolicyCommand,
  PutIndexPolicyCommand,
  PutLogEventsCommand,
  PutMetricFilterCommand,
  PutTransformerCommand,
  StartQueryCommand,
  TestTransformerCommand,
  UpdateAnomalyCommand,
  UpdateLogAnomalyDetectorCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { MANAGED_IDENTIFIERS } from '#engines/data-protection/managed-identifiers.ts';
import { advance, clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const logs = new CloudWatchLogsClient(clientConfig(brume));
const metrics = new CloudWatchClient(clientConfig(brume));
/** The server's clock stands at its start until it is moved. */
let nowMs = Date.now();

async function pass(ms: number): Promise<void> {
  await advance(brume, ms);
  nowMs += ms;
}

async function group(logGroupName: string): Promise<string> {
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 's' }));
  return logGroupName;
}

async function put(logGroupName: string, ...messages: string[]): Promise<void> {
  const timestamp = nowMs;
  const logEvents = messages.map((message) => ({ message, timestamp }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 's', logEvents }));
}

async function sumOf(Namespace: string, MetricName: string, logGroupName?: string): Promise<number> {
  const { Datapoints } = await metrics.send(
    new GetMetricStatisticsCommand({
      Namespace,
      MetricName,
      ...(logGroupName && { Dimensions: [{ Name: 'LogGroupName', Value: logGroupName }] }),
      StartTime: new Date(nowMs - 3_600_000),
      EndTime: new Date(nowMs + 3_600_000),
      Period: 86_400,
      Statistics: ['Sum'],
    }),
  );
  return Datapoints!.reduce((sum, { Sum }) => sum + Sum!, 0);
}

function rejects(promise: Promise<unknown>, name: string, message?: RegExp): Promise<void> {
  return assert.rejects(promise, (error: Error) => {
    assert.equal(error.name, name, error.message);
    if (message) assert.match(error.message, message);
    return true;
  });
}

test('a transformer is kept, tested, replaced and deleted', async () => {
  const logGroupIdentifier = await group('transformed');
  const config = [{ parseJSON: {} }, { addKeys: { entries: [{ key: 'team', value: 'data' }] } }];
  await rejects(logs.send(new GetTransformerCommand({ logGroupIdentifier })), 'ResourceNotFoundException');
  await logs.send(new PutTransformerCommand({ logGroupIdentifier, transformerConfig: config }));
  const found = await logs.send(new GetTransformerCommand({ logGroupIdentifier }));
  assert.deepEqual(found.transformerConfig, config);
  assert.equal(found.creationTime, found.lastModifiedTime);
  const tested = await logs.send(
    new TestTransformerCommand({ transformerConfig: config, logEventMessages: ['{"a":1}', 'no JSON'] }),
  );
  assert.deepEqual(tested.transformedLogs, [
    { eventNumber: 1, eventMessage: '{"a":1}', transformedEventMessage: '{"a":1,"team":"data"}' },
    { eventNumber: 2, eventMessage: 'no JSON' },
  ]);
  await logs.send(new DeleteTransformerCommand({ logGroupIdentifier }));
  await rejects(logs.send(new DeleteTransformerCommand({ logGroupIdentifier })), 'ResourceNotFoundException');
});

test('what PutTransformer refuses', async () => {
  const logGroupIdentifier = await group('refused');
  const attempt = (transformerConfig: never[]) =>
    logs.send(new PutTransformerCommand({ logGroupIdentifier, transformerConfig }));
  const table: [unknown[], RegExp][] = [
    [[], /transformerConfig/],
    [[{ trimString: { withKeys: ['a'] } }], /first processor/],
    [[{ grok: { match: '%{NOPE:x}' } }], /Unsupported grok pattern: NOPE/],
    [[{ grok: { match: 'x'.repeat(513) } }], /length less than or equal to 512/],
    [[{ parseJSON: {} }, { addKeys: { entries: Array(6).fill({ key: 'a', value: 'b' }) } }], /less than or equal to 5/],
  ];
  for (const [config, message] of table)
    await rejects(attempt(config as never[]), 'InvalidParameterException', message);
  await rejects(
    logs.send(new PutTransformerCommand({ logGroupIdentifier: 'none', transformerConfig: [{ parseJSON: {} }] })),
    'ResourceNotFoundException',
  );
  await logs.send(new CreateLogGroupCommand({ logGroupName: 'rare', logGroupClass: 'INFREQUENT_ACCESS' }));
  await rejects(
    logs.send(new PutTransformerCommand({ logGroupIdentifier: 'rare', transformerConfig: [{ parseJSON: {} }] })),
    'InvalidOperationException',
  );
});

test('a metric filter on transformed logs counts what only the transformer tells', async () => {
  const logGroupName = await group('vpc');
  await logs.send(
    new PutTransformerCommand({ logGroupIdentifier: logGroupName, transformerConfig: [{ parseVPC: {} }] }),
  );
  for (const applyOnTransformedLogs of [true, false]) {
    const metricName = applyOnTransformedLogs ? 'Transformed' : 'Plain';
    await logs.send(
      new PutMetricFilterCommand({
        logGroupName,
        filterName: metricName,
        filterPattern: '{ $.dstPort = 22 }',
        metricTransformations: [{ metricName, metricNamespace: 'Flow', metricValue: '$.bytes' }],
        applyOnTransformedLogs,
      }),
    );
  }
  await put(
    logGroupName,
    '2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK',
    '2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 443 6 20 1 1418530010 1418530070 ACCEPT OK',
    'not a flow log',
  );
  assert.equal(await sumOf('Flow', 'Transformed'), 4249);
  assert.equal(await sumOf('Flow', 'Plain'), 0);
  await pass(60_000);
  assert.equal(await sumOf('AWS/Logs', 'TransformationErrors', logGroupName), 1);
  assert.equal(await sumOf('AWS/Logs', 'TransformedLogEvents', logGroupName), 2);
  const transformedBytes = await sumOf('AWS/Logs', 'TransformedBytes', logGroupName);
  assert.ok(transformedBytes > 2 * '{"version":2}'.length, `${transformedBytes}`);
  const { metricFilters } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName }));
  assert.deepEqual(
    metricFilters!.map((it) => [it.filterName, it.applyOnTransformedLogs]),
    [
      ['Plain', false],
      ['Transformed', true],
    ],
  );
});

function protectionPolicy(...identifiers: string[]): string {
  return findingsTo(undefined, ...identifiers);
}

function findingsTo(LogGroup: string | undefined, ...identifiers: string[]): string {
  const DataIdentifier = identifiers.map((name) =>
    name === 'EmployeeId' ? name : `arn:aws:dataprotection::aws:data-identifier/${name}`,
  );
  const FindingsDestination = LogGroup === undefined ? {} : { CloudWatchLogs: { LogGroup } };
  return JSON.stringify({
    Name: 'protect',
    Version: '2021-06-01',
    Configuration: { CustomDataIdentifier: [{ Name: 'EmployeeId', Regex: 'E-\\d{4}' }] },
    Statement: [
      { Sid: 'audit', DataIdentifier, Operation: { Audit: { FindingsDestination } } },
      { Sid: 'redact', DataIdentifier, Operation: { Deidentify: { MaskConfig: {} } } },
    ],
  });
}

async function messagesOf(logGroupName: string, unmask = false): Promise<string[]> {
  const read = await logs.send(
    new GetLogEventsCommand({ logGroupName, logStreamName: 's', startFromHead: true, unmask }),
  );
  const filtered = await logs.send(new FilterLogEventsCommand({ logGroupName, unmask }));
  const messages = read.events!.map(({ message }) => message!);
  assert.deepEqual(filtered.events!.map(({ message }) => message!).sort(), messages.toSorted());
  return messages;
}

async function query(logGroupName: string | string[], queryString: string): Promise<(string | undefined)[][]> {
  const { queryId } = await logs.send(
    new StartQueryCommand({
      logGroupNames: [logGroupName].flat(),
      queryString,
      startTime: Math.floor(nowMs / 1000) - 3600,
      endTime: Math.floor(nowMs / 1000) + 3600,
    }),
  );
  for (;;) {
    const { status, results } = await logs.send(new GetQueryResultsCommand({ queryId }));
    if (status === 'Complete') {
      return results!.map((row) => row.filter(({ field }) => field !== '@ptr').map(({ value }) => value));
    }
    assert.ok(status === 'Running' || status === 'Scheduled', status);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a data protection policy masks what comes after it, for all who read, and reports it', async () => {
  const logGroupName = await group('protected');
  const audit = await group('audit');
  await put(logGroupName, 'early jane@example.com');
  await pass(1000);
  const policyDocument = findingsTo(audit, 'EmailAddress', 'IpAddress', 'EmployeeId', 'CreditCardNumber');
  const put1 = await logs.send(
    new PutDataProtectionPolicyCommand({ logGroupIdentifier: logGroupName, policyDocument }),
  );
  assert.equal(put1.policyDocument, policyDocument);
  await logs.send(
    new PutMetricFilterCommand({
      logGroupName,
      filterName: 'mails',
      filterPattern: '"jane@example.com"',
      metricTransformations: [{ metricName: 'Mails', metricNamespace: 'Seen', metricValue: '1' }],
    }),
  );
  const written = [
    'mail jane@example.com and jo@example.org',
    'from 10.0.0.1 by E-1234',
    'paid 4111111111111111',
    'plain',
  ];
  await put(logGroupName, ...written);
  const masked = [
    'mail **************** and **************',
    'from ******** by ******',
    'paid ****************',
    'plain',
  ];
  assert.deepEqual(await messagesOf(logGroupName), ['early jane@example.com', ...masked]);
  assert.deepEqual(await messagesOf(logGroupName, true), ['early jane@example.com', ...written]);
  assert.deepEqual(
    (await query(logGroupName, 'fields @message | sort @timestamp asc, @message asc'))
      .map(([message]) => message)
      .sort(),
    ['early jane@example.com', ...masked].sort(),
  );
  assert.deepEqual(
    await query(logGroupName, 'filter @message like /by/ | display @message, unmask(@message) as clear'),
    [[masked[1], written[1]]],
  );
  assert.equal(await sumOf('Seen', 'Mails'), 0);
  await pass(60_000);
  assert.equal(await sumOf('AWS/Logs', 'LogEventsWithFindings', logGroupName), 3);
  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName: audit }));
  const reports = events!.map(({ message }) => JSON.parse(message!));
  assert.equal(reports.length, 3);
  assert.deepEqual(reports.find(({ dataIdentifiers }) => dataIdentifiers[0].count === 2).dataIdentifiers, [
    {
      name: 'EmailAddress',
      count: 2,
      detections: [
        { start: 5, end: 21 },
        { start: 26, end: 40 },
      ],
    },
  ]);
  await logs.send(new DeleteDataProtectionPolicyCommand({ logGroupIdentifier: logGroupName }));
  assert.deepEqual(await messagesOf(logGroupName), ['early jane@example.com', ...written]);
  const none = await logs.send(new GetDataProtectionPolicyCommand({ logGroupIdentifier: logGroupName }));
  assert.equal(none.policyDocument, undefined);
});

test('all managed identifiers in one policy, read and queried', async () => {
  const logGroupName = await group('all-identifiers');
  const known = [...MANAGED_IDENTIFIERS.keys()];
  assert.ok(known.length > 90, `${known.length}`);
  const policyDocument = protectionPolicy(...known);
  await logs.send(new PutDataProtectionPolicyCommand({ logGroupIdentifier: logGroupName, policyDocument }));
  await put(logGroupName, 'CPF: 111.444.777-35', 'passport no. 340020013', '{"reisepass":"C01X00T47"}', 'steps done');
  const masked = ['CPF: **************', 'passport no. *********', '{"reisepass":"*********"}', 'steps done'];
  assert.deepEqual(await messagesOf(logGroupName), masked);
  const found = await query(logGroupName, 'fields @message, reisepass | sort @message');
  assert.deepEqual(found.map(([message]) => message).sort(), masked.toSorted());
  assert.deepEqual(
    found.flatMap(([, reisepass]) => reisepass ?? []),
    ['*********'],
  );
});

test('an export is masked', async () => {
  const logGroupName = await group('exported');
  const policyDocument = protectionPolicy('EmailAddress');
  await logs.send(new PutDataProtectionPolicyCommand({ logGroupIdentifier: logGroupName, policyDocument }));
  await put(logGroupName, 'mail jane@example.com');
  const s3 = new S3Client(clientConfig(brume));
  await s3.send(new CreateBucketCommand({ Bucket: 'masked' }));
  const { taskId } = await logs.send(
    new CreateExportTaskCommand({ logGroupName, from: nowMs - 1000, to: nowMs + 1000, destination: 'masked' }),
  );
  for (let code = 'PENDING'; code === 'PENDING' || code === 'RUNNING'; ) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { exportTasks } = await logs.send(new DescribeExportTasksCommand({ taskId }));
    code = exportTasks![0]!.status!.code!;
  }
  const Key = `exportedlogs/${taskId}/s/000000.gz`;
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'masked', Key }));
  const text = gunzipSync(await Body!.transformToByteArray()).toString();
  assert.match(text, /mail \*{16}\n$/);
});

test('data protection policies that are refused', async () => {
  const logGroupIdentifier = await group('unprotected');
  const attempt = (policyDocument: string) =>
    logs.send(new PutDataProtectionPolicyCommand({ logGroupIdentifier, policyDocument }));
  await rejects(attempt('{}'), 'InvalidParameterException', /Invalid policyDocument/);
  await rejects(attempt(findingsTo('nowhere', 'EmailAddress')), 'ResourceNotFoundException');
  await rejects(attempt(findingsTo(logGroupIdentifier, 'EmailAddress')), 'InvalidParameterException');
  await rejects(attempt(protectionPolicy('Address')), 'NotImplemented');
});

test('field index policies', async () => {
  const name = await group('indexed');
  await put(name, '{"requestId":"early"}');
  await pass(1000);
  const policyDocument = JSON.stringify({ Fields: ['requestId'], FieldsV2: { status: { type: 'FACET' } } });
  const { indexPolicy } = await logs.send(new PutIndexPolicyCommand({ logGroupIdentifier: name, policyDocument }));
  assert.equal(indexPolicy!.source, 'LOG_GROUP');
  const of = { logGroupIdentifiers: [name] };
  const { indexPolicies } = await logs.send(new DescribeIndexPoliciesCommand(of));
  assert.deepEqual(indexPolicies, [indexPolicy]);
  await pass(1000);
  await put(name, '{"requestId":"a"}', '{"requestId":"b","plan":{"status":3}}');
  await pass(1000);
  await put(name, '{"requestId":"c","severityText":"INFO"}', 'no JSON');
  const { fieldIndexes } = await logs.send(new DescribeFieldIndexesCommand(of));
  assert.deepEqual(
    fieldIndexes!
      .filter(({ fieldIndexName }) => !/^@(aws|data|source)/.test(fieldIndexName!))
      .map((it) => [it.fieldIndexName, it.type, it.firstEventTime, it.lastEventTime, it.lastScanTime !== undefined]),
    [
      ['@logStream', 'FIELD_INDEX', nowMs - 3000, nowMs, true],
      ['attributes.session.id', 'FIELD_INDEX', undefined, undefined, true],
      ['requestId', 'FIELD_INDEX', nowMs - 1000, nowMs, true],
      ['severityText', 'FIELD_INDEX', nowMs, nowMs, true],
      ['status', 'FACET', undefined, undefined, true],
      ['traceId', 'FIELD_INDEX', undefined, undefined, true],
    ],
  );
  const unindexed = await group('unindexed');
  await put(unindexed, '{"requestId":"a"}');
  const both = [name, unindexed];
  for (const [text, found] of [
    // What came before the policy is not in the index.
    ['filterIndex requestId in ["a", "c", "early"] | stats count(*)', [['2']]],
    ['filter requestId in ["a", "c", "early"] | stats count(*)', [['4']]],
    ['filterIndex other = "a" | stats count(*)', [['0']]],
    ['filterIndex @logStream = "s" | stats count(*)', [['6']]],
  ] as const) {
    assert.deepEqual(await query(both, text), found, text);
  }
  await logs.send(
    new PutIndexPolicyCommand({ logGroupIdentifier: name, policyDocument: '{"Fields":["requestId","b"]}' }),
  );
  assert.deepEqual(await query(both, 'filterIndex requestId = "a" | stats count(*)'), [['1']], 'indexed as before');
  for (const refused of [
    'x',
    '{}',
    '{"Fields":[]}',
    '{"Fields":["a","a"]}',
    '{"FieldsV2":{"a":{"type":"TREE"}}}',
    JSON.stringify({ Fields: Array.from({ length: 21 }, (_, i) => `f${i}`) }),
  ]) {
    await rejects(
      logs.send(new PutIndexPolicyCommand({ logGroupIdentifier: name, policyDocument: refused })),
      'InvalidParameterException',
    );
  }
  await logs.send(new DeleteIndexPolicyCommand({ logGroupIdentifier: name }));
  assert.deepEqual((await logs.send(new DescribeIndexPoliciesCommand(of))).indexPolicies, []);
  await rejects(logs.send(new DeleteIndexPolicyCommand({ logGroupIdentifier: name })), 'ResourceNotFoundException');
});

test('an anomaly detector trains, then finds what is new, on the clock', async () => {
  const MINUTE = 60_000;
  const name = await group('watched');
  const arn = `arn:aws:logs:us-east-1:000000000000:log-group:${name}`;
  const timestampOf = (minute: number) => nowMs - 120 * MINUTE + minute * MINUTE;
  const history = Array.from({ length: 120 }, (_, minute) => minute).flatMap((minute) =>
    Array.from({ length: 10 }, (_, i) => ({
      timestamp: timestampOf(minute) + i * 1000,
      message: `INFO request ${minute * 10 + i} took ${i} ms`,
    })),
  );
  await logs.send(new PutLogEventsCommand({ logGroupName: name, logStreamName: 's', logEvents: history }));
  const { anomalyDetectorArn } = await logs.send(
    new CreateLogAnomalyDetectorCommand({
      logGroupArnList: [arn],
      detectorName: 'watcher',
      evaluationFrequency: 'ONE_MIN',
      anomalyVisibilityTime: 30,
      tags: { team: 'data' },
    }),
  );
  const of = { anomalyDetectorArn };
  const detector = await logs.send(new GetLogAnomalyDetectorCommand(of));
  const { tags } = await logs.send(new ListTagsForResourceCommand({ resourceArn: anomalyDetectorArn }));
  assert.deepEqual(tags, { team: 'data' });
  assert.deepEqual(
    [detector.detectorName, detector.anomalyDetectorStatus, detector.logGroupArnList, detector.anomalyVisibilityTime],
    ['watcher', 'TRAINING', [arn], 30],
  );
  await pass(MINUTE);
  const trained = await logs.send(new GetLogAnomalyDetectorCommand(of));
  assert.equal(trained.anomalyDetectorStatus, 'ANALYZING');
  const requests = Array.from({ length: 10 }, (_, i) => `INFO request ${i} took ${i} ms`);
  await put(name, ...requests, 'ERROR disk sda1 is full');
  await pass(MINUTE);
  const { anomalies } = await logs.send(new ListAnomaliesCommand(of));
  assert.deepEqual(
    anomalies!.map((it) => [it.patternString, it.priority, it.active, it.state, it.logSamples![0]!.message]),
    [['ERROR disk <*> is full', 'HIGH', true, 'Active', 'ERROR disk sda1 is full']],
  );
  const [anomaly] = anomalies!;
  assert.deepEqual(anomaly!.histogram, { [anomaly!.lastSeen!]: 1 });
  assert.deepEqual(
    anomaly!.patternTokens!.map((it) => [it.tokenString, it.isDynamic, it.enumerations]),
    [
      ['ERROR disk ', false, undefined],
      ['<*>', true, { sda1: 1 }],
      [' is full', false, undefined],
    ],
  );
  await put(name, ...requests);
  await pass(MINUTE);
  const [quiet] = (await logs.send(new ListAnomaliesCommand(of))).anomalies!;
  assert.equal(quiet!.active, false);
  const { Datapoints } = await metrics.send(
    new GetMetricStatisticsCommand({
      Namespace: 'AWS/Logs',
      MetricName: 'AnomalyCount',
      Dimensions: [
        { Name: 'LogAnomalyDetector', Value: 'watcher' },
        { Name: 'LogAnomalyPriority', Value: 'HIGH' },
      ],
      StartTime: new Date(nowMs - 60 * MINUTE),
      EndTime: new Date(nowMs + 60 * MINUTE),
      Period: 86_400,
      Statistics: ['Sum'],
    }),
  );
  assert.equal(
    Datapoints!.reduce((sum, { Sum }) => sum + Sum!, 0),
    1,
  );

  const { anomalyId } = anomaly!;
  await logs.send(
    new UpdateAnomalyCommand({
      ...of,
      anomalyId,
      suppressionType: 'LIMITED',
      suppressionPeriod: { value: 2, suppressionUnit: 'MINUTES' },
    }),
  );
  const states = async () => (await logs.send(new ListAnomaliesCommand(of))).anomalies!.map(({ state }) => state);
  assert.deepEqual(await states(), ['Suppressed']);
  assert.deepEqual(
    (await logs.send(new ListAnomaliesCommand({ ...of, suppressionState: 'UNSUPPRESSED' }))).anomalies,
    [],
  );
  await pass(3 * MINUTE);
  assert.deepEqual(await states(), ['Active']);
  await logs.send(new UpdateAnomalyCommand({ ...of, anomalyId, baseline: true }));
  assert.deepEqual(await states(), ['Baseline']);

  await logs.send(new UpdateLogAnomalyDetectorCommand({ ...of, enabled: false }));
  const { anomalyDetectors } = await logs.send(new ListLogAnomalyDetectorsCommand({ filterLogGroupArn: arn }));
  assert.deepEqual(
    anomalyDetectors!.map((it) => [it.anomalyDetectorArn, it.anomalyDetectorStatus]),
    [[anomalyDetectorArn, 'PAUSED']],
  );
  await logs.send(new DeleteLogAnomalyDetectorCommand(of));
  await rejects(logs.send(new ListAnomaliesCommand(of)), 'ResourceNotFoundException');
  await rejects(logs.send(new DeleteLogAnomalyDetectorCommand(of)), 'ResourceNotFoundException');
  await rejects(
    logs.send(new CreateLogAnomalyDetectorCommand({ logGroupArnList: [`${arn}-none`] })),
    'ResourceNotFoundException',
  );
});
