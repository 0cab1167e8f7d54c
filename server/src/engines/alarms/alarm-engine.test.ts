// Alarms on a virtual clock over real storage; what they send is caught where delivery calls the target.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach, before, beforeEach } from 'node:test';
import type { OperationCall } from '#core/caller.ts';
import { VirtualClock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { createLogger } from '#core/log.ts';
import type { MeterSample } from '#core/meter.ts';
import { createDelivery, type Delivery } from '#engines/delivery/delivery.ts';
import { createMeter } from '#engines/metrics/meter.ts';
import { createMetricStore, type MetricStore } from '#engines/metrics/metric-store.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { StateStore } from '#storage/state/state.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { AlarmConfiguration, AlarmMetric } from './alarm-document.ts';
import { type AlarmEngine, createAlarmEngine } from './alarm-engine.ts';

const SCOPE = { account: '123456789012', region: 'us-east-1' };
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:alerts';
const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:repair';
const START_MS = Date.UTC(2026, 10, 23, 1);
const SECOND = 1000;
const MINUTE = 60_000;

const dir = mkdtempSync(join(tmpdir(), 'brume-alarms-'));
const log = createLogger('silent');
let state: StateStore;
let telemetry: Telemetry;
let clock: VirtualClock;
let delivery: Delivery;
let metrics: MetricStore;
let alarms: AlarmEngine;
let calls: { service: string; operation: string; input: any }[] = [];
let refuse: ((operation: string) => Error | undefined) | undefined;

const call = (async (service: string, operation: string, input: object) => {
  const error = refuse?.(operation);
  if (error) throw error;
  calls.push({ service, operation, input });
  return {};
}) as OperationCall;

before(async () => {
  state = await openStateStore({ dir: join(dir, 'state'), durable: false, log });
  telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: false, log });
});

/** A new process over the same stores. */
async function startEngines(): Promise<void> {
  delivery = createDelivery({ state, clock, call, log });
  metrics = createMetricStore({ state, telemetry, clock, log });
  alarms = createAlarmEngine({ state, metrics, clock, call, delivery, log });
  await delivery.start();
  await alarms.start();
}

async function stopEngines(): Promise<void> {
  await alarms.stop();
  await delivery.stop();
}

beforeEach(async () => {
  clock = new VirtualClock(START_MS);
  calls = [];
  refuse = undefined;
  await startEngines();
});

afterEach(async () => {
  await stopEngines();
  await state.reset();
  await telemetry.reset();
});

after(async () => {
  await telemetry.close();
  await state.close();
  rmSync(dir, { recursive: true, force: true });
});

const metricOf = (more: Partial<AlarmMetric> = {}): AlarmMetric => ({
  namespace: 'Shop',
  metricName: 'Errors',
  dimensions: [],
  statistic: 'Sum',
  periodS: 60,
  ...more,
});

const configuration = (more: Partial<AlarmConfiguration> = {}): AlarmConfiguration => ({
  alarmName: 'errors',
  actionsEnabled: true,
  okActions: [],
  alarmActions: [],
  insufficientDataActions: [],
  metric: metricOf(),
  evaluationPeriods: 1,
  threshold: 1,
  comparisonOperator: 'GreaterThanOrEqualToThreshold',
  ...more,
});

function put(
  value: number,
  more: { ageMs?: number; metricName?: string; values?: number[]; resolution?: number; unit?: string } = {},
) {
  const { ageMs = 0, metricName = 'Errors', values = [value], resolution = 60, unit } = more;
  const timestampMs = clock.now() - ageMs;
  const inUnit = unit === undefined ? {} : { unit };
  const data = { kind: 'values' as const, values };
  return metrics.put(SCOPE, 'Shop', [
    { metricName, dimensions: {}, timestampMs, storageResolution: resolution, ...inUnit, data },
  ]);
}

