// How many batches of a queue are under way at once, with invocations that never end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SystemClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import { QueueConsumer, type QueueConsumerOptions } from './queue-consumer.ts';

for (const [name, options, expected] of [
  ['at first', {}, 5],
  ['with a maximum', { maximumConcurrency: 3 }, 3],
  ['provisioned', { provisionedConcurrency: 20, maximumConcurrency: 2_000 }, 20],
  ['provisioned, up to a maximum', { provisionedConcurrency: 20, maximumConcurrency: 15 }, 15],
] as [string, Partial<QueueConsumerOptions>, number][]) {
  test(name, async () => {
    let under = 0;
    let next = 0;
    const workers: number[] = [];
    const consumer = new QueueConsumer({
      clock: new SystemClock(),
      log: createLogger('error'),
      source: {
        receive: async () => [{ id: String(next++), receipt: '', record: {}, bytes: 1 }],
        delete: async () => {},
        visibilityTimeoutMs: async () => 30_000,
      },
      filter: undefined,
      batchSize: 1,
      windowMs: 0,
      reportsItemFailures: false,
      count: () => {},
      report: () => {},
      onWorkers: (count) => workers.push(count),
      invoke: () => {
        under++;
        return new Promise(() => {});
      },
      ...options,
    });
    consumer.start();
    await sleep(50);
    assert.equal(under, expected);
    assert.equal(Math.max(...workers), expected);
    await consumer.stop(0);
  });
}
