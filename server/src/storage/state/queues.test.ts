import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import { temporaryState } from '#test/temporary-state.ts';
import type { NewMessage, QueueCounts, QueuedMessage } from './state.ts';

const { state, remove } = await temporaryState();
after(remove);

let queues = 0;
const newQueue = () => `queue-${queues++}`;

const send = (queue: string, messages: NewMessage[], nowMs: number) =>
  state.transact((tx) => tx.queues.send(queue, messages, nowMs));
const claim = (queue: string, nowMs: number, { limit = 10, visibilityMs = 30_000 } = {}) =>
  state.transact((tx) => tx.queues.claim(queue, { limit, nowMs, visibilityMs }));
const bodies = (messages: readonly QueuedMessage[]) => messages.map(({ body }) => body);

test('a message as sent, claimed and peeked', async () => {
  const queue = newQueue();
  const body = 'é 😀 \0 "';
  const [id] = await send(queue, [{ body, attributes: { a: { b: [1, null] } }, expiresAtMs: 99_000 }], 1_000);
  const sent = {
    id,
    queue,
    body,
    attributes: { a: { b: [1, null] } },
    enqueuedAtMs: 1_000,
    availableAtMs: 1_000,
    expiresAtMs: 99_000,
    receiveCount: 0,
    firstReceivedAtMs: undefined,
  };
  assert.deepEqual(await state.queues.peek(queue, id!), sent);
  const claimed = { ...sent, availableAtMs: 32_000, receiveCount: 1, firstReceivedAtMs: 2_000 };
  assert.deepEqual(await claim(queue, 2_000), [claimed]);
  assert.deepEqual(await state.queues.peek(queue, id!), claimed);
  assert.deepEqual(await claim(queue, 40_000), [{ ...claimed, availableAtMs: 70_000, receiveCount: 2 }]);
});

test('a message without attributes, delay or expiry', async () => {
  const queue = newQueue();
  await send(queue, [{ body: '' }], 5);
  const [message] = await claim(queue, 5);
  assert.deepEqual(
    [message!.body, message!.attributes, message!.availableAtMs, message!.expiresAtMs],
    ['', {}, 30_005, undefined],
  );
});

test('ids rise in the order given, over all queues, and are never given again', async () => {
  const [one, other] = [newQueue(), newQueue()];
  const given: number[] = [];
  given.push(...(await send(one, [{ body: 'a' }, { body: 'b' }], 0)));
  given.push(...(await send(other, [{ body: 'c' }], 0)));
  await assert.rejects(
    state.transact(async (tx) => {
      await tx.queues.send(one, [{ body: 'lost' }], 0);
      throw new Error('rolled back');
    }),
  );
  await state.transact((tx) => tx.queues.purge(one));
  await state.reset();
  given.push(...(await send(one, [{ body: 'd' }], 0)));
  assert.deepEqual(
    given,
    [...new Set(given)].toSorted((a, b) => a - b),
  );
});