const stateOf = async (name = 'errors') => (await alarms.get(SCOPE, name))!.state;
const stateValue = async (name = 'errors') => (await stateOf(name)).value;
const transitions = async (name = 'errors') => {
  const { items } = await alarms.history(SCOPE, {
    alarmName: name,
    type: 'StateUpdate',
    newestFirst: false,
    limit: 100,
  });
  return items.map(
    ({ summary, timestampMs }) => `${(timestampMs - START_MS) / SECOND} ${summary.replace('Alarm updated from ', '')}`,
  );
};

test('a new alarm has no data; a final breach alarms at once, and the state comes back when the data age', async () => {
  await alarms.put(SCOPE, configuration(), {});
  assert.deepEqual(await stateOf(), {
    value: 'INSUFFICIENT_DATA',
    reason: 'Unchecked: Initial alarm creation',
    updatedMs: START_MS,
    transitionedMs: START_MS,
  });
  await clock.advanceBy(2 * MINUTE + 10 * SECOND);
  assert.equal(await stateValue(), 'INSUFFICIENT_DATA');
  await put(2);
  await clock.advanceBy(SECOND);
  const alarmed = await stateOf();
  assert.equal(alarmed.value, 'ALARM');
  assert.equal(
    alarmed.reason,
    'Threshold Crossed: 1 datapoint [2.0 (23/11/26 01:02:00)] was greater than or equal to the threshold (1.0).',
  );
  assert.deepEqual(JSON.parse(alarmed.reasonData!), {
    version: '1.0',
    queryDate: '2026-11-23T01:02:10.200+0000',
    startDate: '2026-11-23T01:02:00.000+0000',
    statistic: 'Sum',
    period: 60,
    recentDatapoints: [2],
    threshold: 1,
    evaluatedDatapoints: [{ timestamp: '2026-11-23T01:02:00.000+0000', sampleCount: 1, value: 2 }],
  });
  await clock.advanceBy(20 * MINUTE);
  assert.deepEqual(await transitions(), ['130.2 INSUFFICIENT_DATA to ALARM', '363 ALARM to INSUFFICIENT_DATA']);
});

test('a breach that may still be undone waits for the end of its period', async () => {
  for (const statistic of ['Average', 'Maximum', 'Minimum', 'SampleCount', 'p99'] as const) {
    await alarms.put(SCOPE, configuration({ alarmName: statistic, metric: metricOf({ statistic }) }), {});
  }
  await clock.advanceBy(MINUTE + 5 * SECOND);
  await put(5);
  await clock.advanceBy(SECOND);
  const states = async () => {
    const all = await alarms.list(SCOPE);
    return all.filter(({ state }) => state.value === 'ALARM').map(({ configuration }) => configuration.alarmName);
  };
  assert.deepEqual(await states(), ['Maximum', 'SampleCount']);
  await clock.advanceBy(MINUTE);
  assert.deepEqual(await states(), ['Average', 'Maximum', 'Minimum', 'SampleCount', 'p99']);
});

test('M out of N', async () => {
  await alarms.put(
    SCOPE,
    configuration({ evaluationPeriods: 3, datapointsToAlarm: 2, metric: metricOf({ statistic: 'Average' }) }),
    {},
  );
  const seen: string[] = [];
  for (const value of [0, 0, 5, 0, 5, 0, 0, 5, 5, 0, 0, 0]) {
    await put(value);
    await clock.advanceBy(MINUTE);
    // Evaluated three seconds into the minute.
    await clock.advanceBy(5 * SECOND);
    seen.push(`${value} ${await stateValue()}`);
    await clock.advanceBy(-5 * SECOND + MINUTE - MINUTE);
  }
  assert.deepEqual(seen, [
    '0 OK',
    '0 OK',
    '5 OK',
    '0 OK',
    '5 ALARM',
    '0 OK',
    '0 OK',
    '5 OK',
    '5 ALARM',
    '0 ALARM',
    '0 OK',
    '0 OK',
  ]);
});

