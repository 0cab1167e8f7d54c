import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clickhouseRegex, compileRegex } from './regex.ts';

const cases: [source: string, matching: string[], other: string[]][] = [
  ['^[hc]at', ['hat', 'cat and dog'], ['a cat', 'bat']],
  ['[hc]at$', ['a hat', 'cat'], ['hat.', 'cats']],
  ['colou?r', ['color', 'colour!'], ['colouur']],
  ['[abcx-z]', ['a', 'y'], ['d', '']],
  ['a{3,5}', ['aaa', 'baaaab', 'aaaaaa'], ['aa', 'aab aa']],
  ['gray|grey', ['gray', 'so grey'], ['griy']],
  ['10\\.10\\.0\\.1', ['at 10.10.0.1'], ['10910.0.1']],
  ['ab*c', ['ac', 'abbbc'], ['abb']],
  ['.+ERROR$', ['an ERROR', '\nx ERROR'], ['ERROR', 'ERROR\n']],
  ['a.c', ['abc', 'a\u00e9c', 'a😀c', 'a\rc', 'a\u2028c'], ['a\nc', 'a😀😀c']],
  ['\\d\\D\\s\\S\\w\\W', ['1a\t!b ', '0 \v😀_é'], ['1a !b_']],
  ['[^a-f\\d]+$', ['xyz', 'a!'], ['1', 'f']],
  ['\\x41\\x7e', ['A~'], ['a~']],
  ['^$', [''], ['a']],
  ['a|^b$|', ['', 'c'], []],
  ['[a\\]b-]x', ['ax', ']x', '-x'], ['x']],
  ['[--a]', ['-', '5', 'a'], [',', 'b']],
  ['^a{2}b{0}c{1,}$', ['aac', 'aaccc'], ['aabc', 'aa']],
  ['a*?b+?', ['b', 'aab'], ['a']],
  ['x^y|z$w', [], ['xy', 'x\ny', 'zw']],
];

test('expressions find what they should, and nothing else', () => {
  for (const [source, matching, other] of cases) {
    const regex = compileRegex(source);
    for (const text of matching) assert.ok(regex.test(text), `${source} finds ${JSON.stringify(text)}`);
    for (const text of other) assert.ok(!regex.test(text), `${source} does not find ${JSON.stringify(text)}`);
  }
});

test('they are printed as classes of codes', () => {
  const printed: [string, string][] = [
    ['ab', '[\\x61][\\x62]'],
    ['^\\d+?$|a{2,3}', '^[\\x30-\\x39]{1,}$|[\\x61]{2,3}'],
    ['.', '[\\x00-\\x09\\x0b-\\x7f\\x{80}-\\x{10ffff}]'],
    ['[^b-z]{4}', '[\\x00-\\x61\\x7b-\\x7f\\x{80}-\\x{10ffff}]{4}'],
  ];
  for (const [source, expected] of printed) assert.equal(clickhouseRegex(source), expected);
});

test('random expressions agree with those of JavaScript, in their printed form', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123);
  console.log(`regex fuzz seed ${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
  const pick = (items: string[]) => items[random(items.length)]!;
  const atoms = ['a', 'b', 'c', '.', '[ab]', '[^a]', '\\d', '\\w', '\\S', '1', '^', '$', '|', '[a-c]', '\\.'];
  const quantifiers = ['', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,2}', '{2,}', '*?'];
  const characters = ['a', 'b', 'c', '1', '.', ' ', '\n', 'é', '😀'];
  let found = 0;
  for (let i = 0; i < 3_000; i++) {
    let source = '';
    for (let j = 1 + random(6); j > 0; j--) {
      const atom = pick(atoms);
      source += '^$|'.includes(atom) ? atom : atom + pick(quantifiers);
    }
    const regex = compileRegex(source);
    const reference = new RegExp(
      clickhouseRegex(source).replaceAll('\\x{', '\\u{').replaceAll('\\u{80}', '\\x80'),
      'u',
    );
    for (let j = 0; j < 8; j++) {
      let text = '';
      for (let k = random(9); k > 0; k--) text += pick(characters);
      assert.equal(regex.test(text), reference.test(text), `${source} in ${JSON.stringify(text)}`);
      if (regex.test(text)) found++;
    }
  }
  assert.ok(found > 1_000);
});

test('no expression takes more than one pass', () => {
  // Backtracking would take longer than the universe has lasted for each of these.
  const texts = ['a'.repeat(1_000_000), 'abc'.repeat(300_000)];
  for (const source of ['a.*b.*c.*d', 'a*a*a*a*a*x', '.*.*.*.*=.*', '[ab]{1,200}d', '\\w+\\w+\\w+\\w+!']) {
    const regex = compileRegex(source.replace('!', '\\!'));
    for (const text of texts) assert.equal(regex.test(text), false, source);
  }
});
