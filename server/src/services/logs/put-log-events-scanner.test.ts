import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutLogEventsScanner } from './put-log-events-scanner.ts';

const scanner = new PutLogEventsScanner();

interface Event {
  timestamp: number;
  message: string;
}

/** The events in rows of (Int64, String). */
function decode(rows: Buffer): Event[] {
  const events: Event[] = [];
  for (let at = 0; at < rows.length; ) {
    const timestamp = Number(rows.readBigInt64LE(at));
    at += 8;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = rows[at++]!;
      length += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    events.push({ timestamp, message: rows.toString('utf8', at, at + length) });
    at += length;
  }
  return events;
}

/** What the scanner must find, by JSON.parse; undefined for what it must leave alone. */
function expected(body: Buffer) {
  let input: any;
  try {
    input = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
  const messageBytes = input.logEvents.reduce((sum: number, e: Event) => sum + Buffer.byteLength(e.message), 0);
  const events = input.logEvents.map((e: Event) => ({ ...e, message: e.message.toWellFormed() }));
  return { group: input.logGroupName, stream: input.logStreamName, events, messageBytes };
}

function scan(body: Buffer) {
  const found = scanner.scan(body);
  if (!found) return undefined;
  const events = decode(found.rows);
  assert.equal(found.count, events.length);
  assert.equal(found.firstMs, events[0]!.timestamp);
  assert.equal(found.lastMs, events.at(-1)!.timestamp);
  return { group: found.logGroupName, stream: found.logStreamName, events, messageBytes: found.messageBytes };
}

const MESSAGES = [
  'plain',
  'with "quotes", back\\slash, /, tab\t, line\nfeed, \r, \b, \f',
  '{"level":"info","n":1}',
  'ünïcödé – 日本語 😀',
  'x'.repeat(127),
  'x'.repeat(128),
  'é'.repeat(8_191),
  'é'.repeat(8_192),
  'y'.repeat(200_000),
  '\u0001\u001f',
  '\ud800 alone, \udc00 too, \ud800\ud800\udc00',
];
const INPUT = {
  logGroupName: '/aws/lambda/g',
  logStreamName: '2026/11/23/[$LATEST]0123',
  logEvents: MESSAGES.map((message, i) => ({ timestamp: 1_795_000_000_000 + i, message })),
};
const compact = JSON.stringify(INPUT);
/** As Python's json.dumps has it. */
const python = JSON.stringify(INPUT, null, 1)
  .replace(/\n\s*/g, ' ')
  .replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const KNOWN: Record<string, string> = {
  compact,
  python,
  indented: JSON.stringify(INPUT, null, 2),
  'events first': JSON.stringify({ logEvents: INPUT.logEvents, logStreamName: 's', logGroupName: 'g' }),
  'message first': '{"logGroupName":"g","logStreamName":"s","logEvents":[{"message":"m","timestamp":0}]}',
  'a token':
    '{"logGroupName":"g","logStreamName":"s","sequenceToken":"49","logEvents":[{"message":"m","timestamp":7}]}\n',
};
for (const [name, text] of Object.entries(KNOWN)) {
  test(`known: ${name}`, () => {
    const body = Buffer.from(text);
    assert.deepEqual(scan(body), expected(body));
    assert.ok(scan(body));
  });
}

const wrap = (events: string) => `{"logGroupName":"g","logStreamName":"s","logEvents":${events}}`;
const event = (fields: string) => wrap(`[{${fields}}]`);
const LEFT_ALONE: [name: string, text: string][] = [
  ['no events', wrap('[]')],
  ['an empty message', event('"timestamp":1,"message":""')],
  ['no message', event('"timestamp":1')],
  ['no timestamp', event('"message":"m"')],
  ['a message twice', event('"timestamp":1,"message":"a","message":"b"')],
  ['a timestamp twice', event('"timestamp":1,"timestamp":1,"message":"b"')],
  ['another member', event('"timestamp":1,"message":"m","level":1')],
  ['a negative timestamp', event('"timestamp":-1,"message":"m"')],
  ['a fraction', event('"timestamp":1.5,"message":"m"')],
  ['an exponent', event('"timestamp":1e3,"message":"m"')],
  ['a leading zero', event('"timestamp":01,"message":"m"')],
  ['a long timestamp', event('"timestamp":9007199254740993,"message":"m"')],
  ['a timestamp in quotes', event('"timestamp":"1","message":"m"')],
  ['null', event('"timestamp":1,"message":null')],
  ['out of order', wrap('[{"timestamp":2,"message":"a"},{"timestamp":1,"message":"b"}]')],
  ['a control character', event('"timestamp":1,"message":"a\u0001b"')],
  ['an unknown escape', event('"timestamp":1,"message":"\\x41"')],
  ['a short escape', event('"timestamp":1,"message":"\\u12"')],
  ['a string without end', wrap('[{"timestamp":1,"message":"m')],
  ['a comma too many', wrap('[{"timestamp":1,"message":"m"},]')],
  ['no group', '{"logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"}]}'],
  [
    'a group twice',
    '{"logGroupName":"a","logGroupName":"b","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"}]}',
  ],
  ['an entity', '{"logGroupName":"g","logStreamName":"s","entity":{},"logEvents":[{"timestamp":1,"message":"m"}]}'],
  ['an escape in a name', '{"logGroupName":"\\u0067","logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"}]}'],
  ['more after the end', `${event('"timestamp":1,"message":"m"')}}`],
  ['nothing', ''],
  ['another type', '[]'],
];
for (const [name, text] of LEFT_ALONE) {
  test(`left alone: ${name}`, () => assert.equal(scanner.scan(Buffer.from(text)), undefined));
}

test('left alone: what is not UTF-8', () => {
  const body = Buffer.from(compact);
  body[body.indexOf('plain')] = 0xff;
  assert.equal(scanner.scan(body), undefined);
});

test('whatever it takes of mutated bodies, JSON.parse takes too, and finds the same', () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`# seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const small = { ...INPUT, logEvents: INPUT.logEvents.filter(({ message }) => message.length < 100) };
  const bodies = [
    JSON.stringify(small),
    JSON.stringify(small, null, 1),
    python.replace(/y{1000,}|(\\u00e9){1000,}/g, 'z'),
  ];
  const alphabet = Buffer.from('{}[]",:\\u0189deE.-tfn \n\u0000\u001fé');
  let taken = 0;
  for (let round = 0; round < 20_000; round++) {
    const body = Buffer.from(bodies[random(bodies.length)]!);
    for (let changes = random(3); changes >= 0; changes--)
      body[random(body.length)] = alphabet[random(alphabet.length)]!;
    const found = scan(random(4) === 0 ? body.subarray(0, random(body.length)) : body);
    if (!found) continue;
    taken++;
    assert.deepEqual(found, expected(body), `seed ${seed}, round ${round}`);
  }
  assert.ok(taken > 1_000, `${taken} were taken`);
});