test('missing data, treated in the four ways', async () => {
  for (const treatMissingData of ['missing', 'ignore', 'breaching', 'notBreaching'] as const) {
    const metric = metricOf({ statistic: 'Average' });
    await alarms.put(
      SCOPE,
      configuration({ alarmName: treatMissingData, treatMissingData, evaluationPeriods: 2, metric }),
      {},
    );
  }
  await put(0);
  await clock.advanceBy(MINUTE);
  await put(0);
  await clock.advanceBy(20 * MINUTE);
  assert.deepEqual(await transitions('missing'), ['63 INSUFFICIENT_DATA to OK', '363 OK to INSUFFICIENT_DATA']);
  assert.deepEqual(await transitions('ignore'), ['63 INSUFFICIENT_DATA to OK']);
  assert.deepEqual(await transitions('breaching'), ['63 INSUFFICIENT_DATA to OK', '363 OK to ALARM']);
  assert.deepEqual(await transitions('notBreaching'), ['63 INSUFFICIENT_DATA to OK']);
  assert.match(
    (await stateOf('breaching')).reason,
    /no datapoints were received for 2 periods and 2 missing datapoints were treated as \[Breaching\]/,
  );
});

test('alarms over long periods slide by the minute', async () => {
  await alarms.put(
    SCOPE,
    configuration({ metric: metricOf({ statistic: 'Average', periodS: 300 }), threshold: 10 }),
    {},
  );
  await clock.advanceBy(2 * MINUTE + 30 * SECOND);
  await put(20);
  await clock.advanceBy(MINUTE);
  const { value, reason } = await stateOf();
  assert.equal(value, 'ALARM');
  assert.match(reason, /\[20\.0 \(23\/11\/26 00:58:00\)\]/);
});

test('high-resolution alarms are evaluated every ten seconds', async () => {
  const metric = metricOf({ statistic: 'Average', periodS: 10 });
  await alarms.put(SCOPE, configuration({ evaluationPeriods: 2, metric }), {});
  for (let i = 0; i < 4; i++) {
    await put(i < 2 ? 5 : 0, { resolution: 1 });
    await clock.advanceBy(10 * SECOND);
  }
  await clock.advanceBy(5 * SECOND);
  assert.deepEqual(await transitions(), ['23 INSUFFICIENT_DATA to ALARM', '33 ALARM to OK']);
});

test('alarms over more than a day are evaluated by the hour', async () => {
  const metric = metricOf({ statistic: 'Average', periodS: 3600 });
  await alarms.put(SCOPE, configuration({ metric, evaluationPeriods: 25, datapointsToAlarm: 1 }), {});
  await clock.advanceBy(10 * MINUTE);
  await put(5);
  await clock.advanceBy(40 * MINUTE);
  assert.equal(await stateValue(), 'INSUFFICIENT_DATA');
  await clock.advanceBy(20 * MINUTE);
  assert.deepEqual(await transitions(), ['3603 INSUFFICIENT_DATA to ALARM']);
});

test('only data of the alarm unit count', async () => {
  await alarms.put(SCOPE, configuration({ metric: metricOf({ unit: 'Count' }) }), {});
  await put(5, { unit: 'Seconds' });
  await clock.advanceBy(2 * MINUTE);
  assert.equal(await stateValue(), 'INSUFFICIENT_DATA');
  await clock.advanceBy(10 * SECOND);
  await put(5, { unit: 'Count' });
  await clock.advanceBy(SECOND);
  assert.equal(await stateValue(), 'ALARM');
});

test('percentiles of few samples are ignored when the alarm says so', async () => {
  const metric = metricOf({ statistic: 'p90' });
  await alarms.put(
    SCOPE,
    configuration({ alarmName: 'ignore', metric, evaluateLowSampleCountPercentile: 'ignore' }),
    {},
  );
  await alarms.put(SCOPE, configuration({ alarmName: 'evaluate', metric }), {});
  await put(5);
  await clock.advanceBy(MINUTE + 5 * SECOND);
  assert.equal(await stateValue('evaluate'), 'ALARM');
  assert.equal(await stateValue('ignore'), 'INSUFFICIENT_DATA');
  await metrics.put(SCOPE, 'Shop', [
    {
      metricName: 'Errors',
      dimensions: {},
      timestampMs: clock.now(),
      data: { kind: 'values', values: [5], counts: [100] },
    },
  ]);
  await clock.advanceBy(MINUTE);
  assert.equal(await stateValue('ignore'), 'ALARM');
});

