import assert from 'node:assert/strict';
import test from 'node:test';
import { actionRequest, type StateChange, snsMessage, snsSubject } from './alarm-actions.ts';
import type { AlarmConfiguration } from './alarm-document.ts';

function change(more: Partial<AlarmConfiguration> = {}, region = 'us-east-1'): StateChange {
  const configuration: AlarmConfiguration = {
    alarmName: 'slow',
    actionsEnabled: true,
    okActions: [],
    alarmActions: [],
    insufficientDataActions: [],
    metric: {
      namespace: 'Shop',
      metricName: 'Latency',
      dimensions: [{ Name: 'Api', Value: 'orders' }],
      statistic: 'p99',
      periodS: 300,
      unit: 'Milliseconds',
    },
    evaluationPeriods: 3,
    threshold: 250,
    comparisonOperator: 'GreaterThanThreshold',
    ...more,
  };
  const state = { value: 'ALARM' as const, reason: 'because', updatedMs: 0, transitionedMs: 0 };
  const alarm = { arn: 'arn', configuration, configurationUpdatedMs: 0, state, tags: {}, revision: 1 };
  return { scope: { account: '000000000000', region }, alarm, previous: { ...state, value: 'OK' } };
}

test('subjects name the region, and fit', () => {
  assert.equal(snsSubject(change()), 'ALARM: "slow" in US East (N. Virginia)');
  assert.equal(snsSubject(change({}, 'mars-north-1')), 'ALARM: "slow" in mars-north-1');
  const long = snsSubject(change({ alarmName: 'x'.repeat(255) }, 'eu-west-1'));
  assert.equal(long.length, 100);
  assert.match(long, /^ALARM: "x+\.\.\." in EU \(Ireland\)$/);
  assert.equal(snsSubject(change({ alarmName: 'zu heiß' })), 'ALARM: "zu hei?" in US East (N. Virginia)');
});

test('triggers of extended statistics and of metric queries', () => {
  const trigger = (more: Partial<AlarmConfiguration> = {}) => JSON.parse(snsMessage(change(more))).Trigger;
  const thresholds = {
    EvaluationPeriods: 3,
    ComparisonOperator: 'GreaterThanThreshold',
    Threshold: 250,
    TreatMissingData: 'missing',
    EvaluateLowSampleCountPercentile: '',
  };
  assert.deepEqual(trigger(), {
    MetricName: 'Latency',
    Namespace: 'Shop',
    StatisticType: 'ExtendedStatistic',
    ExtendedStatistic: 'p99',
    Unit: 'Milliseconds',
    Dimensions: [{ value: 'orders', name: 'Api' }],
    Period: 300,
    ...thresholds,
  });
  assert.deepEqual(trigger({ query: { id: 'm1', label: 'slowest' } }), {
    Period: 300,
    ...thresholds,
    Metrics: [
      {
        Id: 'm1',
        Label: 'slowest',
        MetricStat: {
          Metric: { Dimensions: [{ value: 'orders', name: 'Api' }], MetricName: 'Latency', Namespace: 'Shop' },
          Period: 300,
          Stat: 'p99',
          Unit: 'Milliseconds',
        },
        ReturnData: true,
      },
    ],
  });
});

test('what can be delivered, and what cannot', () => {
  const rows = [
    ['arn:aws:sns:us-east-1:000000000000:t', 'cloudwatch.amazonaws.com'],
    ['arn:aws:lambda:us-east-1:000000000000:function:f:live', 'lambda.alarms.cloudwatch.amazonaws.com'],
    ['arn:aws:automate:us-east-1:ec2:stop', 'Brume does not execute automate actions yet'],
    ['arn:aws:ssm:us-east-1:000000000000:opsitem:1', 'Brume does not execute ssm actions yet'],
  ] as const;
  for (const [action, expected] of rows) {
    const request = actionRequest(action, change());
    assert.equal('failure' in request ? request.failure : request.sourceService, expected);
  }
});