for (const { name, sent, claims } of [
  {
    name: 'oldest available first, then in the order sent',
    sent: [{ body: 'late', availableAtMs: 900 }, { body: 'a' }, { body: 'b' }, { body: 'early', availableAtMs: 10 }],
    claims: [{ nowMs: 1_000, gives: ['early', 'a', 'b', 'late'] }],
  },
  {
    name: 'no more than the limit, nobody twice',
    sent: [{ body: 'a' }, { body: 'b' }, { body: 'c' }],
    claims: [
      { nowMs: 1_000, limit: 2, gives: ['a', 'b'] },
      { nowMs: 1_000, limit: 2, gives: ['c'] },
      { nowMs: 1_000, limit: 2, gives: [] },
    ],
  },
  {
    name: 'again when the visibility has timed out, not a millisecond before',
    sent: [{ body: 'a' }],
    claims: [
      { nowMs: 1_000, visibilityMs: 500, gives: ['a'] },
      { nowMs: 1_499, visibilityMs: 500, gives: [] },
      { nowMs: 1_500, visibilityMs: 500, gives: ['a'] },
    ],
  },
  {
    name: 'a delayed one when its time has come',
    sent: [{ body: 'a', availableAtMs: 2_000 }],
    claims: [
      { nowMs: 1_999, gives: [] },
      { nowMs: 2_000, gives: ['a'] },
    ],
  },
  {
    name: 'once in a claim, even without a visibility time-out',
    sent: [{ body: 'a' }, { body: 'b' }],
    claims: [
      { nowMs: 1_000, visibilityMs: 0, gives: ['a', 'b'] },
      { nowMs: 1_000, visibilityMs: 0, gives: ['a', 'b'] },
    ],
  },
  {
    name: 'the expired never, and they take no place from the living',
    sent: [
      { body: 'gone', expiresAtMs: 1_000 },
      { body: 'gone too', expiresAtMs: 500 },
      { body: 'alive', expiresAtMs: 1_001 },
      { body: 'forever' },
    ],
    claims: [{ nowMs: 1_000, limit: 2, gives: ['alive', 'forever'] }],
  },
] as {
  name: string;
  sent: NewMessage[];
  claims: { nowMs: number; limit?: number; visibilityMs?: number; gives: string[] }[];
}[]) {
  test(`claim gives ${name}`, async () => {
    const queue = newQueue();
    await send(queue, sent, 100);
    for (const { nowMs, gives, ...options } of claims) {
      assert.deepEqual(bodies(await claim(queue, nowMs, options)), gives, `at ${nowMs}`);
    }
  });
}

test('counts tell the visible, the delayed and those in flight, and leave out the expired', async () => {
  const queue = newQueue();
  const expect = async (nowMs: number, counts: QueueCounts) =>
    assert.deepEqual(await state.queues.counts(queue, nowMs), counts, `at ${nowMs}`);
  await expect(0, { visible: 0, inFlight: 0, delayed: 0 });
  await send(queue, [{ body: 'a', expiresAtMs: 9_000 }, { body: 'b' }, { body: 'c', availableAtMs: 5_000 }], 0);
  await expect(0, { visible: 2, inFlight: 0, delayed: 1 });
  await claim(queue, 10, { limit: 1, visibilityMs: 1_000 });
  await expect(20, { visible: 1, inFlight: 1, delayed: 1 });
  await expect(1_010, { visible: 2, inFlight: 0, delayed: 1 });
  await expect(5_000, { visible: 3, inFlight: 0, delayed: 0 });
  await expect(9_000, { visible: 2, inFlight: 0, delayed: 0 });
});

test('nextAvailableAtMs and oldestEnqueuedAtMs', async () => {
  const queue = newQueue();
  const look = async () => [await state.queues.nextAvailableAtMs(queue), await state.queues.oldestEnqueuedAtMs(queue)];
  assert.deepEqual(await look(), [undefined, undefined]);
  await send(queue, [{ body: 'a', availableAtMs: 700 }], 100);
  await send(queue, [{ body: 'b', availableAtMs: 300 }], 200);
  assert.deepEqual(await look(), [300, 100]);
  const [b] = await claim(queue, 300, { visibilityMs: 1_000 });
  assert.deepEqual(await look(), [700, 100]);
  const [a] = await claim(queue, 700, { visibilityMs: 1_000 });
  await state.transact((tx) => tx.queues.deleteMessage(queue, a!.id));
  assert.deepEqual(await look(), [1_300, 200]);
  await state.transact((tx) => tx.queues.deleteMessage(queue, b!.id));
  assert.deepEqual(await look(), [undefined, undefined]);
});

