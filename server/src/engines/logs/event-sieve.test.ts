import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileMatcher, LogLine, parseFilterPattern } from '#engines/filter-pattern/filter-pattern.ts';
import { RowBinaryBuffer } from '#storage/telemetry/row-binary.ts';
import { seeded } from '#test/seeded-random.ts';
import { EventSieve } from './event-sieve.ts';
import { numbersOf } from './log-lines.ts';
import type { LogEventInput } from './log-store.ts';

const MINUTE_MS = 60_000;

function rowsOf(events: readonly LogEventInput[]): Buffer {
  const buffer = new RowBinaryBuffer();
  for (const { timestamp, message } of events) {
    buffer.reserve(8);
    buffer.int64(timestamp);
    buffer.string(message);
  }
  return buffer.bytes.subarray(0, buffer.length);
}

test('only events with one of the texts are left, the others are counted by their minute', () => {
  const at = Date.parse('2026-11-23T10:00:30Z');
  const events = ['an ERROR', 'fine', 'nothing', 'WARN', 'ERR', 'OR', 'ERRORERROR'].map((message, i) => ({
    timestamp: at + Math.min(i, 5) * 10_000,
    message,
  }));
  const sieved = new EventSieve(['ERROR', 'WARN']).sieve(rowsOf(events), events.length);
  assert.deepEqual(sieved, {
    events: [events[0], events[3], events[6]],
    numbers: [0, 0, 1],
    total: 7,
    others: new Map([
      [at - 30_000, 2],
      [at + 30_000, 2],
    ]),
  });
});

test('what timestamps and lengths spell is no text of an event', () => {
  const timestamp = Buffer.from('ERRORERR').readUIntLE(0, 6); // "ERRORE" and two zeros
  const events = [
    { timestamp, message: 'a'.repeat(0x45) }, // the length is an E
    { timestamp, message: 'RROR' },
    { timestamp, message: 'ends with ER' },
    { timestamp, message: 'an ERROR' },
  ];
  const left = (texts: string[]) => new EventSieve(texts).sieve(rowsOf(events), events.length).events;
  assert.deepEqual(left(['ERROR', 'ERE', 'E', 'ERR']), events.slice(2));
  assert.deepEqual(left(['ERROR']), events.slice(3));
});

test('nothing that a pattern matches is taken out (random events and patterns)', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123);
  console.log(`event sieve seed ${seed}`);
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const patterns = [
    'ERROR',
    '"é ü" -x',
    '?a ?"日本"',
    '{ $.level = "error" }',
    '{ $.level = "e*" || $.n > 4 }',
    '[a, b = x*, ...]',
    '[..., last = "é"]',
  ].map((text) => compileMatcher(parseFilterPattern(text)));
  const words = [
    'ERROR',
    'é ü',
    'é',
    'x',
    'xyz',
    'a',
    '日本',
    '\\',
    '"',
    ' ',
    '[q w]',
    'b'.repeat(200),
    'c'.repeat(20_000),
  ];
  const message = () => {
    if (random() < 0.3)
      return JSON.stringify({ level: pick(['error', 'é', 'ok', 'a\nb']), n: Math.floor(random() * 10) });
    return Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(words)).join(pick(['', ' ']));
  };
  let left = 0;
  let matched = 0;
  for (let i = 0; i < 300; i++) {
    let timestamp = 1_763_860_000_000;
    const events = Array.from({ length: 1 + Math.floor(random() * 60) }, () => {
      timestamp += Math.floor(random() ** 4 * MINUTE_MS);
      return { timestamp, message: message() };
    });
    const matchers = patterns.filter(() => random() < 0.3);
    const sieved = new EventSieve(matchers.flatMap(({ needed }) => needed!)).sieve(rowsOf(events), events.length);
    assert.equal(sieved.total, events.length);
    const others = new Map<number, number>();
    const numbers = numbersOf(events);
    let next = 0;
    for (const [i, { timestamp, message }] of events.entries()) {
      const held = sieved.events[next];
      if (held?.message === message && held.timestamp === timestamp && sieved.numbers[next] === numbers[i]) {
        next++;
        continue;
      }
      const minuteMs = Math.floor(timestamp / MINUTE_MS) * MINUTE_MS;
      others.set(minuteMs, (others.get(minuteMs) ?? 0) + 1);
      for (const matches of matchers) assert.equal(matches(new LogLine(message)), false, message);
    }
    for (const { message } of sieved.events) if (matchers.some((matches) => matches(new LogLine(message)))) matched++;
    assert.equal(next, sieved.events.length);
    left += next;
    assert.deepEqual(sieved.others, others);
  }
  assert.ok(left > 500 && matched > 300, `${left} left, ${matched} matched`);
});
