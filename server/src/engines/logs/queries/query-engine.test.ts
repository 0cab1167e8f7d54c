import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import type { StateStore } from '#storage/state/state.ts';
import { TelemetryQueryError } from '#storage/telemetry/telemetry.ts';
import { temporaryState } from '#test/temporary-state.ts';
import { MOST_CONCURRENT_QUERIES, QueryEngine, TooManyQueriesError } from './query-engine.ts';
import type { PreparedQuery, QueryPlanner, RunOptions } from './query-planner.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const STATISTICS = { recordsMatched: 1, recordsScanned: 2, bytesScanned: 3, logGroupsScanned: 1, resultCount: 1 };
const QUERY = {
  queryString: 'fields @message',
  queryLanguage: 'CWLI' as const,
  fromMs: 0,
  toMs: 1000,
  groups: [],
  userIdentity: 'me',
};

interface Run extends RunOptions {
  answer(value: string): void;
  fail(error: Error): void;
}

/** A planner whose statements end when the test says so. */
function setUp(state: StateStore, progress: QueryPlanner['progress'] = async () => undefined) {
  const runs: Run[] = [];
  const planner: QueryPlanner = {
    prepare: async () => ({
      groups: [],
      run: (options) => {
        const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<PreparedQuery['run']>>>();
        options.signal.addEventListener('abort', () => reject(options.signal.reason), { once: true });
        runs.push({
          ...options,
          answer: (value) => resolve({ rows: { columns: ['a'], rows: [[value]] }, statistics: STATISTICS }),
          fail: reject,
        });
        return promise;
      },
    }),
    groupsNamed: async () => [],
    progress,
  };
  const clock = new VirtualClock(1_000_000);
  const engine = new QueryEngine({ state, clock, log: createLogger('silent'), planner });
  const statusOf = async (id: string) => (await engine.find(SCOPE, id))!.status;
  const rowsOf = async (id: string) => (await engine.results(SCOPE, id))!.rows.rows;
  return { engine, clock, runs, statusOf, rowsOf };
}

test('a query runs, ends, and its result stays', async () => {
  const { engine, runs, statusOf, rowsOf } = setUp(await openTemporaryState());
  const { id } = await engine.start(SCOPE, QUERY);
  await turn();
  assert.equal(await statusOf(id), 'Running');
  runs[0]!.answer('x');
  await engine.ended(id);
  assert.equal(await statusOf(id), 'Complete');
  assert.deepEqual(await rowsOf(id), [['x']]);
  assert.equal(await engine.stop(SCOPE, id), false);
  assert.equal(await engine.stop(SCOPE, 'none'), undefined);
  assert.equal(await engine.results({ ...SCOPE, region: 'eu-west-1' }, id), undefined);
});

test('some run, others wait for their turn; a waiting one can be stopped', async () => {
  const { engine, runs, statusOf } = setUp(await openTemporaryState());
  const ids: string[] = [];
  for (let i = 0; i < 4; i++) ids.push((await engine.start(SCOPE, QUERY)).id);
  await turn();
  assert.deepEqual(await Promise.all(ids.map(statusOf)), ['Running', 'Running', 'Scheduled', 'Scheduled']);
  assert.equal(await engine.stop(SCOPE, ids[2]!), true);
  runs[0]!.answer('x');
  await engine.ended(ids[0]!);
  await turn();
  assert.deepEqual(await Promise.all(ids.map(statusOf)), ['Complete', 'Running', 'Cancelled', 'Running']);
  assert.equal(await engine.stop(SCOPE, ids[1]!), true);
  assert.equal(runs[1]!.signal.aborted, true);
});

test('an account has so many at once', async () => {
  const { engine } = setUp(await openTemporaryState());
  for (let i = 0; i < MOST_CONCURRENT_QUERIES; i++) await engine.start(SCOPE, QUERY);
  await assert.rejects(engine.start(SCOPE, QUERY), TooManyQueriesError);
  await engine.start({ ...SCOPE, account: '111111111111' }, QUERY);
  await engine.end();
});

test('how a query ends', async () => {
  const { engine, runs, statusOf } = setUp(await openTemporaryState());
  const cases: [error: Error, status: string][] = [
    [new TelemetryQueryError('memory limit exceeded', 241), 'Failed'],
    [new TelemetryQueryError('timeout exceeded', 159), 'Timeout'],
  ];
  for (const [error, status] of cases) {
    const { id } = await engine.start(SCOPE, QUERY);
    await turn();
    runs.at(-1)!.fail(error);
    await engine.ended(id);
    assert.equal(await statusOf(id), status);
    assert.equal((await engine.find(SCOPE, id))!.error, error.message);
  }
});

test('while a query runs long, the newest part of its time is shown; a stopped one keeps it', async () => {
  const { engine, clock, runs, rowsOf, statusOf } = setUp(await openTemporaryState());
  const { id } = await engine.start(SCOPE, QUERY);
  await clock.advanceBy(2_000);
  assert.deepEqual(await rowsOf(id), []);
  runs[1]!.answer('newest');
  await turn();
  assert.deepEqual(await rowsOf(id), [['newest']]);
  runs[2]!.answer('more');
  await turn();
  assert.deepEqual(await rowsOf(id), [['more']]);
  assert.deepEqual(
    runs.map(({ newest }) => newest),
    [undefined, 1 / 64, 1 / 16, 1 / 4],
  );
  assert.equal(await engine.stop(SCOPE, id), true);
  assert.equal(await statusOf(id), 'Cancelled');
  assert.equal(runs[3]!.signal.aborted, true);
  assert.deepEqual(await rowsOf(id), [['more']]);
});

test('what a running query has scanned never shrinks; one that ends while it is asked about is whole', async () => {
  const scanned = [10, 5];
  const { engine, runs } = setUp(await openTemporaryState(), async () => {
    const recordsScanned = scanned.shift();
    if (recordsScanned === undefined) {
      runs[0]!.answer('x');
      await turn();
    }
    return { recordsScanned: recordsScanned ?? 0, bytesScanned: 0 };
  });
  const { id } = await engine.start(SCOPE, QUERY);
  await turn();
  const ask = async () => {
    const { query, rows } = (await engine.results(SCOPE, id))!;
    return [query.status, query.statistics.recordsScanned, rows.rows];
  };
  assert.deepEqual(await ask(), ['Running', 10, []]);
  assert.deepEqual(await ask(), ['Running', 10, []]);
  assert.deepEqual(await ask(), ['Complete', 2, [['x']]]);
});

test('after a restart: what ran has failed, what was complete is computed again', async () => {
  const state = await openTemporaryState();
  const before = setUp(state);
  const done = await before.engine.start(SCOPE, QUERY);
  await turn();
  before.runs[0]!.answer('x');
  await before.engine.ended(done.id);
  const cut = await before.engine.start(SCOPE, QUERY);
  await before.engine.end();
  const next = setUp(state);
  assert.equal(await next.statusOf(cut.id), 'Failed');
  const rows = next.rowsOf(done.id);
  while (next.runs.length === 0) await turn();
  next.runs[0]!.answer('again');
  assert.deepEqual(await rows, [['again']]);
  assert.deepEqual(await next.rowsOf(done.id), [['again']]);
  assert.deepEqual((await next.engine.list(SCOPE)).map(({ id }) => id).sort(), [done.id, cut.id].sort());
});

async function openTemporaryState(): Promise<StateStore> {
  const { state, remove } = await temporaryState();
  after(remove);
  return state;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
