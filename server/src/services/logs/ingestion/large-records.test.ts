import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutRecord, truncatablePaths } from './large-records.ts';

const MOST = 2_000;
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const xs = (length: number) => 'x'.repeat(length);

/** A record, the fields that may be cut, the pointers, and how many bytes remain unused at most. */
const CUTS: [what: string, record: object, paths: string[] | undefined, pointers: string[], unused: number][] = [
  ['what fits', { a: xs(100) }, undefined, [], MOST],
  ['one field', { a: xs(5_000), b: 'b' }, undefined, ["@ptr.$['a']"], 60],
  ['the largest of them', { a: xs(1_000), b: { c: { d: xs(5_000) } } }, undefined, ["@ptr.$['b']['c']['d']"], 60],
  ['two, the larger one wholly', { a: xs(5_000), b: xs(4_000) }, undefined, ["@ptr.$['a']", "@ptr.$['b']"], 60],
  ['in a list', { list: ['l', xs(5_000)] }, undefined, ["@ptr.$['list']['1']"], 60],
  ['what JSON writes longer', { a: '"\n\u0001'.repeat(2_000) }, undefined, ["@ptr.$['a']"], 60],
  ['no half of a character', { a: '😀'.repeat(2_000) }, undefined, ["@ptr.$['a']"], 60],
  ['a named field, not the largest', { a: xs(1_200), b: xs(1_500) }, ["$['a']"], ["@ptr.$['a']"], 60],
  ['one that is not there is passed over', { a: xs(1_200), b: xs(1_500) }, ["$['z']", "$['a']"], ["@ptr.$['a']"], 60],
];

for (const [what, record, paths, pointers, unused] of CUTS)
  test(`cutRecord: ${what}`, () => {
    const before = structuredClone(record);
    const { document, rests } = cutRecord(record, MOST, paths);
    assert.deepEqual(
      rests.map(({ name }) => name),
      pointers,
    );
    // As it is stored, with pointers of their longest.
    const whole = { ...document, ...Object.fromEntries(rests.map(({ name }) => [name, xs(128)])) };
    const free = MOST - sizeOf(whole);
    assert.ok(free >= 0 && free <= unused, `${free} of ${MOST} bytes unused`);
    assert.doesNotMatch(JSON.stringify(document), /\\ud/);
    for (const { name, text } of rests) restore(document, name, text);
    assert.deepEqual(document, before);
  });

function restore(document: object, name: string, rest: string): void {
  const path = [...name.matchAll(/\['(.*?)'\]/g)].map((match) => match[1]!);
  let holder = document as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  holder[path.at(-1)!] += rest;
}

test('cutRecord: ten fields at most, and only texts', () => {
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, xs(300)]));
  for (const record of [many, { numbers: Array.from({ length: 2_000 }, (_, i) => i) }]) {
    assert.throws(() => cutRecord(record, MOST), { code: 'InvalidParameterException' });
  }
  assert.throws(() => cutRecord({ a: xs(100), b: xs(5_000) }, MOST, ["$['a']"]), { code: 'InvalidParameterException' });
});

test('paths of a header', () => {
  const cases: [header: string | undefined, paths: string[] | undefined][] = [
    [undefined, undefined],
    [' , ', undefined],
    ["$['body'], $['attributes']['a.b']", ["$['body']", "$['attributes']['a.b']"]],
    ['body,$.attributes.text', ["$['body']", "$['attributes']['text']"]],
  ];
  for (const [header, paths] of cases) assert.deepEqual(truncatablePaths(header), paths, header);
});
