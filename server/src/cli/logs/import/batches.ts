// Events into the batches that PutLogEvents takes: up to 1 MiB, 10,000 events and 24 hours, in the order of time. A
// window of events is sorted before it is cut, so that a file whose times jump does not make a batch of every event.

import type { ImportEvent } from './join-lines.ts';

const MOST_EVENTS = 10_000;
const LARGEST_BATCH_BYTES = 1_048_576;
/** What AWS counts for an event beside its message. */
const EVENT_OVERHEAD_BYTES = 26;
const LONGEST_SPAN_MS = 24 * 3_600_000;
const LARGEST_WINDOW_BYTES = 16 * LARGEST_BATCH_BYTES;

export class BatchBuilder {
  #window: ImportEvent[] = [];
  #bytes = 0;

  /** The batches of a window that this event filled. */
  push(event: ImportEvent): ImportEvent[][] | undefined {
    this.#window.push(event);
    this.#bytes += sizeOf(event);
    return this.#bytes < LARGEST_WINDOW_BYTES ? undefined : this.finish();
  }

  /** The batches of what is left. */
  finish(): ImportEvent[][] {
    // Stable: events of the same time stay in the order of their lines.
    const events = this.#window.sort((a, b) => a.timestamp - b.timestamp);
    this.#window = [];
    this.#bytes = 0;
    const batches: ImportEvent[][] = [];
    let batch: ImportEvent[] = [];
    let bytes = 0;
    for (const event of events) {
      const size = sizeOf(event);
      const full =
        batch.length >= MOST_EVENTS ||
        bytes + size > LARGEST_BATCH_BYTES ||
        (batch.length > 0 && event.timestamp - batch[0]!.timestamp >= LONGEST_SPAN_MS);
      if (full) {
        batches.push(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(event);
      bytes += size;
    }
    if (batch.length > 0) batches.push(batch);
    return batches;
  }
}

function sizeOf({ message }: ImportEvent): number {
  return Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
}
