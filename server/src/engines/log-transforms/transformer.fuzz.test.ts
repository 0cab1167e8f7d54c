// Random configurations of grok and random messages: refused with a reason, or compiled and run, and never anything else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GROK_PATTERNS } from './grok-patterns.ts';
import { TransformConfigError } from './transform-error.ts';
import { compileTransformer } from './transformer.ts';

const SEED = 20261123;
const ROUNDS = 1_500;
const ORIGIN = { logGroupName: 'g', logStreamName: 's', accountId: '0', regionName: 'r', nowMs: 0 };
const NAMES = [...GROK_PATTERNS.keys(), 'APACHE_ACCESS_LOG', 'SYSLOG5424', 'NOPE'];
const LITERALS = [' ', '[', ']', '(', ')', '*', '\\', '%', '{', '}', '.', '$', '^', '|', '"', 'x', '%{', '\\Q', '\\E'];
const TEXTS = [
  '12',
  'abc',
  '10.0.0.1',
  '2026-11-23T10:00:00Z',
  '"q"',
  '/a/b?c=d',
  ' ',
  '::',
  '-',
  '<1.2>',
  '\n',
  'é',
  '{"a":1}',
];

test(`random grok, seed ${SEED}`, () => {
  let state = SEED;
  const below = (most: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
  const from = (list: readonly string[]) => list[below(list.length)]!;
  let compiled = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const parts = Array.from({ length: 1 + below(6) }, () =>
      below(3) ? `%{${from(NAMES)}${below(2) ? `:f${below(4)}${below(3) ? '' : '.x'}` : ''}}` : from(LITERALS),
    );
    const match = parts.join('');
    const message = Array.from({ length: below(10) }, () => from(TEXTS)).join('');
    try {
      const transformed = compileTransformer([{ grok: { match } }]).transform(message, ORIGIN);
      if (transformed !== undefined) assert.equal(typeof JSON.parse(transformed), 'object');
      compiled++;
    } catch (error) {
      assert.ok(error instanceof TransformConfigError, `${match}: ${error}`);
    }
  }
  assert.ok(compiled > ROUNDS / 10, String(compiled));
});
