import assert from 'node:assert/strict';
import test from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import { type EmbeddedDocument, mayBeEmbedded, readEmbeddedDocument } from './document.ts';

const NOW = Date.UTC(2026, 0, 15, 12);

function document(directive: Record<string, unknown> | undefined, members: Record<string, unknown>, aws = {}): string {
  const directives = directive ? [{ Namespace: 'App', Dimensions: [['service']], ...directive }] : [];
  return JSON.stringify({ _aws: { Timestamp: NOW, CloudWatchMetrics: directives, ...aws }, ...members });
}

/** `metric{dimensions} = values unit/resolution`, one a line. */
function show({ metrics, parsingErrors, validationErrors }: EmbeddedDocument) {
  const lines = metrics.map(({ namespace, name, dimensions, unit, storageResolution, values }) => {
    const pairs = Object.entries(dimensions).map(([key, value]) => `${key}=${value}`);
    return `${namespace} ${name}{${pairs.join(',')}} = ${values.join(',')} ${unit}/${storageResolution}`;
  });
  return [...lines, ...(parsingErrors ? ['parsing'] : []), ...Array(validationErrors).fill('invalid')];
}

const time = { Metrics: [{ Name: 'time', Unit: 'Milliseconds' }] };
const service = { service: 'orders' };
const many = (count: number) => Array.from({ length: count }, (_, i) => i);
const members = (names: number[]) => Object.fromEntries(names.map((i) => [`m${i}`, i]));
const keys = (names: number[]) => names.map((i) => `m${i}`);
const texts = (names: number[]) => Object.fromEntries(names.map((i) => [`m${i}`, `v${i}`]));

const CASES: [what: string, message: string, expected: string[] | undefined][] = [
  ['a number', document(time, { ...service, time: 1.5 }), ['App time{service=orders} = 1.5 Milliseconds/60']],
  ['an array', document(time, { ...service, time: [1, 2, 2] }), ['App time{service=orders} = 1,2,2 Milliseconds/60']],
  [
    'high resolution, no unit',
    document({ Metrics: [{ Name: 'n', StorageResolution: 1 }] }, { ...service, n: 0 }),
    ['App n{service=orders} = 0 None/1'],
  ],
  [
    'several sets, an empty one, one twice',
    document(
      { ...time, Dimensions: [['service'], [], ['service', 'zone'], ['zone', 'service']] },
      { ...service, zone: 'a', time: 1 },
    ),
    [
      'App time{service=orders} = 1 Milliseconds/60',
      'App time{} = 1 Milliseconds/60',
      'App time{zone=a,service=orders} = 1 Milliseconds/60',
    ],
  ],
  [
    'several directives',
    document(
      undefined,
      { ...service, time: 1 },
      {
        CloudWatchMetrics: [
          { Namespace: 'A', Dimensions: [[]], ...time },
          { Namespace: 'B', Dimensions: [[]], ...time },
        ],
      },
    ),
    ['A time{} = 1 Milliseconds/60', 'B time{} = 1 Milliseconds/60'],
  ],
  [
    'a dotted name is one member',
    document({ Metrics: [{ Name: 'a.b' }] }, { ...service, 'a.b': 3, a: { b: 4 } }),
    ['App a.b{service=orders} = 3 None/60'],
  ],
  ['nested members are none', document({ Metrics: [{ Name: 'a.b' }] }, { ...service, a: { b: 4 } }), ['invalid']],
  [
    'members that nobody knows',
    document(time, { ...service, time: 1, extra: { deep: [null] } }, { Else: 1 }),
    ['App time{service=orders} = 1 Milliseconds/60'],
  ],
  [
    'a missing metric takes only itself',
    document({ Metrics: [{ Name: 'x' }, { Name: 'y' }] }, { ...service, y: 1 }),
    ['App y{service=orders} = 1 None/60', 'invalid'],
  ],
  ['a text is no value', document(time, { ...service, time: '1' }), ['invalid']],
  ['an array with a text', document(time, { ...service, time: [1, '2'] }), ['invalid']],
  ['an empty array', document(time, { ...service, time: [] }), ['invalid']],
  [
    '100 values',
    document(time, { ...service, time: many(100) }),
    [`App time{service=orders} = ${many(100)} Milliseconds/60`],
  ],
  ['101 values', document(time, { ...service, time: many(101) }), ['invalid']],
  ['too large a value', document(time, { ...service, time: 1e200 }), ['invalid']],
  [
    'an unknown unit',
    document({ Metrics: [{ Name: 'time', Unit: 'Fortnights' }] }, { ...service, time: 1 }),
    ['invalid'],
  ],
  [
    'an unknown resolution',
    document({ Metrics: [{ Name: 'time', StorageResolution: 5 }] }, { ...service, time: 1 }),
    ['invalid'],
  ],
  [
    'a missing dimension takes its set',
    document({ ...time, Dimensions: [['nope'], []] }, { time: 1 }),
    ['App time{} = 1 Milliseconds/60', 'invalid'],
  ],
  [
    'a dimension that is a number',
    document({ ...time, Dimensions: [['service']] }, { service: 7, time: 1 }),
    ['invalid'],
  ],
  [
    '30 dimensions',
    document({ ...time, Dimensions: [keys(many(30))] }, { ...texts(many(30)), time: 1 }),
    [`App time{${many(30).map((i) => `m${i}=v${i}`)}} = 1 Milliseconds/60`],
  ],
  ['31 dimensions', document({ ...time, Dimensions: [keys(many(31))] }, { ...texts(many(31)), time: 1 }), ['invalid']],
  [
    '100 metrics',
    document({ Dimensions: [[]], Metrics: keys(many(100)).map((Name) => ({ Name })) }, members(many(100))),
    many(100).map((i) => `App m${i}{} = ${i} None/60`),
  ],
  [
    '101 metrics',
    document({ Dimensions: [[]], Metrics: keys(many(101)).map((Name) => ({ Name })) }, members(many(101))),
    ['invalid'],
  ],
  ['no namespace', document({ ...time, Namespace: undefined }, { ...service, time: 1 }), ['invalid']],
  ['a namespace of AWS', document({ ...time, Namespace: 'AWS/Lambda' }, { ...service, time: 1 }), ['invalid']],
  ['no dimensions', document({ ...time, Dimensions: undefined }, { time: 1 }), ['invalid']],
  ['no sets', document({ ...time, Dimensions: [] }, { time: 1 }), ['invalid']],
  ['no metrics', document({ Metrics: undefined }, { ...service, time: 1 }), ['invalid']],
  ['no timestamp', document(time, { ...service, time: 1 }, { Timestamp: undefined }), ['parsing']],
  ['a timestamp in words', document(time, { ...service, time: 1 }, { Timestamp: '2026-01-15' }), ['parsing']],
  ['too old', document(time, { ...service, time: 1 }, { Timestamp: NOW - 15 * 86_400_000 }), ['invalid']],
  ['too new', document(time, { ...service, time: 1 }, { Timestamp: NOW + 3 * 3_600_000 }), ['invalid']],
  ['directives that are no array', document(undefined, service, { CloudWatchMetrics: {} }), ['parsing']],
  ['torn', document(time, { ...service, time: 1 }).slice(0, -1), ['parsing']],
  ['something after it', `${document(time, { ...service, time: 1 })} tail`, ['parsing']],
  ['an array around it', `[${document(time, { ...service, time: 1 })}]`, ['parsing']],
  [
    'Lambda for Node.js',
    `2026-01-15T12:00:00.000Z\t0a1b-2c\tINFO\t${document(time, { ...service, time: 1 })}`,
    ['App time{service=orders} = 1 Milliseconds/60'],
  ],
  [
    'Lambda for Python',
    `[INFO]\t2026-01-15T12:00:00.000Z\t0a1b-2c\t${document(time, { ...service, time: 1 })}\n`,
    ['App time{service=orders} = 1 Milliseconds/60'],
  ],
  ['_aws deeper down', JSON.stringify({ a: { _aws: { CloudWatchMetrics: [] } } }), undefined],
  ['the words in a text', 'CloudWatchMetrics are nice', undefined],
  ['members of the prototype', document({ Metrics: [{ Name: 'constructor' }] }, service), ['invalid']],
];

