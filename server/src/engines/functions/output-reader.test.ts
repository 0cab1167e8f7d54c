import assert from 'node:assert/strict';
import test from 'node:test';
import { LONGEST_MESSAGE_BYTES, OutputReader } from './output-reader.ts';

const frame = (text: string, mark = 0xa55a0003) => {
  const data = Buffer.from(text);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(mark, 0);
  head.writeUInt32BE(data.length, 4);
  return Buffer.concat([head, data]);
};
const bytes = (...parts: (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));

const cases: [name: string, input: Buffer, messages: string[]][] = [
  ['lines', bytes('a\nb\n'), ['a\n', 'b\n']],
  ['an empty line', bytes('\n\n'), ['\n', '\n']],
  ['a rest without its line end', bytes('a\nb'), ['a\n', 'b']],
  ['a frame of several lines', bytes(frame('a\nb')), ['a\nb']],
  ['a frame after a partial line', bytes('x', frame('a\nb'), 'y\n'), ['x', 'a\nb', 'y\n']],
  ['frames beside one another', bytes(frame('a\n'), frame(''), frame('ü€')), ['a\n', 'ü€']],
  ['frames that say their level', bytes(frame('a', 0xa55a000a), frame('b\n', 0xa55a001b)), ['a', 'b\n']],
  ['a mark of another kind is text', bytes(Buffer.from([0xa5, 0x5a, 0, 0x20]), 'a\n'), ['\ufffdZ\0 a\n']],
  ['what is not UTF-8', bytes(Buffer.from([0xff, 0x0a])), ['\ufffd\n']],
  [
    'a frame that claims to be huge is text',
    bytes(Buffer.from([0xa5, 0x5a, 0, 3, 0xff, 0xff, 0xff, 0xff]), 'abc\n'),
    ['\ufffdZ\0\u0003\ufffd\ufffd\ufffd\ufffdabc\n'],
  ],
  [
    'a long line, in parts',
    bytes('x'.repeat(LONGEST_MESSAGE_BYTES + 5), '\n'),
    ['x'.repeat(LONGEST_MESSAGE_BYTES), 'xxxxx\n'],
  ],
];

test('levels', () => {
  const got: unknown[] = [];
  const reader = new OutputReader((message, severity) => got.push([message, severity]));
  for (const mark of [0xa55a0002, 0xa55a0003, 0xa55a0006, 0xa55a000a, 0xa55a000f, 0xa55a001b]) {
    reader.read(frame('x', mark));
  }
  reader.read(Buffer.from('line\n'));
  assert.deepEqual(got, [
    ['x', undefined],
    ['x', undefined],
    ['x', 0],
    ['x', 1],
    ['x', 2],
    ['x', 5],
    ['line\n', undefined],
  ]);
});

for (const [name, input, messages] of cases) {
  test(name, () => {
    const chunkings = input.length > 1_000 ? [input.length, 65_536] : [input.length, 1, 2, 3, 7];
    for (const size of chunkings) {
      const got: string[] = [];
      const reader = new OutputReader((message) => got.push(message));
      for (let at = 0; at < input.length; at += size) reader.read(input.subarray(at, at + size));
      reader.flush();
      assert.deepEqual(got, messages, `in chunks of ${size}`);
    }
  });
}