test('one message is claimed by its id, in whatever order', async () => {
  const queue = newQueue();
  const ids = await send(queue, [{ body: 'a' }, { body: 'b', availableAtMs: 900, expiresAtMs: 2_000 }], 0);
  const claimOne = (id: number, nowMs: number) =>
    state.transact((tx) => tx.queues.claimMessage(queue, id, { nowMs, visibilityMs: 100 }));
  const second = await claimOne(ids[1]!, 500);
  assert.deepEqual([second!.body, second!.receiveCount, second!.availableAtMs], ['b', 1, 600]);
  assert.equal((await claimOne(ids[1]!, 550))!.receiveCount, 2);
  assert.equal(await claimOne(ids[1]!, 2_000), undefined, 'expired');
  assert.equal(await claimOne(ids[1]! + 1_000, 500), undefined);
  assert.deepEqual(bodies(await claim(queue, 500)), ['a']);
});

test('list gives every message without its body, in the order sent', async () => {
  const queue = newQueue();
  const ids = await send(
    queue,
    [
      { body: 'a', availableAtMs: 900 },
      { body: 'b', attributes: { x: 1 } },
    ],
    0,
  );
  await claim(queue, 100);
  const listed = await state.queues.list(queue);
  assert.deepEqual(
    listed.map(({ id, receiveCount, availableAtMs, attributes }) => [id, receiveCount, availableAtMs, attributes]),
    [
      [ids[0], 0, 900, {}],
      [ids[1], 1, 30_100, { x: 1 }],
    ],
  );
  assert.equal(Object.hasOwn(listed[0]!, 'body'), false);
  assert.deepEqual(await state.queues.list('never heard of'), []);
});

test('setAvailableAt hides and shows', async () => {
  const queue = newQueue();
  const [id] = await send(queue, [{ body: 'a' }], 0);
  const set = (availableAtMs: number) => state.transact((tx) => tx.queues.setAvailableAt(queue, id!, availableAtMs));
  assert.equal(await set(500), true);
  assert.deepEqual(await claim(queue, 499), []);
  assert.equal(await set(100), true);
  assert.deepEqual(bodies(await claim(queue, 100)), ['a']);
});

test('setAttributes replaces the attributes and nothing else', async () => {
  const queue = newQueue();
  const [id] = await send(queue, [{ body: 'a', attributes: { old: 1 } }], 0);
  const before = await state.queues.peek(queue, id!);
  assert.equal(await state.transact((tx) => tx.queues.setAttributes(queue, id!, { fresh: [2] })), true);
  assert.deepEqual(await state.queues.peek(queue, id!), { ...before, attributes: { fresh: [2] } });
});

test('what is gone, or in another queue, is not found', async () => {
  const [queue, other] = [newQueue(), newQueue()];
  const [gone] = await send(queue, [{ body: 'a' }], 0);
  const [elsewhere] = await send(other, [{ body: 'b' }], 0);
  assert.equal(await state.transact((tx) => tx.queues.deleteMessage(queue, gone!)), true);
  for (const [name, id] of [
    [queue, gone!],
    [queue, elsewhere!],
    ['never heard of', gone!],
  ] as const) {
    await state.transact(async (tx) => {
      assert.equal(await tx.queues.deleteMessage(name, id), false);
      assert.equal(await tx.queues.setAvailableAt(name, id, 1), false);
      assert.equal(await tx.queues.setAttributes(name, id, {}), false);
      assert.equal(await tx.queues.move(name, id, other, 0), undefined);
      assert.equal(await tx.queues.peek(name, id), undefined);
    });
  }
  assert.deepEqual(bodies(await claim(other, 0)), ['b']);
});

