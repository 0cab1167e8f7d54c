// Random messages: a pattern is found for each, and what is variable in a message fits the pattern it is given.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatternMiner, patternOf, templateOf, variablesAt } from './log-patterns.ts';
import { PatternTimeline } from './pattern-anomalies.ts';

const SEED = 20261123;
const MESSAGES = 5_000;
const PIECES = [
  ...[
    '',
    ' ',
    '  ',
    '\t',
    '\n',
    '{',
    '}',
    '"',
    ':',
    ',',
    '[',
    ']',
    '=',
    '.',
    '-',
    '/',
    '+',
    '<*>',
    'é',
    '😀',
    '\u0003',
    '\u0004',
  ],
  ...[
    'INFO',
    'error',
    'user',
    'took',
    'ms',
    '12',
    '1.5',
    '10.0.0.1:80',
    'a1',
    '2026-11-23T10:00:00Z',
    '{"a":',
    '"b":2}',
  ],
];

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function messages(): string[] {
  const next = random(SEED);
  const below = (most: number) => Math.floor(next() * most);
  return Array.from({ length: MESSAGES }, () =>
    Array.from({ length: below(14) }, () => PIECES[below(PIECES.length)]! + (below(3) ? ' ' : '')).join(''),
  );
}

test(`random messages, seed ${SEED}`, () => {
  const miner = new PatternMiner();
  const timeline = new PatternTimeline(0, MESSAGES);
  const all = messages();
  const clusters = all.map((message) => miner.add(message));
  for (const [i, message] of all.entries()) {
    timeline.add(message, i);
    const { tokens, patternRegex } = patternOf(clusters[i]!);
    const dynamic = tokens.filter(({ isDynamic }) => isDynamic).length;
    const found = variablesAt(clusters[i]!.words, message);
    assert.equal(found.length, dynamic, JSON.stringify(message));
    assert.doesNotThrow(() => new RegExp(patternRegex, 's'), patternRegex);
  }
  const total = miner.patterns().reduce((sum, { sampleCount }) => sum + sampleCount, 0);
  assert.equal(total, MESSAGES);
  timeline.anomalies();
  const restored = new PatternMiner();
  for (const cluster of miner.clusters) assert.deepEqual(restored.restore(templateOf(cluster)).words, cluster.words);
});

test('messages of any length and shape take time in proportion', () => {
  const miner = new PatternMiner();
  for (const character of ['a', '1', ' ', '{', '"', '.', '-', ':', ',']) {
    miner.add(character.repeat(1_000_000));
    miner.add(`${character}1`.repeat(100_000));
  }
  assert.equal(miner.count, 18);
});
