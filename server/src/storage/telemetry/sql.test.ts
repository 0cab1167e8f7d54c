import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLogger } from '#core/log.ts';
import { seeded } from '#test/seeded-random.ts';
import { openTelemetry } from './chdb-telemetry.ts';
import { array, identifier, join as joinSql, list, type SqlValue, sql } from './sql.ts';
import type { Telemetry } from './telemetry.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed} (set SEED to repeat)`);
const random = seeded(seed);
const STRINGS = 3_000;

let dir: string;
let telemetry: Telemetry;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'brume-sql-'));
  telemetry = await openTelemetry({ dir, durable: false, log: createLogger('silent') });
});
after(async () => {
  await telemetry.close();
  await rm(dir, { recursive: true });
});

test('renders values as literals', () => {
  const cases: [SqlValue, string][] = [
    ['plain', "'plain'"],
    ["it's", "'it\\'s'"],
    ["\\'; DROP TABLE log_events --", "'\\\\\\'; DROP TABLE log_events --'"],
    [1, '1'],
    [-1, '(-1)'],
    [-0, '(-0e0)'],
    [1.5e300, '1.5e+300'],
    [1e20, '1e+20'],
    [0.1, '1e-1'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '(-inf)'],
    [-5n, '(-5)'],
    [true, 'true'],
    [null, 'NULL'],
    [sql`now()`, 'now()'],
  ];
  for (const [value, text] of cases) assert.equal(sql`${value}`.text, text);
});

test('joins fragments, lists and arrays', () => {
  assert.equal(sql`a IN ${list(['x', 1])}`.text, "a IN ('x', 1)");
  assert.equal(sql`a IN ${list([])}`.text, 'a IN (NULL)');
  assert.equal(sql`hasAny(a, ${array(['x'])})`.text, "hasAny(a, ['x'])");
  assert.equal(sql`${array([0.5, 2])}`.text, '[5e-1, 2e+0]');
  assert.equal(joinSql([sql`a = ${1}`, sql`b = ${'2'}`], ' AND ').text, "a = 1 AND b = '2'");
  assert.equal(identifier('we`ird\\').text, '`we\\`ird\\\\`');
});

test('an object that only looks like SQL is refused', () => {
  assert.throws(() => sql`SELECT ${{ text: 'now()' } as unknown as SqlValue}`, TypeError);
  assert.throws(() => sql`SELECT ${undefined as unknown as SqlValue}`, TypeError);
});

test('random strings come back from ClickHouse as they were', async () => {
  const strings = Array.from({ length: STRINGS }, () => randomString(random));
  const viaArray = await telemetry.query<{ v: string }>(sql`SELECT arrayJoin(${array(strings)}) AS v`);
  assert.deepEqual(
    viaArray.rows.map(({ v }) => v),
    strings,
  );
  for (let i = 0; i < 50; i++) {
    const text = randomString(random);
    const { rows } = await telemetry.query<Record<string, unknown>>(
      sql`SELECT ${text} AS v, length(${text}) AS bytes, ${text} IN ${list([text, 'other'])} AS found`,
    );
    assert.deepEqual(rows, [{ v: text, bytes: Buffer.byteLength(text), found: 1 }]);
  }
});

test('random identifiers come back as column names', async () => {
  const names = ['__proto__', 'constructor', ...Array.from({ length: 50 }, () => `${randomString(random)}x`)];
  for (const name of names) {
    const { rows } = await telemetry.query(sql`SELECT 1 AS ${identifier(name)}`);
    assert.deepEqual(rows, [{ [name]: 1 }]);
  }
});

test('random numbers come back as they were', async () => {
  const numbers = Array.from({ length: 1_000 }, () => {
    const bytes = Buffer.alloc(8);
    for (let i = 0; i < 8; i++) bytes[i] = Math.floor(random() * 256);
    const double = bytes.readDoubleLE();
    return Number.isFinite(double) ? double : 0;
  });
  for (let i = 0; i < numbers.length; i += 100) {
    const some = numbers.slice(i, i + 100);
    const { rows } = await telemetry.query<{ v: number }>(sql`SELECT arrayJoin(${array([0.5, ...some])}) AS v`);
    assert.deepEqual(
      rows.map(({ v }) => v),
      [0.5, ...some],
    );
  }
  const { rows } = await telemetry.query(sql`SELECT 1 -${-1} AS two, toString(${2n ** 64n - 1n}) AS big`);
  assert.deepEqual(rows, [{ two: 2, big: '18446744073709551615' }]);
});

const AWKWARD = [...'\'"`\\;-#/*{}:?$%_\0\b\t\n\v\f\r\x1a\x7f é€日𝄞\u2028\ufeff\ufffd()[],'];

function randomString(random: () => number): string {
  const length = Math.floor(random() ** 2 * 40);
  let text = '';
  for (let i = 0; i < length; i++) {
    const choice = random();
    if (choice < 0.5) text += AWKWARD[Math.floor(random() * AWKWARD.length)];
    else if (choice < 0.7) text += String.fromCharCode(Math.floor(random() * 128));
    else text += String.fromCodePoint(Math.floor(random() * 0x10ffff));
  }
  return text.toWellFormed();
}
