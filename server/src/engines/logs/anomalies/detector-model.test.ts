import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DetectorModel, type ModelEvent } from './detector-model.ts';

const MINUTE = 60_000;

/** Two hours of a service's log: 20 requests and a heartbeat a minute. */
function usual(): ModelEvent[] {
  const events: ModelEvent[] = [];
  for (let minute = 0; minute < 120; minute++) {
    for (let i = 0; i < 20; i++) {
      const message = `INFO request ${minute}${i} of tenant-${i % 4} took ${i * 7} ms`;
      events.push({ timestamp: minute * MINUTE + i * 1000, message });
    }
    events.push({ timestamp: minute * MINUTE + 30_000, message: 'INFO heartbeat of worker ok' });
  }
  return events;
}

function interval(...messages: string[]): ModelEvent[] {
  const requests = usual().slice(0, 21);
  return [...requests, ...messages.map((message) => ({ timestamp: 0, message }))];
}

test('what is unusual after two hours of training', () => {
  const table: [string, ModelEvent[], [string, string, string, number][]][] = [
    ['nothing', interval(), []],
    [
      'a new error',
      interval('ERROR disk /dev/sda1 is full'),
      [['New pattern', 'HIGH', 'ERROR disk /dev/<*> is full', 1]],
    ],
    [
      'many more heartbeats',
      interval(...Array(40).fill('INFO heartbeat of worker ok')),
      [['Pattern frequency', 'MEDIUM', 'INFO heartbeat of worker ok', 41]],
    ],
    [
      'a tenant that was never there',
      interval('INFO request 99 of tenant-9 took 3 ms'),
      [['Token variation', 'LOW', 'INFO request <*> of <*> took <*> ms', 1]],
    ],
  ];
  for (const [name, events, expected] of table) {
    const trained = new DetectorModel();
    trained.train(usual(), MINUTE);
    // What is kept is enough to go on with.
    const model = new DetectorModel(JSON.parse(JSON.stringify(trained.patterns())));
    const found = model.evaluate(events);
    assert.deepEqual(
      found.map(({ kind, priority, pattern, count }) => [kind, priority, pattern.patternString, count]),
      expected,
      name,
    );
  }
});

test('silence is unusual, and what goes on becomes usual', () => {
  const model = new DetectorModel();
  model.train(usual(), MINUTE);
  assert.deepEqual(
    model.evaluate([]).map(({ kind, count }) => [kind, count]),
    [],
    'twenty a minute vary by too much to miss one interval',
  );
  const again = new DetectorModel();
  again.train(usual(), MINUTE);
  const first = again.evaluate(interval('WARN queue is long'));
  assert.deepEqual(
    first.map(({ kind, priority }) => [kind, priority]),
    [['New pattern', 'MEDIUM']],
  );
  assert.deepEqual(again.evaluate(interval('WARN queue is long')), []);
});

test('patterns that turn out to be one are one from then on, with what was learned of each', () => {
  const users = ['anna', 'bert', 'carla'];
  const trained = new DetectorModel();
  trained.train(
    Array.from({ length: 300 }, (_, i) => ({
      timestamp: i * MINUTE,
      message: `login of user ${users[i % 3]} was fine`,
    })),
    30 * MINUTE,
  );
  assert.equal(trained.patterns().length, 3);
  const model = new DetectorModel(trained.patterns());
  const events = [...users, 'dora'].flatMap((user) =>
    Array.from({ length: 8 }, (_, i) => ({ timestamp: i, message: `login of user ${user} was fine` })),
  );
  assert.deepEqual(model.evaluate(events), []);
  const [pattern, ...others] = model.patterns();
  assert.equal(others.length, 0);
  assert.ok(pattern!.mean > 29 && pattern!.mean < 31, String(pattern!.mean));
});
