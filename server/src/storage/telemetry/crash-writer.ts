// The process that crash.test.ts kills: appends to both tables from several loops, queries what it appended, and
// kills its engine now and then. Prints a line for each batch that was acknowledged, and complains of a query that
// does not see one.   node crash-writer.ts DIR ROUND SEED

import { writeSync } from 'node:fs';
import { createLogger } from '#core/log.ts';
import { openTelemetry } from './chdb-telemetry.ts';
import { sql } from './sql.ts';
import { TelemetryQueryError } from './telemetry.ts';

const [dir, round, seed] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const APPENDERS = 6;
const MONTH_MS = 31 * 86_400_000;
const NOW = 1_763_860_000_000;
// The test's own seed prints there; this one follows from it.
let state = seed;
const telemetry = await openTelemetry({ dir, durable: true, log: createLogger('silent') });
void telemetry.warmUp().then(() => say(`engine ${telemetry.enginePid}`));
let nextMetricId = round * 1_000_000 + 1;
for (let appender = 0; appender < APPENDERS; appender++) void appendLogEvents(appender);
for (let appender = 0; appender < APPENDERS / 2; appender++) void appendMetricPoints();
void killEngine();

async function appendLogEvents(appender: number): Promise<void> {
  for (let i = 0; ; i++) {
    const key = `${round}/${appender}/${i}`;
    const size = 1 + Math.floor(random() ** 4 * 2_000);
    // Two partitions, hence two parts an insert, which is then not one step.
    const events = Array.from({ length: size }, (_, row) => ({
      timestamp: NOW - (row < size / 2 ? MONTH_MS : 0),
      message: `${key} ${size} ${row} ${'é'.repeat(row % 50)}`,
    }));
    await telemetry.appendLogEvents({ groupId: appender, stream: key, ingestionTimeMs: NOW, events });
    say(`log ${key}`);
    if (random() < 0.05) {
      await expectRows(
        sql`SELECT count() AS rows FROM log_events WHERE group_id = ${appender} AND stream = ${key}`,
        size,
      );
    }
  }
}

async function appendMetricPoints(): Promise<void> {
  for (;;) {
    const metricId = nextMetricId++;
    const count = 1 + Math.floor(random() * 50);
    await telemetry.appendMetricPoints(
      Array.from({ length: count }, (_, i) => ({
        metricId,
        timestampS: NOW / 1000 + i * 60,
        unit: 'Count',
        storageResolution: 60,
        data: { kind: 'value', value: i, count },
      })),
    );
    say(`metric ${metricId}`);
    if (random() < 0.02) {
      await expectRows(sql`SELECT count() AS rows FROM metric_points WHERE metric_id = ${metricId}`, count);
    }
  }
}

async function expectRows(query: ReturnType<typeof sql>, expected: number): Promise<void> {
  try {
    const { rows } = await telemetry.query<{ rows: number }>(query);
    say(rows[0]!.rows === expected ? 'query ok' : `WRONG ${query.text}: ${rows[0]!.rows} rows, not ${expected}`);
  } catch (error) {
    // The engine was killed under it.
    if (!(error instanceof TelemetryQueryError && error.clickhouseCode === 0)) say(`FAILED ${error}`);
  }
}

async function killEngine(): Promise<void> {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 200 + random() * 2_000));
    if (telemetry.enginePid) process.kill(telemetry.enginePid, 'SIGKILL');
  }
}

/** Synchronous: what is acknowledged is told, or the process is dead. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function random(): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return state / 0x8000_0000;
}
