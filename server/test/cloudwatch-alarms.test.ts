// CloudWatch alarms against a whole server on a virtual clock, with the AWS SDK for JavaScript.

import assert from 'node:assert/strict';
import test, { beforeEach } from 'node:test';
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmHistoryCommand,
  DescribeAlarmsCommand,
  type DescribeAlarmsCommandInput,
  DescribeAlarmsForMetricCommand,
  type DescribeAlarmsForMetricCommandInput,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  ListTagsForResourceCommand,
  type MetricAlarm,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
  paginateDescribeAlarmHistory,
  paginateDescribeAlarms,
  SetAlarmStateCommand,
  TagResourceCommand,
  UntagResourceCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { advance, clientConfig, startBrume } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual', logLevel: 'silent' });
const client = new CloudWatchClient(clientConfig(brume));
const sns = new SNSClient(clientConfig(brume));
const sqs = new SQSClient(clientConfig(brume));
const MINUTE = 60_000;
/** A full minute of the virtual clock. */
let startMs = 0;

beforeEach(async () => {
  await brume.reset();
  const response = await fetch(`${brume.endpoint}/_brume/clock`);
  const nowMs = Date.parse(((await response.json()) as { now: string }).now);
  startMs = Math.ceil(nowMs / MINUTE) * MINUTE;
  await advance(brume, startMs - nowMs);
});

const putAlarm = (more: Partial<PutMetricAlarmCommandInput> = {}) =>
  client.send(
    new PutMetricAlarmCommand({
      AlarmName: 'errors',
      Namespace: 'Shop',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      ...more,
    }),
  );
const putValue = (Value: number, MetricName = 'Errors') =>
  client.send(new PutMetricDataCommand({ Namespace: 'Shop', MetricData: [{ MetricName, Value }] }));
const describe = async (input: DescribeAlarmsCommandInput = {}) =>
  (await client.send(new DescribeAlarmsCommand(input))).MetricAlarms!;
const names = (alarms: readonly MetricAlarm[]) => alarms.map(({ AlarmName }) => AlarmName);

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    const { name, message } = error as Error;
    return `${name}: ${message}`;
  }
  return 'no error';
}

test('an alarm goes to ALARM and back, and its topic tells a queue', async () => {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'alerts' }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'inbox' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: Attributes!.QueueArn! }));
  await putAlarm({ AlarmActions: [TopicArn!], OKActions: [TopicArn!], TreatMissingData: 'notBreaching' });

  const received = async () => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    return Messages.map(({ Body }) => {
      const { Subject, Message } = JSON.parse(Body!) as { Subject: string; Message: string };
      const { NewStateValue, OldStateValue, Trigger } = JSON.parse(Message);
      return [Subject, OldStateValue, NewStateValue, Trigger.MetricName];
    });
  };
  await advance(brume, MINUTE + 5000);
  assert.deepEqual(await received(), [['OK: "errors" in US East (N. Virginia)', 'INSUFFICIENT_DATA', 'OK', 'Errors']]);
  await putValue(1);
  await advance(brume, 1000);
  assert.deepEqual(await received(), [['ALARM: "errors" in US East (N. Virginia)', 'OK', 'ALARM', 'Errors']]);
  await advance(brume, 10 * MINUTE);
  assert.deepEqual(await received(), [['OK: "errors" in US East (N. Virginia)', 'ALARM', 'OK', 'Errors']]);

  const { AlarmHistoryItems } = await client.send(
    new DescribeAlarmHistoryCommand({ AlarmName: 'errors', ScanBy: 'TimestampAscending' }),
  );
  assert.deepEqual(
    AlarmHistoryItems!.map(({ HistorySummary }) => HistorySummary),
    [
      'Alarm "errors" created',
      'Alarm updated from INSUFFICIENT_DATA to OK',
      `Successfully executed action ${TopicArn}`,
      'Alarm updated from OK to ALARM',
      `Successfully executed action ${TopicArn}`,
      'Alarm updated from ALARM to OK',
      `Successfully executed action ${TopicArn}`,
    ],
  );
});

test('an action whose topic is not there is recorded as failed', async () => {
  const topic = 'arn:aws:sns:us-east-1:000000000000:nobody';
  await putAlarm({ AlarmActions: [topic] });
  await client.send(new SetAlarmStateCommand({ AlarmName: 'errors', StateValue: 'ALARM', StateReason: 'drill' }));
  await advance(brume, 1000);
  const { AlarmHistoryItems } = await client.send(new DescribeAlarmHistoryCommand({ HistoryItemType: 'Action' }));
  assert.match(AlarmHistoryItems![0]!.HistorySummary!, /^Failed to execute action .*:nobody\. Received error: ".+"$/);
});

