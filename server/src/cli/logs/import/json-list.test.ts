import assert from 'node:assert/strict';
import test from 'node:test';
import { isJsonList, JsonListSplitter } from './json-list.ts';

test('what a JSON list begins with', () => {
  const rows: [string, boolean][] = [
    ['[{"a":1}]', true],
    [' [\n  {\n', true],
    ['{"Records":[{', true],
    ['{\n "Records" : [', true],
    ['[2026-11-23 10:00:00] INFO', false],
    ['[Mon Nov 23 10:20:00 2026] [notice] x', false],
    ['{"a":1}\n{"a":2}', false],
    ['[1,2]', false],
  ];
  for (const [beginning, expected] of rows) assert.equal(isJsonList(beginning), expected, beginning);
});

test('objects of lists, however the text is cut', () => {
  const rows: [string, string[]][] = [
    ['[{"a":1},{"b":[{"c":"]}"}]}]', ['{"a":1}', '{"b":[{"c":"]}"}]}']],
    ['{"Records":[{"a":"\\"}"},{"b":2}]}\n{"Records":[{"c":3}]}', ['{"a":"\\"}"}', '{"b":2}', '{"c":3}']],
    ['[\n  {\n    "a": 1,\n    "b": "x y"\n  }\n]\n', ['{"a":1,"b":"x y"}']],
    ['[]', []],
  ];
  for (const [text, expected] of rows) {
    for (let size = 1; size <= text.length; size++) {
      const splitter = new JsonListSplitter();
      const lines: string[] = [];
      for (let at = 0; at < text.length; at += size) lines.push(...splitter.push(text.slice(at, at + size)));
      splitter.finish();
      assert.deepEqual(lines, expected, `${text} in pieces of ${size}`);
    }
  }
  const cut = new JsonListSplitter();
  cut.push('[{"a":1},{"b"');
  assert.throws(() => cut.finish(), /ends within its JSON list/);
});