test('DynamoDB alarms ignore missing data unless told otherwise', async () => {
  const metric = metricOf({ namespace: 'AWS/DynamoDB', metricName: 'ThrottledRequests' });
  await alarms.put(SCOPE, configuration({ metric }), {});
  await alarms.setState(SCOPE, 'errors', 'ALARM', 'by hand');
  await clock.advanceBy(5 * MINUTE);
  assert.equal(await stateValue(), 'ALARM');
  await alarms.put(SCOPE, configuration({ metric, treatMissingData: 'notBreaching' }), {});
  await clock.advanceBy(MINUTE + 5 * SECOND);
  assert.equal(await stateValue(), 'OK');
});

test('notifications of topics and events of functions', async () => {
  await alarms.put(
    SCOPE,
    configuration({
      alarmDescription: 'Something failed',
      alarmActions: [TOPIC, FUNCTION],
      okActions: [TOPIC],
      datapointsToAlarm: 1,
    }),
    {},
  );
  await clock.advanceBy(10 * SECOND);
  await put(3);
  await clock.advanceBy(SECOND);
  assert.deepEqual(
    calls.map(({ service, operation }) => `${service} ${operation}`),
    ['sns Publish', 'lambda Invoke'],
  );
  const [publish, invoke] = calls;
  const reason =
    'Threshold Crossed: 1 out of the last 1 datapoints [3.0 (23/11/26 01:00:00)] was greater than or equal to the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition).';
  assert.equal(publish!.input.Subject, 'ALARM: "errors" in US East (N. Virginia)');
  assert.equal(publish!.input.TopicArn, TOPIC);
  assert.equal(
    publish!.input.Message,
    `{"AlarmName":"errors","AlarmDescription":"Something failed","AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-11-23T01:00:00.000+0000","NewStateValue":"ALARM","NewStateReason":"${reason}","StateChangeTime":"2026-11-23T01:00:10.200+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors","OldStateValue":"INSUFFICIENT_DATA","OKActions":["${TOPIC}"],"AlarmActions":["${TOPIC}","${FUNCTION}"],"InsufficientDataActions":[],"Trigger":{"MetricName":"Errors","Namespace":"Shop","StatisticType":"Statistic","Statistic":"SUM","Unit":null,"Dimensions":[],"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanOrEqualToThreshold","Threshold":1.0,"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":""}}`,
  );
  assert.equal(invoke!.input.FunctionName, FUNCTION);
  const event = JSON.parse(Buffer.from(invoke!.input.Payload).toString());
  const { reasonData } = await stateOf();
  assert.match(event.alarmData.configuration.metrics[0].id, /^[0-9a-f-]{36}$/);
  delete event.alarmData.configuration.metrics[0].id;
  assert.deepEqual(event, {
    source: 'aws.cloudwatch',
    alarmArn: 'arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors',
    accountId: '123456789012',
    time: '2026-11-23T01:00:10.200+0000',
    region: 'us-east-1',
    alarmData: {
      alarmName: 'errors',
      state: { value: 'ALARM', reason, reasonData, timestamp: '2026-11-23T01:00:10.200+0000' },
      previousState: {
        value: 'INSUFFICIENT_DATA',
        reason: 'Unchecked: Initial alarm creation',
        timestamp: '2026-11-23T01:00:00.000+0000',
      },
      configuration: {
        description: 'Something failed',
        metrics: [
          {
            metricStat: { metric: { namespace: 'Shop', name: 'Errors', dimensions: {} }, period: 60, stat: 'Sum' },
            returnData: true,
          },
        ],
      },
    },
  });
  calls = [];
  await put(0);
  await clock.advanceBy(10 * MINUTE);
  assert.deepEqual(await transitions(), ['10.2 INSUFFICIENT_DATA to ALARM', '243 ALARM to INSUFFICIENT_DATA']);
  assert.deepEqual(calls, []);
});

