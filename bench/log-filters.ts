// What hangs on ingestion costs: an append of the same batches with nothing on the group, with subscriptions, and with
// documents in the embedded metric format among the events; beside it the search for the word that every such document
// has, over events that are none, and JSON.parse of the same batch. In this process, so that it is the store's own cost.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../server/src/core/clock.ts';
import { createLogger } from '../server/src/core/log.ts';
import { NO_METER } from '../server/src/core/meter.ts';
import { extractEmbeddedMetrics } from '../server/src/engines/logs/embedded-metrics/embedded-metrics.ts';
import { createLogStore, type LogEventInput } from '../server/src/engines/logs/log-store.ts';
import { Subscriptions } from '../server/src/engines/logs/subscriptions/subscriptions.ts';
import { createMetricStore } from '../server/src/engines/metrics/metric-store.ts';
import { openStateStore } from '../server/src/storage/state/sqlite-state.ts';
import { openTelemetry } from '../server/src/storage/telemetry/chdb-telemetry.ts';

const EVENTS = 7_000;
const BATCHES = 40;
const WARM_UP = 5;
const SCOPE = { account: '000000000000', region: 'us-east-1' };

export async function run(report: (line: string) => void): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'brume-bench-'));
  const log = createLogger('error');
  const clock = new SystemClock();
  const state = await openStateStore({ dir: join(dir, 'state'), durable: true, log });
  const telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: true, log });
  const metrics = createMetricStore({ state, telemetry, clock, log });
  const store = createLogStore({ state, telemetry, clock, metrics, meter: NO_METER, log });
  const send = async () => {};
  const isOwnGroup = async () => false;
  const options = { store, state, telemetry, clock, log, meter: NO_METER, send, isOwnGroup };
  const subscriptions = new Subscriptions(options);
  await store.start();
  await subscriptions.start();

  const plain = batch(0);
  const bytes = bytesOf(plain);
  const body = JSON.stringify(plain);
  report(`batches of ${EVENTS} events, ${(bytes / 1e6).toFixed(2)} MB; CPU of the process for each`);
  report(
    line(
      'JSON.parse of the batch',
      cpuMs(() => JSON.parse(body)),
    ),
  );
  report(
    line(
      'search for embedded metrics, none there',
      cpuMs(() => extractEmbeddedMetrics(plain, clock.now())),
    ),
  );
  const cases: [what: string, events: LogEventInput[], pattern: string | undefined][] = [
    ['append', plain, undefined],
    ['append, subscription to a rare term', plain, 'needle4321'],
    ['append, subscription to 1 JSON line in 100', plain, '{ $.level = "error" }'],
    ['append, subscription to all, delivery included', plain, ''],
    ['append, 1 event in 10 with embedded metrics', batch(10), undefined],
  ];
  for (const [i, [what, events, pattern]] of cases.entries()) {
    const group = (await store.groups.create(SCOPE, `group-${i}`))!;
    const stream = (await store.groups.createStream(group, 's'))!;
    if (pattern !== undefined) {
      const destinationArn = 'arn:aws:lambda:us-east-1:000000000000:function:f';
      await subscriptions.put(group, {
        name: 'f',
        pattern,
        destinationArn,
        distribution: 'ByLogStream',
        createdAtMs: 0,
      });
    }
    const size = bytesOf(events);
    for (let n = 0; n < WARM_UP; n++) await store.append(group, stream, events, size);
    const before = process.cpuUsage();
    for (let n = 0; n < BATCHES; n++) await store.append(group, stream, events, size);
    const { user, system } = process.cpuUsage(before);
    report(line(what, (user + system) / 1000 / BATCHES));
  }
  await subscriptions.stop();
  await store.stop();
  await telemetry.close();
  await state.close();
  rmSync(dir, { recursive: true });
}

/** Access log lines and JSON lines in turn; each so many-th is a document in the embedded metric format. */
function batch(embeddedEach: number): LogEventInput[] {
  const timestamp = Date.now();
  const directive = { Namespace: 'Bench', Dimensions: [['s']], Metrics: [{ Name: 'm', Unit: 'Count' }] };
  const message = (i: number) => {
    if (embeddedEach > 0 && i % embeddedEach === 0) {
      return JSON.stringify({ _aws: { Timestamp: timestamp, CloudWatchMetrics: [directive] }, s: 'x', m: i % 50 });
    }
    if (i % 2 === 1)
      return `10.0.0.${i % 250} - - "GET /a/b/${i} HTTP/1.1" 200 ${i} "-" "Mozilla/5.0 (X11)" needle${i}`;
    const level = i % 100 === 0 ? 'error' : 'info';
    return JSON.stringify({ level, id: i, user: { name: `u${i}` }, duration: i * 1.5, message: 'something happened' });
  };
  return Array.from({ length: EVENTS }, (_, i) => ({ timestamp, message: message(i) }));
}

function bytesOf(events: readonly LogEventInput[]): number {
  return events.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0);
}

function cpuMs(work: () => unknown): number {
  for (let n = 0; n < WARM_UP; n++) work();
  const before = process.cpuUsage();
  for (let n = 0; n < BATCHES; n++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / BATCHES;
}

function line(what: string, ms: number): string {
  return `${what.padEnd(48)} ${ms.toFixed(2).padStart(7)} ms`;
}