for (const [what, message, expected] of CASES) {
  test(`embedded metrics: ${what}`, () => {
    assert.ok(mayBeEmbedded(message));
    const found = readEmbeddedDocument(message, NOW);
    assert.deepEqual(found && show(found), expected);
  });
}

test('events without the word are not looked at', () => {
  assert.equal(mayBeEmbedded('{"_aws":{"Timestamp":1}}'), false);
});

test('any JSON in the place of any member gives what CloudWatch takes, or nothing (fuzz)', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123);
  console.log(`embedded metrics fuzz seed ${seed}`);
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const odd = [
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    '',
    'x',
    'm',
    's',
    [],
    [[]],
    [1],
    ['s'],
    [['s']],
    [['s', 's']],
    {},
    { Name: 'm' },
  ];
  const mutate = (value: unknown): unknown => {
    if (random() < 0.15) return pick(odd);
    if (Array.isArray(value)) return value.map(mutate);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mutate(member)]));
  };
  const valid = {
    _aws: {
      Timestamp: NOW,
      CloudWatchMetrics: [
        { Namespace: 'N', Dimensions: [['s'], []], Metrics: [{ Name: 'm', Unit: 'Count', StorageResolution: 1 }] },
      ],
    },
    s: 'v',
    m: [1, 2],
  };
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const text = JSON.stringify(mutate(valid));
    const found = readEmbeddedDocument(random() < 0.1 ? text.slice(0, -1) : text, NOW);
    for (const { namespace, name, dimensions, unit, storageResolution, values } of found?.metrics ?? []) {
      taken++;
      assert.ok(namespace.length > 0 && name.length > 0 && unit.length > 0, text);
      assert.ok(storageResolution === 1 || storageResolution === 60, text);
      assert.ok(values.length > 0 && values.every(Number.isFinite), text);
      assert.ok(
        Object.values(dimensions).every((value) => typeof value === 'string' && value !== ''),
        text,
      );
    }
  }
  assert.ok(taken > 1000, `${taken}`);
});
