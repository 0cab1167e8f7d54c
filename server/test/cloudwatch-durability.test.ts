// kill -9 while metrics and alarms are created: every acknowledged one is there afterwards, whole and once.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CloudWatchClient,
  GetMetricDataCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  paginateDescribeAlarms,
  paginateListMetrics,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { clientConfig, spawnBrume, temporaryDirectory } from '#test/harness.ts';
import { seeded } from './seeded-random.ts';

const ROUNDS = 3;
const WRITERS = 3;

test('kill -9 while metrics and alarms are created', { timeout: 120_000 }, async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  t.diagnostic(`SEED=${seed}`);
  const random = seeded(seed);
  const dataDir = temporaryDirectory();
  const metrics = new Set<string>();
  const alarms = new Set<string>();
  const started = Date.now();

  for (let round = 0; round < ROUNDS; round++) {
    const brume = await spawnBrume(dataDir);
    const client = new CloudWatchClient(clientConfig(brume));
    let running = true;
    const writer = async (id: number) => {
      for (let i = 0; running; i++) {
        const name = `${round}-${id}-${i}`;
        try {
          const datum = {
            MetricName: 'Count',
            Dimensions: [{ Name: 'Name', Value: name }],
            Value: 1,
            Timestamp: new Date(),
          };
          await client.send(new PutMetricDataCommand({ Namespace: 'Kill', MetricData: [datum] }));
          metrics.add(name);
          await client.send(
            new PutMetricAlarmCommand({
              AlarmName: name,
              Namespace: 'Kill',
              MetricName: 'Other',
              Statistic: 'Sum',
              Period: 60,
              EvaluationPeriods: 1,
              Threshold: 1,
              ComparisonOperator: 'GreaterThanThreshold',
              TreatMissingData: 'ignore',
            }),
          );
          await client.send(new SetAlarmStateCommand({ AlarmName: name, StateValue: 'ALARM', StateReason: name }));
          alarms.add(name);
        } catch {
          // Not acknowledged: it may be there or not.
        }
      }
    };
    const writers = Array.from({ length: WRITERS }, (_, id) => writer(id));
    await sleep(300 + random() * 900);
    const killed = brume.kill();
    running = false;
    await killed;
    await Promise.all(writers);
  }

  const brume = await spawnBrume(dataDir);
  const client = new CloudWatchClient(clientConfig(brume));
  const states = new Map<string, string>();
  for await (const { MetricAlarms } of paginateDescribeAlarms({ client, pageSize: 100 }, {})) {
    for (const { AlarmName, StateReason } of MetricAlarms!) states.set(AlarmName!, StateReason!);
  }
  for (const name of alarms) assert.equal(states.get(name), name);

  const listed: string[] = [];
  for await (const { Metrics } of paginateListMetrics({ client }, { Namespace: 'Kill' })) {
    listed.push(...Metrics!.map(({ Dimensions }) => Dimensions![0]!.Value!));
  }
  assert.equal(new Set(listed).size, listed.length);
  for (let i = 0; i < listed.length; i += 500) {
    const names = listed.slice(i, i + 500);
    const MetricDataQueries = names.map((Value, j) => ({
      Id: `m${j}`,
      MetricStat: {
        Metric: { Namespace: 'Kill', MetricName: 'Count', Dimensions: [{ Name: 'Name', Value }] },
        Stat: 'Sum',
        Period: 3600,
      },
    }));
    const { MetricDataResults } = await client.send(
      new GetMetricDataCommand({
        MetricDataQueries,
        StartTime: new Date(started - 3_600_000),
        EndTime: new Date(Date.now() + 3_600_000),
      }),
    );
    for (const [j, { Values }] of MetricDataResults!.entries()) {
      const sum = Values!.reduce((total, value) => total + value, 0);
      const name = names[j]!;
      if (metrics.has(name)) assert.equal(sum, 1, name);
      else assert.ok(sum <= 1, name);
      metrics.delete(name);
    }
  }
  assert.deepEqual([...metrics], []);
  t.diagnostic(`${alarms.size} alarms and ${listed.length} metrics were acknowledged and kept`);
  assert.ok(alarms.size > 0);
  await brume.stop();
});
