// One matcher for all that looks at the events of a group as they come: the texts of which every event that any of the patterns
// matches must hold one, looked for in the bytes of a whole batch at once. Only the events that hold one become strings and go
// to the patterns themselves, so the others cost next to nothing. Where a pattern has no such text, there is no sieve.

import type { LogGroup } from './log-group.ts';
import type { SievedEvents } from './log-lines.ts';
import type { LogEventInput } from './log-store.ts';
import { needsEveryEvent } from './metric-filter.ts';

const MINUTE_MS = 60_000;
const TWO_TO_32 = 4_294_967_296;

/** What to look for in events of the group; undefined where something has to see every event. */
export function sieveOf(group: LogGroup): EventSieve | undefined {
  const texts = new Set<string>();
  const add = (needed: readonly string[] | undefined) => {
    for (const text of needed ?? []) texts.add(text);
    return needed !== undefined;
  };
  for (const filter of group.metricFilters.values()) {
    if (!filter.selected) continue;
    if (needsEveryEvent(filter) || !add(filter.matches.needed)) return undefined;
  }
  for (const feed of group.feeds.values()) if (!add(feed.subscription.matches.needed)) return undefined;
  for (const tail of group.tails) if (!add(tail.needed)) return undefined;
  return new EventSieve([...texts]);
}

export class EventSieve {
  readonly #needles: Buffer[];

  constructor(texts: readonly string[]) {
    this.#needles = texts.map((text) => Buffer.from(text));
  }

  /** `rows` is RowBinary of (Int64, String) for each of `total` events, in the order of their timestamps. */
  sieve(rows: Buffer, total: number): SievedEvents {
    const { starts, ends } = layout(rows, total);
    const held = new Uint8Array(total);
    for (const needle of this.#needles) mark(held, needle, rows, starts, ends);

    const events: LogEventInput[] = [];
    const numbers: number[] = [];
    const others = new Map<number, number>();
    let minuteMs = Number.NEGATIVE_INFINITY;
    let inMinute = 0;
    let previous = Number.NEGATIVE_INFINITY;
    let number = 0;
    for (let row = 0, at = 0; row < total; at = ends[row++]!) {
      const timestamp = rows.readUInt32LE(at) + rows.readInt32LE(at + 4) * TWO_TO_32;
      number = timestamp === previous ? number + 1 : 0;
      previous = timestamp;
      if (held[row]) {
        events.push({ timestamp, message: rows.toString('utf8', starts[row], ends[row]) });
        numbers.push(number);
        continue;
      }
      if (timestamp >= minuteMs + MINUTE_MS) {
        if (inMinute > 0) others.set(minuteMs, inMinute);
        minuteMs = Math.floor(timestamp / MINUTE_MS) * MINUTE_MS;
        inMinute = 0;
      }
      inMinute++;
    }
    if (inMinute > 0) others.set(minuteMs, inMinute);
    return { events, numbers, total, others };
  }
}

/** Where each message begins and ends. */
function layout(rows: Buffer, total: number): { starts: Int32Array; ends: Int32Array } {
  const starts = new Int32Array(total);
  const ends = new Int32Array(total);
  let at = 0;
  for (let row = 0; row < total; row++) {
    at += 8;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = rows[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    starts[row] = at;
    at += length;
    ends[row] = at;
  }
  return { starts, ends };
}

/** Once for each event that holds it: after a hit the search goes on with the next event. */
function mark(held: Uint8Array, needle: Buffer, rows: Buffer, starts: Int32Array, ends: Int32Array): void {
  for (let from = 0, row = 0; ; ) {
    const found = rows.indexOf(needle, from);
    if (found < 0) return;
    while (ends[row]! <= found) row++;
    // Timestamps and lengths may spell anything, and a message may end within what was found.
    const isInMessage = found >= starts[row]! && found + needle.length <= ends[row]!;
    if (isInMessage) held[row] = 1;
    from = found < starts[row]! ? starts[row]! : ends[row]!;
  }
}
