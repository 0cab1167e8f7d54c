import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { VirtualClock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { createLogger } from '#core/log.ts';
import type { MeterSample } from '#core/meter.ts';
import { createMetricStore } from '#engines/metrics/metric-store.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import type { StateStore } from '#storage/state/state.ts';
import { openTelemetry } from '#storage/telemetry/chdb-telemetry.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { LogGroup, LogStream } from '../log-group.ts';
import { createLogStore, type LogStore } from '../log-store.ts';
import type { SubscriptionRecord } from './payload.ts';
import { SUBSCRIPTION_FILTERS } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';

const NOW = Date.parse('2026-11-23T10:00:30Z');
const SCOPE = { account: '000000000000', region: 'us-east-1' };
const THROTTLE = new AwsError('TooManyRequestsException', 'Rate exceeded', { status: 429 });
const FORBIDDEN = new AwsError('AccessDeniedException', 'no', { status: 403 });

interface World {
  state: StateStore;
  telemetry: Telemetry;
  logs: LogStore;
  subscriptions: Subscriptions;
}

let dir: string;
let clock: VirtualClock;
let world: World;
let received: SubscriptionRecord[];
let metered: MeterSample[];
/** Thrown by the subscriber while it is set. */
let failure: Error | undefined;
/** What belongs to a world that crashed does nothing more. */
let worlds = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'brume-subscriptions-'));
  clock = new VirtualClock(NOW);
  received = [];
  metered = [];
  failure = undefined;
  world = await open();
});
afterEach(async () => {
  await world.subscriptions.stop();
  await close();
  await rm(dir, { recursive: true });
});

async function open(): Promise<World> {
  const number = ++worlds;
  const log = createLogger('silent');
  const state = await openStateStore({ dir: join(dir, 'state'), durable: false, log });
  const telemetry = await openTelemetry({ dir: join(dir, 'telemetry'), durable: false, log });
  const metrics = createMetricStore({ state, telemetry, clock, log });
  const meter = { record: (_: object, sample: MeterSample) => void metered.push(sample) };
  const logs = createLogStore({ state, telemetry, clock, metrics, meter, log });
  const subscriptions = new Subscriptions({
    store: logs,
    state,
    telemetry,
    clock,
    log,
    meter,
    send: async (_group, _destination, payload) => {
      if (number !== worlds) await new Promise(() => {});
      if (failure) throw failure;
      const { data } = JSON.parse(payload).awslogs;
      received.push(JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString()));
    },
    isOwnGroup: async () => false,
    random: () => 0.5,
  });
  await logs.start();
  await subscriptions.start();
  return { state, telemetry, logs, subscriptions };
}

async function close(): Promise<void> {
  await world.logs.stop();
  await world.telemetry.close();
  await world.state.close();
}

/** What a kill leaves: the cursors are those that were written last, and the statistics are not settled. */
async function crash(): Promise<void> {
  const { logs, telemetry, state } = world;
  logs.retention.stop();
  await telemetry.close();
  await state.close();
  world = await open();
}

async function newStream(group: string, stream = 's'): Promise<[LogGroup, LogStream]> {
  const { groups } = world.logs;
  const found = (await groups.find(SCOPE, group)) ?? (await groups.create(SCOPE, group));
  return [found!, (await groups.createStream(found!, stream))!];
}

async function reopened(group: string, stream = 's'): Promise<[LogGroup, LogStream]> {
  const found = (await world.logs.groups.find(SCOPE, group))!;
  return [found, (await world.logs.groups.streams(found)).get(stream)!];
}

async function put([group, stream]: [LogGroup, LogStream], messages: string[]) {
  const events = messages.map((message) => ({ timestamp: clock.now(), message }));
  await world.logs.append(group, stream, events, Buffer.byteLength(messages.join('')));
}

const subscribe = (group: LogGroup, pattern = '') =>
  world.subscriptions.put(group, {
    name: 'f',
    pattern,
    destinationArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
    distribution: 'ByLogStream',
    createdAtMs: NOW,
  });

const messages = () => received.flatMap(({ logEvents }) => logEvents.map(({ message }) => message));