test('history: configuration, states and actions, with what came of them', async () => {
  const unknown = 'arn:aws:automate:us-east-1:ec2:stop';
  refuse = (operation) =>
    operation === 'Invoke'
      ? new AwsError('ResourceNotFoundException', 'Function not found', { status: 404 })
      : undefined;
  await alarms.put(SCOPE, configuration({ alarmActions: [TOPIC, unknown, FUNCTION] }), {});
  await clock.advanceBy(10 * SECOND);
  await put(1);
  await clock.advanceBy(SECOND);
  await alarms.delete(SCOPE, ['errors', 'other']);
  const { items } = await alarms.history(SCOPE, { newestFirst: false, limit: 100 });
  assert.deepEqual(
    items.map(({ type, summary }) => `${type}: ${summary}`).sort(),
    [
      'ConfigurationUpdate: Alarm "errors" created',
      'StateUpdate: Alarm updated from INSUFFICIENT_DATA to ALARM',
      `Action: Failed to execute action ${unknown}. Received error: "Brume does not execute automate actions yet"`,
      `Action: Successfully executed action ${TOPIC}`,
      `Action: Failed to execute action ${FUNCTION}. Received error: "Function not found"`,
      'ConfigurationUpdate: Alarm "errors" deleted',
    ].sort(),
  );
  const data = (start: string) => items.find(({ summary }) => summary.startsWith(start))!.data;
  assert.equal(
    data('Alarm "errors" created'),
    `{"version":"1.0","type":"Create","createdAlarm":{"alarmName":"errors","alarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors","alarmConfigurationUpdatedTimestamp":"2026-11-23T01:00:00.000+0000","namespace":"Shop","metricName":"Errors","statistic":"Sum","period":60,"dimensions":[],"threshold":1.0,"comparisonOperator":"GreaterThanOrEqualToThreshold","evaluationPeriods":1,"stateValue":"INSUFFICIENT_DATA","stateUpdatedTimestamp":"2026-11-23T01:00:00.000+0000","actionsEnabled":true,"alarmActions":["${TOPIC}","${unknown}","${FUNCTION}"],"insufficientDataActions":[],"okactions":[]}}`,
  );
  assert.equal(
    data('Alarm updated'),
    '{"version":"1.0","oldState":{"stateValue":"INSUFFICIENT_DATA","stateReason":"Unchecked: Initial alarm creation"},"newState":{"stateValue":"ALARM","stateReason":"Threshold Crossed: 1 datapoint [1.0 (23/11/26 01:00:00)] was greater than or equal to the threshold (1.0).","stateReasonData":{"version":"1.0","queryDate":"2026-11-23T01:00:10.200+0000","startDate":"2026-11-23T01:00:00.000+0000","statistic":"Sum","period":60,"recentDatapoints":[1.0],"threshold":1.0,"evaluatedDatapoints":[{"timestamp":"2026-11-23T01:00:00.000+0000","sampleCount":1.0,"value":1.0}]}}}',
  );
  const action = JSON.parse(data('Successfully executed'));
  assert.equal(action.actionState, 'Succeeded');
  assert.equal(action.notificationResource, TOPIC);
  assert.equal(JSON.parse(action.publishedMessage).NewStateValue, 'ALARM');
});

