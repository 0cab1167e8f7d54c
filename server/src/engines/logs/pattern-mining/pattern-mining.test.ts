import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { packEvents, type QueryTask } from './mining-task.ts';
import { PatternMining } from './pattern-mining.ts';

const MESSAGES = 200_000;
/** A loop that is held makes one or two. */
const FEWEST_TURNS = 50;

const mining = new PatternMining();
after(() => mining.close());

test(`the loop turns while ${MESSAGES} messages are mined, and their patterns are right`, async () => {
  const task = anomaliesOf(
    Array.from({ length: MESSAGES }, (_, i) => [`user u${i} took ${i % 7} ms on ${i}.example`, i]),
  );
  let turns = 0;
  let over = false;
  const turn = () => {
    turns++;
    if (!over) setImmediate(turn);
  };
  const answer = mining.run({ ...task, question: { kind: 'patterns' } });
  turn();
  const { rows, events } = await answer;
  over = true;
  assert.ok(turns >= FEWEST_TURNS, `${turns} turns`);
  assert.equal(events, MESSAGES);
  assert.deepEqual(
    rows.map((row) => [row['@pattern'], row['@ratio']]),
    [['user <Token-1> took <Number-2> ms on <Token-3>', 1]],
  );
});

/** Ends at a task whose query begins at 1. */
const DYING = `
  import { parentPort } from 'node:worker_threads';
  parentPort.on('message', ({ question }) => {
    if (question.startMs === 1) process.exit(1);
    parentPort.postMessage({ answer: { events: 7 } });
  });`;

test('a thread that dies fails what it did, and nothing else', async () => {
  const dying = new PatternMining(new URL(`data:text/javascript,${encodeURIComponent(DYING)}`));
  const task = anomaliesOf([['one event', 1]]);
  const answers = [0, 1, 0].map((startMs) =>
    dying.run({ ...task, question: { kind: 'anomalies', startMs, endMs: 2 }, result: Buffer.from('x') }),
  );
  assert.equal((await answers[0]!).events, 7);
  await assert.rejects(answers[1]!, /^Error: The thread of log patterns has ended\.$/);
  assert.equal((await answers[2]!).events, 7);
  await dying.close();
});

test('a task that is no longer wanted is ended, a wrong one tells why, one that has to wait comes next', async () => {
  const abort = new AbortController();
  const stopped = mining.run(anomaliesOf(Array.from({ length: 50_000 }, (_, i) => [`event ${i}`, i])), abort.signal);
  const wrong = mining.run({ kind: 'query', question: { kind: 'patterns' }, result: Buffer.from('{') });
  const right = mining.run(anomaliesOf([['one event', 1]]));
  setImmediate(() => abort.abort(new Error('stopped')));
  await assert.rejects(stopped, /^Error: stopped$/);
  await assert.rejects(wrong, /JSON/);
  assert.equal((await right).rowsRead, 1);
});

test('a detector is trained on pages of events, and finds what is new', async () => {
  const minute = 60_000;
  const normal = Array.from({ length: 120 }, (_, i) => ({ timestamp: i * minute, message: `job ${i} done` }));
  const pages = [packEvents(normal.slice(0, 50)), packEvents(normal.slice(50))];
  const { patterns } = await mining.run({ kind: 'train', events: pages, intervalMs: 10 * minute });
  const events = [{ timestamp: 0, message: 'ERROR disk is full' }];
  const { findings } = await mining.run({ kind: 'evaluate', patterns, events: [packEvents(events)] });
  assert.deepEqual(
    findings.map(({ kind, priority, samples }) => [kind, priority, samples]),
    [['New pattern', 'HIGH', events]],
  );
});

function anomaliesOf(messages: [string, number][]): QueryTask {
  const result = {
    meta: ['text', 'time', 'times', 'all_events'].map((name) => ({ name })),
    data: messages.map(([text, time]) => [text, time, 1, messages.length]),
    statistics: { rows_read: messages.length, bytes_read: 0 },
  };
  const question = { kind: 'anomalies', startMs: 0, endMs: messages.length } as const;
  return { kind: 'query', question, result: Buffer.from(JSON.stringify(result)) };
}