test('DescribeAlarms gives all members that were put', async () => {
  const input: PutMetricAlarmCommandInput = {
    AlarmName: 'all members',
    AlarmDescription: 'what it is for',
    ActionsEnabled: false,
    OKActions: ['arn:aws:sns:us-east-1:000000000000:ok'],
    AlarmActions: ['arn:aws:sns:us-east-1:000000000000:a', 'arn:aws:automate:us-east-1:ec2:stop'],
    InsufficientDataActions: ['arn:aws:sns:us-east-1:000000000000:i'],
    Namespace: 'Shop',
    MetricName: 'Latency',
    ExtendedStatistic: 'p99',
    Dimensions: [
      { Name: 'Zone', Value: 'b' },
      { Name: 'Api', Value: 'orders' },
    ],
    Period: 300,
    Unit: 'Milliseconds',
    EvaluationPeriods: 3,
    DatapointsToAlarm: 2,
    Threshold: 250.5,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'ignore',
    EvaluateLowSampleCountPercentile: 'evaluate',
  };
  await putAlarm({ ...input, Statistic: undefined });
  const at = new Date(startMs);
  assert.deepEqual(await describe(), [
    {
      ...input,
      AlarmArn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:all members',
      AlarmConfigurationUpdatedTimestamp: at,
      StateValue: 'INSUFFICIENT_DATA',
      StateReason: 'Unchecked: Initial alarm creation',
      StateUpdatedTimestamp: at,
      StateTransitionedTimestamp: at,
    },
  ]);
});

test('an alarm on a Metrics array of one query', async () => {
  const Metric = { Namespace: 'Shop', MetricName: 'Errors', Dimensions: [{ Name: 'a', Value: 'b' }] };
  const Metrics = [{ Id: 'm1', Label: 'errors', MetricStat: { Metric, Period: 60, Stat: 'Sum' }, ReturnData: true }];
  const none = { Namespace: undefined, MetricName: undefined, Statistic: undefined, Period: undefined };
  await putAlarm({ ...none, Metrics });
  const [alarm] = await describe();
  assert.deepEqual(alarm!.Metrics, Metrics);
  assert.equal(alarm!.MetricName, undefined);
  await client.send(
    new PutMetricDataCommand({
      Namespace: 'Shop',
      MetricData: [{ MetricName: 'Errors', Dimensions: Metric.Dimensions, Value: 1 }],
    }),
  );
  await advance(brume, 5000);
  assert.equal((await describe())[0]!.StateValue, 'ALARM');
});

test('DescribeAlarms: filters and pages', async () => {
  for (const [i, name] of ['api-a', 'api-b', 'db-a', 'db-b', 'web'].entries()) {
    await putAlarm({ AlarmName: name, AlarmActions: [`arn:aws:sns:us-east-1:000000000000:team${i % 2}-x`] });
  }
  await client.send(new SetAlarmStateCommand({ AlarmName: 'db-a', StateValue: 'OK', StateReason: '' }));
  const rows: [DescribeAlarmsCommandInput, string[]][] = [
    [{}, ['api-a', 'api-b', 'db-a', 'db-b', 'web']],
    [{ AlarmNames: ['web', 'nobody', 'api-b'] }, ['api-b', 'web']],
    [{ AlarmNamePrefix: 'db-' }, ['db-a', 'db-b']],
    [{ StateValue: 'OK' }, ['db-a']],
    [{ StateValue: 'ALARM' }, []],
    [{ ActionPrefix: 'arn:aws:sns:us-east-1:000000000000:team1' }, ['api-b', 'db-b']],
    [{ AlarmTypes: ['CompositeAlarm'] }, []],
    [{ AlarmTypes: ['CompositeAlarm', 'MetricAlarm'], AlarmNamePrefix: 'w' }, ['web']],
    [{ ParentsOfAlarmName: 'web' }, []],
  ];
  for (const [input, expected] of rows) assert.deepEqual(names(await describe(input)), expected, JSON.stringify(input));
  const pages: (string | undefined)[][] = [];
  for await (const { MetricAlarms } of paginateDescribeAlarms({ client, pageSize: 2 }, {}))
    pages.push(names(MetricAlarms!));
  assert.deepEqual(pages, [['api-a', 'api-b'], ['db-a', 'db-b'], ['web']]);
  assert.match(await refusal(describe({ NextToken: 'bogus' })), /^InvalidNextToken: /);
});