test('move keeps body, attributes, enqueue time and expiry, and starts the count anew under a new id', async () => {
  const [from, to] = [newQueue(), newQueue()];
  const [id] = await send(from, [{ body: 'a', attributes: { k: 'v' }, expiresAtMs: 90_000 }], 100);
  await claim(from, 200);
  const moved = await state.transact((tx) => tx.queues.move(from, id!, to, 300));
  assert.ok(moved! > id!);
  assert.equal(await state.queues.peek(from, id!), undefined);
  assert.deepEqual(await state.queues.peek(to, moved!), {
    id: moved,
    queue: to,
    body: 'a',
    attributes: { k: 'v' },
    enqueuedAtMs: 100,
    availableAtMs: 300,
    expiresAtMs: 90_000,
    receiveCount: 0,
    firstReceivedAtMs: undefined,
  });
});

test('purge empties one queue, in flight and delayed too, and says how many', async () => {
  const [queue, other] = [newQueue(), newQueue()];
  await send(queue, [{ body: 'a' }, { body: 'b' }, { body: 'c', availableAtMs: 1e12 }], 0);
  await send(other, [{ body: 'stays' }], 0);
  await claim(queue, 0, { limit: 1 });
  assert.equal(await state.transact((tx) => tx.queues.purge(queue)), 3);
  assert.equal(await state.transact((tx) => tx.queues.purge(queue)), 0);
  assert.deepEqual(await state.queues.counts(queue, 0), { visible: 0, inFlight: 0, delayed: 0 });
  await send(queue, [{ body: 'new' }], 0);
  assert.deepEqual(bodies(await claim(queue, 0)), ['new']);
  assert.deepEqual(bodies(await claim(other, 0)), ['stays']);
});

test('expire deletes what has expired by now, in flight too, and says how many', async () => {
  const queue = newQueue();
  await send(queue, [{ body: 'a', expiresAtMs: 100 }, { body: 'b', expiresAtMs: 101 }, { body: 'c' }], 0);
  await claim(queue, 0);
  assert.equal(await state.transact((tx) => tx.queues.expire(queue, 100)), 1);
  assert.equal(await state.transact((tx) => tx.queues.expire(queue, 100)), 0);
  assert.deepEqual(await state.queues.counts(queue, 100), { visible: 0, inFlight: 2, delayed: 0 });
});

test('setRetention counts from the enqueue time', async () => {
  const queue = newQueue();
  await send(queue, [{ body: 'old' }], 0);
  await send(queue, [{ body: 'young', expiresAtMs: 1 }], 500);
  await state.transact((tx) => tx.queues.setRetention(queue, 1_000));
  assert.deepEqual(bodies(await claim(queue, 1_000)), ['young']);
});

test('more expired messages than one claim clears away are cleared by several', async () => {
  const queue = newQueue();
  const expired = Array.from({ length: 25_000 }, () => ({ body: 'x', expiresAtMs: 1 }));
  await send(queue, [...expired, { body: 'alive' }], 0);
  let claims = 0;
  let found: QueuedMessage[] = [];
  while (found.length === 0 && claims++ < 10) found = await claim(queue, 10);
  assert.deepEqual(bodies(found), ['alive']);
});

test('listeners hear of a queue once a transaction, after it has committed', async () => {
  const [queue, other] = [newQueue(), newQueue()];
  const heard: string[] = [];
  const stop = state.onQueueActivity((name) => heard.push(name));
  const [id] = await send(queue, [{ body: 'a' }, { body: 'b', availableAtMs: 1e12 }], 0);
  assert.deepEqual(heard.splice(0), [queue]);
  await state.transact(async (tx) => {
    await tx.queues.setAvailableAt(queue, id!, 5);
    await tx.queues.move(queue, id!, other, 0);
    assert.deepEqual(heard, []);
  });
  assert.deepEqual(heard.splice(0), [queue, other]);
  await claim(queue, 0);
  await state.transact((tx) => tx.queues.purge(queue));
  await assert.rejects(
    state.transact(async (tx) => {
      await tx.queues.send(queue, [{ body: 'never' }], 0);
      throw new Error('rolled back');
    }),
  );
  await send(queue, [], 0);
  assert.deepEqual(heard, []);
  stop();
  await send(queue, [{ body: 'unheard' }], 0);
  assert.deepEqual(heard, []);
});