test('history: pages and time ranges, both ways, and 30 days', async () => {
  await alarms.put(SCOPE, configuration({ treatMissingData: 'ignore' }), {});
  await alarms.put(SCOPE, configuration({ alarmName: 'errors2', treatMissingData: 'ignore' }), {});
  for (let i = 0; i < 10; i++) {
    await clock.advanceBy(MINUTE);
    await alarms.setState(SCOPE, 'errors', i % 2 ? 'OK' : 'ALARM', `change ${i}`);
  }
  for (const newestFirst of [true, false]) {
    const seen: number[] = [];
    let next: string | undefined;
    do {
      const range = { startMs: START_MS + 2 * MINUTE, endMs: START_MS + 9 * MINUTE };
      const page = await alarms.history(SCOPE, {
        alarmName: 'errors',
        ...range,
        newestFirst,
        limit: 3,
        ...(next === undefined ? {} : { after: next }),
      });
      seen.push(...page.items.map(({ timestampMs }) => (timestampMs - START_MS) / MINUTE));
      next = page.next;
    } while (next !== undefined);
    const expected = [2, 3, 4, 5, 6, 7, 8, 9];
    assert.deepEqual(seen, newestFirst ? expected.toReversed() : expected);
  }
  const everything = { newestFirst: false, limit: 1000 };
  assert.equal((await alarms.history(SCOPE, everything)).items.length, 12);
  await clock.advanceBy(31 * 24 * 60 * MINUTE);
  assert.equal((await alarms.history(SCOPE, everything)).items.length, 0);
  assert.equal((await alarms.history(SCOPE, { ...everything, alarmName: 'errors' })).items.length, 0);
});

test('a state set by hand acts, and lasts until the data are looked at again', async () => {
  await alarms.put(SCOPE, configuration({ alarmActions: [TOPIC] }), {});
  await clock.advanceBy(5 * SECOND);
  await alarms.setState(SCOPE, 'errors', 'ALARM', 'a drill', '{"drill":1.50}');
  await clock.advanceBy(SECOND);
  assert.equal(calls.length, 1);
  assert.equal(JSON.parse(calls[0]!.input.Message).NewStateReason, 'a drill');
  await alarms.setState(SCOPE, 'errors', 'ALARM', 'again');
  assert.equal((await stateOf()).reason, 'again');
  await clock.advanceBy(MINUTE);
  assert.deepEqual(await transitions(), ['5 INSUFFICIENT_DATA to ALARM', '63 ALARM to INSUFFICIENT_DATA']);
  const { items } = await alarms.history(SCOPE, { type: 'StateUpdate', newestFirst: false, limit: 1 });
  assert.match(items[0]!.data, /"stateReasonData":\{"drill":1\.50\}/);
  assert.equal(await alarms.setState(SCOPE, 'nobody', 'OK', ''), false);
  assert.equal(calls.length, 1);
});

test('disabled actions stay silent; the state changes all the same', async () => {
  await alarms.put(SCOPE, configuration({ alarmActions: [TOPIC] }), {});
  await alarms.setActionsEnabled(SCOPE, ['errors', 'nobody'], false);
  await put(1);
  await clock.advanceBy(5 * SECOND);
  assert.equal(await stateValue(), 'ALARM');
  assert.equal(calls.length, 0);
  await alarms.setActionsEnabled(SCOPE, ['errors'], true);
  await alarms.setState(SCOPE, 'errors', 'OK', 'reset');
  await clock.advanceBy(SECOND);
  await put(1);
  await clock.advanceBy(10 * SECOND);
  assert.equal(calls.length, 1);
});

test('a new configuration keeps the state and is evaluated; an update of a deleted alarm starts anew', async () => {
  await alarms.put(SCOPE, configuration(), { team: 'web' });
  await put(5);
  await clock.advanceBy(5 * SECOND);
  assert.equal(await stateValue(), 'ALARM');
  await alarms.put(SCOPE, configuration({ threshold: 100 }), { ignored: 'yes' });
  const updated = (await alarms.get(SCOPE, 'errors'))!;
  assert.equal(updated.state.value, 'ALARM');
  assert.deepEqual(updated.tags, { team: 'web' });
  await clock.advanceBy(MINUTE + 5 * SECOND);
  assert.equal(await stateValue(), 'OK');
  await alarms.delete(SCOPE, ['errors']);
  assert.deepEqual(await alarms.list(SCOPE), []);
  await alarms.put(SCOPE, configuration(), {});
  assert.equal(await stateValue(), 'INSUFFICIENT_DATA');
});