test('DescribeAlarmsForMetric', async () => {
  const Dimensions = [
    { Name: 'a', Value: '1' },
    { Name: 'b', Value: '2' },
  ];
  await putAlarm({ AlarmName: 'plain' });
  await putAlarm({ AlarmName: 'average', Statistic: 'Average', Period: 300 });
  await putAlarm({ AlarmName: 'p90', Statistic: undefined, ExtendedStatistic: 'p90' });
  await putAlarm({ AlarmName: 'dimensions', Dimensions, Unit: 'Count' });
  const found = async (more: Partial<DescribeAlarmsForMetricCommandInput>) => {
    const command = new DescribeAlarmsForMetricCommand({ Namespace: 'Shop', MetricName: 'Errors', ...more });
    return names((await client.send(command)).MetricAlarms!);
  };
  assert.deepEqual(await found({}), ['average', 'p90', 'plain']);
  assert.deepEqual(await found({ Statistic: 'Sum' }), ['plain']);
  assert.deepEqual(await found({ ExtendedStatistic: 'p90' }), ['p90']);
  assert.deepEqual(await found({ Period: 300 }), ['average']);
  assert.deepEqual(await found({ Dimensions: Dimensions.toReversed() }), ['dimensions']);
  assert.deepEqual(await found({ Dimensions, Unit: 'Bytes' }), []);
  assert.deepEqual(await found({ Dimensions: [Dimensions[0]!] }), []);
  assert.deepEqual(await found({ MetricName: 'Other' }), []);
});

test('history in pages, by type, for one alarm or all, after deletion too', async () => {
  await putAlarm({ TreatMissingData: 'ignore' });
  await putAlarm({ AlarmName: 'other', TreatMissingData: 'ignore' });
  for (let i = 0; i < 5; i++) {
    await advance(brume, MINUTE);
    const StateValue = i % 2 ? 'OK' : 'ALARM';
    await client.send(new SetAlarmStateCommand({ AlarmName: 'errors', StateValue, StateReason: `change ${i}` }));
  }
  await client.send(new DeleteAlarmsCommand({ AlarmNames: ['errors', 'nobody'] }));
  assert.deepEqual(names(await describe()), ['other']);
  const summaries: (string | undefined)[] = [];
  for await (const { AlarmHistoryItems } of paginateDescribeAlarmHistory(
    { client, pageSize: 3 },
    { AlarmName: 'errors' },
  )) {
    assert.ok(AlarmHistoryItems!.length <= 3);
    summaries.push(...AlarmHistoryItems!.map(({ HistorySummary }) => HistorySummary));
  }
  assert.deepEqual(summaries, [
    'Alarm "errors" deleted',
    'Alarm updated from OK to ALARM',
    'Alarm updated from ALARM to OK',
    'Alarm updated from OK to ALARM',
    'Alarm updated from ALARM to OK',
    'Alarm updated from INSUFFICIENT_DATA to ALARM',
    'Alarm "errors" created',
  ]);
  const all = await client.send(new DescribeAlarmHistoryCommand({ HistoryItemType: 'ConfigurationUpdate' }));
  assert.deepEqual(
    all.AlarmHistoryItems!.map(({ AlarmName, AlarmType }) => [AlarmName, AlarmType]),
    [
      ['errors', 'MetricAlarm'],
      ['other', 'MetricAlarm'],
      ['errors', 'MetricAlarm'],
    ],
  );
  const composite = await client.send(new DescribeAlarmHistoryCommand({ AlarmTypes: ['CompositeAlarm'] }));
  assert.deepEqual(composite.AlarmHistoryItems, []);
});

test('actions off and on', async () => {
  await putAlarm();
  const enabled = async () => (await describe())[0]!.ActionsEnabled;
  await client.send(new DisableAlarmActionsCommand({ AlarmNames: ['errors', 'nobody'] }));
  assert.equal(await enabled(), false);
  await client.send(new EnableAlarmActionsCommand({ AlarmNames: ['errors'] }));
  assert.equal(await enabled(), true);
});

test('tags', async () => {
  await putAlarm({ Tags: [{ Key: 'team', Value: 'web' }] });
  const ResourceARN = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors';
  const tags = async () => (await client.send(new ListTagsForResourceCommand({ ResourceARN }))).Tags;
  await client.send(
    new TagResourceCommand({
      ResourceARN,
      Tags: [
        { Key: 'team', Value: 'api' },
        { Key: 'tier', Value: '' },
      ],
    }),
  );
  assert.deepEqual(await tags(), [
    { Key: 'team', Value: 'api' },
    { Key: 'tier', Value: '' },
  ]);
  await client.send(new UntagResourceCommand({ ResourceARN, TagKeys: ['team', 'nothing'] }));
  await putAlarm({ Tags: [{ Key: 'ignored', Value: 'on update' }] });
  assert.deepEqual(await tags(), [{ Key: 'tier', Value: '' }]);
  const many = Array.from({ length: 50 }, (_, i) => ({ Key: `k${i}`, Value: 'v' }));
  const rows: [() => Promise<unknown>, RegExp][] = [
    [
      () => client.send(new TagResourceCommand({ ResourceARN, Tags: many })),
      /^InvalidParameterValueException: .*size greater than 50/,
    ],
    [
      () => client.send(new TagResourceCommand({ ResourceARN, Tags: [{ Key: 'aws:x', Value: '' }] })),
      /^InvalidParameterValueException: aws: prefixed/,
    ],
    [
      () => client.send(new ListTagsForResourceCommand({ ResourceARN: `${ResourceARN}x` })),
      /^ResourceNotFoundException: /,
    ],
    [() => client.send(new ListTagsForResourceCommand({ ResourceARN: 'errors' })), /^InvalidParameterValueException: /],
  ];
  for (const [work, expected] of rows) assert.match(await refusal(work()), expected);
});