test('claims of many at once give every message to one of them', async () => {
  const queue = newQueue();
  await send(
    queue,
    Array.from({ length: 1_000 }, (_, n) => ({ body: String(n) })),
    0,
  );
  const claimed = await Promise.all(Array.from({ length: 150 }, () => claim(queue, 0, { limit: 7 })));
  assert.deepEqual(
    bodies(claimed.flat()),
    Array.from({ length: 1_000 }, (_, n) => String(n)),
  );
});

test('queues agree with a model over random operations', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.log(`seed ${seed}`);
  const random = seeded(seed);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const names = [newQueue(), newQueue()];
  let model: QueuedMessage[] = [];
  let nowMs = 1_000;
  const live = (queue: string) =>
    model.filter((message) => message.queue === queue && (message.expiresAtMs ?? Infinity) > nowMs);
  const visible = (queue: string) =>
    live(queue)
      .filter((message) => message.availableAtMs <= nowMs)
      .sort((a, b) => a.availableAtMs - b.availableAtMs || a.id - b.id);

  for (let step = 0; step < 600; step++) {
    nowMs += upTo(50);
    const queue = names[upTo(1)]!;
    const target = model[upTo(Math.max(model.length - 1, 0))];
    switch (upTo(5)) {
      case 0: {
        const messages = Array.from({ length: 1 + upTo(3) }, (_, n) => ({
          body: `${step}.${n}`,
          ...(random() < 0.3 && { availableAtMs: nowMs + upTo(200) }),
          ...(random() < 0.3 && { expiresAtMs: nowMs + 1 + upTo(500) }),
        }));
        const ids = await send(queue, messages, nowMs);
        messages.forEach((message, n) => {
          model.push({
            id: ids[n]!,
            queue,
            body: message.body,
            attributes: {},
            enqueuedAtMs: nowMs,
            availableAtMs: message.availableAtMs ?? nowMs,
            expiresAtMs: message.expiresAtMs,
            receiveCount: 0,
            firstReceivedAtMs: undefined,
          });
        });
        break;
      }
      case 1: {
        const limit = 1 + upTo(4);
        const visibilityMs = upTo(300);
        const expected = visible(queue).slice(0, limit);
        for (const message of expected) {
          message.availableAtMs = nowMs + visibilityMs;
          message.receiveCount++;
          message.firstReceivedAtMs ??= nowMs;
        }
        assert.deepEqual(await claim(queue, nowMs, { limit, visibilityMs }), expected, `step ${step}`);
        break;
      }
      case 2:
        if (!target) break;
        model = model.filter((message) => message !== target);
        await state.transact((tx) => tx.queues.deleteMessage(target.queue, target.id));
        break;
      case 3:
        if (!target || !live(target.queue).includes(target)) break;
        target.availableAtMs = nowMs + upTo(300);
        await state.transact((tx) => tx.queues.setAvailableAt(target.queue, target.id, target.availableAtMs));
        break;
      case 4: {
        if (!target || !live(target.queue).includes(target)) break;
        const moved = await state.transact((tx) => tx.queues.move(target.queue, target.id, queue, nowMs));
        Object.assign(target, {
          id: moved,
          queue,
          availableAtMs: nowMs,
          receiveCount: 0,
          firstReceivedAtMs: undefined,
        });
        break;
      }
      default:
        await state.transact((tx) => tx.queues.expire(queue, nowMs));
    }
    for (const name of names) {
      const [all, shown] = [live(name), visible(name)];
      assert.deepEqual(
        await state.queues.counts(name, nowMs),
        {
          visible: shown.length,
          inFlight: all.filter((message) => message.availableAtMs > nowMs && message.receiveCount > 0).length,
          delayed: all.filter((message) => message.availableAtMs > nowMs && message.receiveCount === 0).length,
        },
        `step ${step}`,
      );
    }
  }
});
