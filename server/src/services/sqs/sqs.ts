// What the operations of SQS share.

import type { Clock } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import type { Arrivals } from './arrivals.ts';
import type { FifoQueues } from './fifo/fifo-queues.ts';
import type { Queue } from './queue.ts';
import type { QueueDirectory } from './queue-directory.ts';

export interface Sqs {
  state: StateStore;
  clock: Clock;
  meter: Meter;
  log: Logger;
  queues: QueueDirectory;
  arrivals: Arrivals;
  /** The order of messages in FIFO queues. */
  fifo: FifoQueues;
}

/** The queue that a request is about, noted as active. */
export async function queueOf(sqs: Sqs, url: string | undefined, context: RequestContext): Promise<Queue> {
  const queue = await sqs.queues.byUrl(context.region, url);
  queue.live.activeAtMs = sqs.clock.now();
  return queue;
}

/** Records one of the metrics that AWS documents for SQS. */
export function measure(
  sqs: Sqs,
  queue: Queue,
  metricName: string,
  value: number,
  unit: 'Count' | 'Bytes' | 'Seconds',
): void {
  sqs.meter.record(queue, { namespace: 'AWS/SQS', metricName, dimensions: [{ QueueName: queue.name }], value, unit });
}