async function eventually(what: () => boolean, advance = 0): Promise<void> {
  for (let attempt = 0; !what(); attempt++) {
    if (attempt === 500) throw new Error(`it did not happen; ${received.length} deliveries came`);
    if (advance > 0) await clock.advanceBy(advance);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const numbered = (from: number, count: number, size = 0) =>
  Array.from({ length: count }, (_, i) => `${from + i} ${'x'.repeat(size)}`.trim());
const numbersOf = (texts: readonly string[]) => texts.map((text) => Number(text.split(' ')[0]));

test('a subscriber that refuses for a while gets everything afterwards, once and in order', async () => {
  const stream = await newStream('g');
  await subscribe(stream[0]);
  failure = THROTTLE;
  for (let i = 0; i < 10; i++) await put(stream, numbered(i * 10, 10));
  await eventually(() => metered.some(({ metricName }) => metricName === 'DeliveryThrottling'));
  assert.deepEqual(received, []);
  failure = undefined;
  await eventually(() => messages().length >= 100, 1000);
  assert.deepEqual(numbersOf(messages()), numbersOf(numbered(0, 100)));
});

test('what does not fit into memory is read back from the table, once and in order', async () => {
  const stream = await newStream('g');
  const other = await newStream('other');
  await subscribe(stream[0]);
  failure = THROTTLE;
  // 24 MB while 8 MB may wait.
  for (let i = 0; i < 48; i++) {
    await put(stream, numbered(i * 500, 500, 1000));
    await put(other, ['something else']);
  }
  failure = undefined;
  await eventually(() => messages().length >= 24_000, 1000);
  assert.deepEqual(numbersOf(messages()), numbersOf(numbered(0, 24_000)));
  await put(stream, ['24000']);
  await eventually(() => messages().length > 24_000);
  assert.deepEqual(numbersOf(messages().slice(24_000)), [24_000]);
});

test('it keeps up again while events keep coming', async () => {
  const stream = await newStream('g');
  await subscribe(stream[0]);
  failure = THROTTLE;
  let next = 0;
  const more = async (count: number, size: number) => {
    await put(stream, numbered(next, count, size));
    next += count;
  };
  while (next < 15_000) await more(500, 1000);
  failure = undefined;
  await clock.advanceBy(60_000);
  for (let i = 0; i < 60; i++) {
    await more(20, 10);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await eventually(() => messages().length >= next, 1000);
  assert.deepEqual(numbersOf(messages()), numbersOf(numbered(0, next)));
});

test('a crash while the subscriber refuses loses nothing; a clean end repeats nothing', async () => {
  const stream = await newStream('g');
  await subscribe(stream[0], 'wanted');
  await put(stream, ['wanted 0', 'not']);
  await eventually(() => messages().length === 1);
  failure = THROTTLE;
  await put(stream, ['wanted 1', 'not', 'wanted 2']);
  await clock.advanceBy(5000);
  await crash();
  failure = undefined;
  await eventually(() => messages().includes('wanted 2'), 1000);
  assert.deepEqual([...new Set(messages())], ['wanted 0', 'wanted 1', 'wanted 2']);

  received = [];
  await clock.advanceBy(5000);
  await world.subscriptions.stop();
  await close();
  world = await open();
  await put(await reopened('g'), ['wanted 3']);
  await eventually(() => messages().length > 0);
  assert.deepEqual(messages(), ['wanted 3']);
});

test('a clean end in the midst of what is read back repeats nothing', async () => {
  const stream = await newStream('g');
  await subscribe(stream[0]);
  failure = THROTTLE;
  for (let i = 0; i < 3; i++) await put(stream, numbered(i * 3000, 3000, 400));
  await crash();
  failure = undefined;
  await eventually(() => messages().length > 0, 1000);
  await world.subscriptions.stop();
  await close();
  assert.ok(messages().length < 9000, 'not all was read yet');
  world = await open();
  await eventually(() => messages().length >= 9000, 1000);
  assert.deepEqual(numbersOf(messages()), numbersOf(numbered(0, 9000)));
});

test('a stored filter that this version takes no more is there, and matches nothing', async () => {
  const stream = await newStream('g');
  await subscribe(stream[0], 'wanted');
  const [document] = world.subscriptions.list(stream[0]);
  const old = { ...document!, pattern: '[..., a, ...]' };
  await world.state.transact((tx) => tx.documents.put(SUBSCRIPTION_FILTERS, SCOPE, stream[0].streamKey(old.name), old));
  await crash();
  const [group, again] = await reopened('g');
  assert.deepEqual(
    world.subscriptions.list(group).map(({ pattern }) => pattern),
    [old.pattern],
  );
  await put([group, again], ['wanted']);
  await clock.advanceBy(5000);
  assert.deepEqual(messages(), []);
});

test('after an error for good it pauses for ten minutes and skips what comes meanwhile', async () => {
  const stream = await newStream('g');
  await subscribe(stream[0]);
  failure = FORBIDDEN;
  await put(stream, ['refused']);
  await eventually(() => metered.some(({ metricName }) => metricName === 'DeliveryErrors'));
  failure = undefined;
  await put(stream, ['skipped']);
  await clock.advanceBy(10 * 60_000);
  await put(stream, ['delivered']);
  await eventually(() => received.length > 0);
  assert.deepEqual(messages(), ['delivered']);
});

test('one that begins while other groups are written to misses nothing', async () => {
  const busy = await newStream('busy');
  for (let i = 0; i < 20; i++) {
    const stream = await newStream(`g${i}`);
    let writing = true;
    const noise = (async () => {
      while (writing) await put(busy, ['noise']);
    })();
    await subscribe(stream[0]);
    await put(stream, [`${i}`]);
    writing = false;
    await noise;
  }
  await eventually(() => messages().length >= 20);
  assert.deepEqual(messages().sort(), numbered(0, 20).sort());
});

test('a filter that is deleted, or whose group is, gets nothing more', async () => {
  const stream = await newStream('g');
  const doomed = await newStream('doomed');
  await subscribe(stream[0]);
  await subscribe(doomed[0]);
  failure = THROTTLE;
  await put(stream, ['a']);
  await put(doomed, ['b']);
  assert.equal(await world.subscriptions.delete(stream[0], 'f'), true);
  assert.equal(await world.subscriptions.delete(stream[0], 'f'), false);
  await world.logs.groups.delete(doomed[0]);
  failure = undefined;
  await put(stream, ['c']);
  await clock.advanceBy(60_000);
  await crash();
  await clock.advanceBy(60_000);
  assert.deepEqual(received, []);
  assert.deepEqual(world.subscriptions.list((await reopened('g'))[0]), []);
});

test("an account's subscription is on the groups that its criteria select, through a crash too", async () => {
  const a = await newStream('a');
  const b = await newStream('b');
  const policy = {
    name: 'p',
    pattern: '',
    destinationArn: 'arn:aws:lambda:us-east-1:000000000000:function:f',
    distribution: 'ByLogStream' as const,
    createdAtMs: NOW,
    selectionCriteria: 'LogGroupName NOT IN ["b"]',
  };
  await put(a, ['before']);
  await world.subscriptions.putPolicy(SCOPE, policy);
  failure = THROTTLE;
  await put(a, ['a1']);
  await put(b, ['b1']);
  await put(await newStream('c'), ['c1']);
  await crash();
  failure = undefined;
  await eventually(() => messages().length >= 2, 1000);
  assert.deepEqual([...new Set(messages())].sort(), ['a1', 'c1']);
  await world.subscriptions.putPolicy(SCOPE, { ...policy, selectionCriteria: 'LogGroupName NOT IN ["a"]' });
  received = [];
  for (const group of ['a', 'b', 'c']) await put(await reopened(group), [`${group}2`]);
  await eventually(() => messages().length >= 2);
  assert.deepEqual(messages().sort(), ['b2', 'c2']);
  await world.subscriptions.deletePolicy(SCOPE, 'p');
  received = [];
  await put(await reopened('c'), ['c3']);
  await crash();
  await clock.advanceBy(10_000);
  assert.deepEqual(messages(), []);
});
