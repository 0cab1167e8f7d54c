// Random histories of a FIFO queue against a model that looks at every message each time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import { GroupOrder } from './group-order.ts';

interface Modelled {
  id: number;
  group: string;
  availableAtMs: number;
  received: boolean;
}

/** The groups that may be taken from: their first message is visible and none is in flight. */
function takeable(messages: readonly Modelled[], nowMs: number): Map<string, number[]> {
  const groups = Map.groupBy(messages, ({ group }) => group);
  const open = new Map<string, number[]>();
  for (const [group, own] of groups) {
    if (own.some(({ received, availableAtMs }) => received && availableAtMs > nowMs)) continue;
    const hidden = own.findIndex(({ availableAtMs }) => availableAtMs > nowMs);
    const ids = own.slice(0, hidden < 0 ? own.length : hidden).map(({ id }) => id);
    if (ids.length > 0) open.set(group, ids);
  }
  return open;
}

test('gives what the model gives, in whatever order messages are sent, taken, deleted and shown', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const order = new GroupOrder();
    let messages: Modelled[] = [];
    let nowMs = 1_000;
    let lastId = 0;
    for (let step = 0; step < 300; step++) {
      const what = below(6);
      if (what <= 1) {
        const message = { id: ++lastId, group: `g${below(5)}`, availableAtMs: nowMs, received: false };
        messages.push(message);
        order.add(message.id, message.group, nowMs, false, nowMs);
      } else if (what === 2) {
        const limit = 1 + below(4);
        const open = takeable(messages, nowMs);
        const chosen = order.choose(limit, nowMs);
        const all = [...open.values()].flat().length;
        assert.equal(chosen.length, Math.min(limit, all), `seed ${seed}, step ${step}: as many as there are`);
        const byGroup = Map.groupBy(chosen, (id) => messages.find((message) => message.id === id)!.group);
        for (const [group, ids] of byGroup) {
          assert.deepEqual(ids, open.get(group)!.slice(0, ids.length), `seed ${seed}, step ${step}: ${group} in order`);
        }
        const hiddenMs = 10 + below(50);
        for (const id of chosen) {
          order.hide(id, nowMs + hiddenMs, nowMs);
          Object.assign(messages.find((message) => message.id === id)!, {
            availableAtMs: nowMs + hiddenMs,
            received: true,
          });
        }
      } else if (what === 3 && messages.length > 0) {
        const { id } = messages[below(messages.length)]!;
        messages = messages.filter((message) => message.id !== id);
        order.remove(id, nowMs);
      } else if (what === 4) {
        const inFlight = messages.filter(({ received, availableAtMs }) => received && availableAtMs > nowMs);
        const message = inFlight[below(Math.max(1, inFlight.length))];
        if (!message) continue;
        message.availableAtMs = nowMs + below(3) * 20;
        order.hide(message.id, message.availableAtMs, nowMs);
      } else {
        nowMs += below(30);
      }
      const next = order.nextReadyAtMs(nowMs);
      if (takeable(messages, nowMs).size > 0) assert.equal(next, nowMs, `seed ${seed}, step ${step}`);
      else if (messages.length === 0) assert.equal(next, undefined, `seed ${seed}, step ${step}`);
      else assert.ok(next! > nowMs, `seed ${seed}, step ${step}: nothing may be taken now`);
    }
  }
});