test('bad alarms are refused', async () => {
  const action = 'arn:aws:sns:us-east-1:000000000000:t';
  const rows: [Partial<PutMetricAlarmCommandInput>, RegExp][] = [
    [
      { AlarmName: 'x'.repeat(256) },
      /^Validation(Error|Exception): 1 validation error detected: Value 'x+' at 'alarmName' failed to satisfy constraint: Member must have length less than or equal to 255$/,
    ],
    [{ AlarmName: 'a\nb' }, /control characters/],
    [{ Period: 45 }, /Period must be 10, 20, 30 or a multiple of 60/],
    [
      { Period: 60, EvaluationPeriods: 1441 },
      /Metrics cannot be checked across more than a day \(EvaluationPeriods \* Period must be <= 86400\)/,
    ],
    [
      { Period: 86_400, EvaluationPeriods: 8 },
      /Metrics cannot be checked across more than a week \(EvaluationPeriods \* Period must be <= 604800\)/,
    ],
    [
      { EvaluationPeriods: 0 },
      /'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1/,
    ],
    [{ EvaluationPeriods: undefined }, /The parameter EvaluationPeriods is required/],
    [{ DatapointsToAlarm: 2 }, /DatapointsToAlarm must be less than or equal to EvaluationPeriods/],
    [
      { ComparisonOperator: 'Equal' as never },
      /'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set/,
    ],
    [{ ComparisonOperator: undefined }, /ComparisonOperator is required/],
    [{ Threshold: undefined }, /Threshold is required/],
    [{ Threshold: Number.NaN }, /Threshold/],
    [{ TreatMissingData: 'good' }, /The value good for parameter TreatMissingData is not supported\./],
    [{ EvaluateLowSampleCountPercentile: 'maybe' }, /Option maybe is not supported\./],
    [{ ExtendedStatistic: 'p90' }, /^InvalidParameterCombinationException: .*mutually exclusive/],
    [{ Statistic: undefined }, /Statistic is required/],
    [
      { Statistic: undefined, ExtendedStatistic: 'p200' },
      /The value p200 for parameter ExtendedStatistic is not supported/,
    ],
    [{ Statistic: 'Median' as never }, /'statistic' failed to satisfy constraint/],
    [{ Unit: 'Bananas' as never }, /Unit must be a value in the set/],
    [{ MetricName: undefined }, /MetricName is required/],
    [
      { AlarmActions: Array(6).fill(action) },
      /'alarmActions' failed to satisfy constraint: Member must have length less than or equal to 5/,
    ],
    [{ OKActions: ['mail me'] }, /Invalid arn syntax: mail me/],
    [{ Metrics: [] }, /^InvalidParameterCombinationException: /],
    [{ ThresholdMetricId: 'ad1' }, /^NotImplemented: .*anomaly/],
    [{ ComparisonOperator: 'GreaterThanUpperThreshold' }, /^NotImplemented: .*anomaly/],
    [{ EvaluationCriteria: { PromQLCriteria: { Query: 'up' } } }, /^NotImplemented: .*EvaluationCriteria/],
  ];
  for (const [more, expected] of rows) assert.match(await refusal(putAlarm(more)), expected, JSON.stringify(more));
  const none = { Namespace: undefined, MetricName: undefined, Statistic: undefined, Period: undefined };
  const math = [{ Id: 'e1', Expression: 'm1 * 2' }];
  assert.match(await refusal(putAlarm({ ...none, Metrics: math })), /^NotImplemented: .*Expression/);
  assert.deepEqual(await describe(), []);
  assert.match(
    await refusal(client.send(new SetAlarmStateCommand({ AlarmName: 'nobody', StateValue: 'OK', StateReason: '' }))),
    /^ResourceNotFound: /,
  );
  await putAlarm();
  const bad = new SetAlarmStateCommand({
    AlarmName: 'errors',
    StateValue: 'OK',
    StateReason: '',
    StateReasonData: '{',
  });
  assert.match(await refusal(client.send(bad)), /^InvalidFormatFault: /);
});