test('states and what is still to be sent survive a restart', async () => {
  refuse = () => new Error('not now');
  await alarms.put(SCOPE, configuration({ alarmActions: [TOPIC] }), {});
  await put(1);
  await clock.advanceBy(5 * SECOND);
  assert.equal(calls.length, 0);
  await stopEngines();
  refuse = undefined;
  await startEngines();
  assert.equal(await stateValue(), 'ALARM');
  await clock.advanceBy(MINUTE);
  assert.equal(calls.length, 1);
  const { items } = await alarms.history(SCOPE, { type: 'Action', newestFirst: true, limit: 10 });
  assert.deepEqual(
    items.map(({ summary }) => summary),
    [`Successfully executed action ${TOPIC}`],
  );
  assert.deepEqual((await transitions()).length, 1);
});

test('what a service records reaches its alarm at once', async () => {
  const meter = createMeter({ metrics, clock, log });
  const dimensions = [{ Name: 'FunctionName', Value: 'load' }];
  await alarms.put(SCOPE, configuration({ metric: metricOf({ namespace: 'AWS/Lambda', dimensions }) }), {});
  await clock.advanceBy(10 * SECOND);
  const sample: Omit<MeterSample, 'value'> = {
    namespace: 'AWS/Lambda',
    metricName: 'Errors',
    dimensions: [{}, { FunctionName: 'load' }],
    unit: 'Count',
  };
  meter.record(SCOPE, { ...sample, value: 0 });
  await clock.advanceBy(SECOND);
  assert.equal(await stateValue(), 'INSUFFICIENT_DATA');
  await clock.advanceBy(10 * SECOND);
  meter.record(SCOPE, { ...sample, value: 1 });
  await clock.advanceBy(SECOND);
  assert.equal(await stateValue(), 'ALARM');
  await meter.stop();
});

test('an alarm whose data have aged asks ClickHouse nothing', async () => {
  await alarms.put(SCOPE, configuration({ treatMissingData: 'notBreaching' }), {});
  await put(0);
  await clock.advanceBy(5 * MINUTE);
  const query = telemetry.query.bind(telemetry);
  telemetry.query = () => assert.fail('a query') as never;
  try {
    await clock.advanceBy(24 * 60 * MINUTE);
  } finally {
    telemetry.query = query;
  }
  await put(1);
  await clock.advanceBy(5 * SECOND);
  assert.equal(await stateValue(), 'ALARM');
});

test('many alarms due at once share statements', async () => {
  const counted = { statements: 0 };
  const query = telemetry.query.bind(telemetry);
  telemetry.query = ((...args: Parameters<Telemetry['query']>) => {
    counted.statements++;
    return query(...args);
  }) as Telemetry['query'];
  try {
    for (let i = 0; i < 60; i++) {
      const metric = metricOf({
        metricName: `M${i}`,
        statistic: i % 2 ? 'Average' : 'p90',
        periodS: 60 * (1 + (i % 3)),
      });
      await alarms.put(SCOPE, configuration({ alarmName: `a${i}`, metric, threshold: 50 }), {});
      await put(i < 30 ? 100 : 0, { metricName: `M${i}` });
    }
    counted.statements = 0;
    await clock.advanceBy(MINUTE + 5 * SECOND);
    const states = (await alarms.list(SCOPE)).map(({ state }) => state.value);
    assert.equal(states.filter((value) => value === 'ALARM').length, 30);
    assert.equal(states.filter((value) => value === 'OK').length, 30);
    // One for the data that came in, one at the minute.
    assert.ok(counted.statements <= 3, `${counted.statements} statements`);
  } finally {
    telemetry.query = query;
  }
});
