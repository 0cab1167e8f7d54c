import assert from 'node:assert/strict';
import test from 'node:test';
import { explainBrokenJson } from './broken-json.ts';

const VALID = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/** The payload, what AWS says, and its column in line 1 (or `line:column`). */
const cases: [string | number[], string, number | string][] = [
  // As Lambda answered in 2024.
  [[0x6e, 0x87, 0x72, 0x9e, 0xe9, 0xb5, 0xd7, 0x49, 0xee, 0x9b, 0x6d, 0x74], 'Invalid UTF-8 start byte 0x87', 3],
  [
    [0x99, 0xeb, 0x2c, 0x6a, 0x07, 0xa1, 0x7a, 0x59, 0x68],
    `Unexpected character ((CTRL-CHAR, code 153)): expected a valid value ${VALID}`,
    2,
  ],
  [
    '------WebKitFormBoundary',
    "Unexpected character ('-' (code 45)) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value",
    3,
  ],
  // As Jackson says.
  ['test', `Unrecognized token 'test': was expecting ${VALID}`, 5],
  ['hello world', `Unrecognized token 'hello': was expecting ${VALID}`, 7],
  ["{'a':1}", "Unexpected character (''' (code 39)): was expecting double-quote to start field name", 3],
  ['{a:1}', "Unexpected character ('a' (code 97)): was expecting double-quote to start field name", 3],
  ['{"a":1,}', "Unexpected character ('}' (code 125)): was expecting double-quote to start field name", 9],
  ['{"a" 1}', "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value", 7],
  ['{"a":1 "b":2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", 9],
  ['{"a":1\n"b":2}', "Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries", '2:2'],
  ['{"a":', 'Unexpected end-of-input within/between Object entries', 6],
  ['{"a', 'Unexpected end-of-input in field name', 4],
  ['{"', "Unexpected end-of-input: was expecting closing '\"' for name", 3],
  ['"abc', 'Unexpected end-of-input in VALUE_STRING', 5],
  ['[1,]', "Unexpected character (']' (code 93)): expected a value", 5],
  ['[,', "Unexpected character (',' (code 44)): expected a value", 3],
  ['{"a":01}', 'Invalid numeric value: Leading zeroes not allowed', 7],
  ['1.', "Unexpected character ('.' (code 46)) in numeric value: Decimal point not followed by a digit", 3],
  ['[1.x]', "Unexpected character ('x' (code 120)) in numeric value: Decimal point not followed by a digit", 5],
  ['[1ex]', "Unexpected character ('x' (code 120)) in numeric value: Exponent indicator not followed by a digit", 5],
  ['1x', "Unexpected character ('x' (code 120)): Expected space separating root-level values", 3],
  ['{"a":1}x', `Unrecognized token 'x': was expecting ${VALID}`, 9],
  ['tru', `Unrecognized token 'tru': was expecting ${VALID}`, 4],
  ['[truely]', `Unrecognized token 'truely': was expecting ${VALID}`, 9],
  ['NaN', "Non-standard token 'NaN': enable JsonParser.Feature.ALLOW_NON_NUMERIC_NUMBERS to allow", 4],
  ['"\\q"', "Unrecognized character escape 'q' (code 113)", 4],
  ['"\\u12x4"', "Unexpected character ('x' (code 120)): expected a hex-digit for character escape sequence", 7],
  [
    '"a\tb"',
    'Illegal unquoted character ((CTRL-CHAR, code 9)): has to be escaped using backslash to be included in string value',
    4,
  ],
  [
    '\u0001{}',
    'Illegal character ((CTRL-CHAR, code 1)): only regular white space (\\r, \\n, \\t) is allowed between tokens',
    2,
  ],
  [[0x22, 0xc3, 0x22], 'Invalid UTF-8 middle byte 0x22', 4],
  ['ä', 'Invalid UTF-8 start byte 0xa4', 3],
  [' ', 'No content to map due to end-of-input', 0],
];

test('what is wrong with a payload, in the words of the parser that Lambda uses', () => {
  for (const [payload, problem, place] of cases) {
    const bytes = Buffer.from(payload as string);
    const [line, column] = String(place).includes(':') ? String(place).split(':') : [1, place];
    assert.equal(
      explainBrokenJson(bytes),
      `${problem}\n at [Source: (byte[])"${bytes.toString('utf8')}"; line: ${line}, column: ${column}]`,
    );
  }
});

test('brackets tell where they were opened', () => {
  const source = (text: string, column: number) => `[Source: (byte[])"${text}"; line: 1, column: ${column}]`;
  assert.deepEqual(
    ['{"a":1', '[1', ']', '{"a":1]'].map((text) => explainBrokenJson(Buffer.from(text))),
    [
      `Unexpected end-of-input: expected close marker for Object (start marker at ${source('{"a":1', 1)})\n at ${source('{"a":1', 7)}`,
      `Unexpected end-of-input: expected close marker for Array (start marker at ${source('[1', 1)})\n at ${source('[1', 3)}`,
      `Unexpected close marker ']': expected '}' (for root starting at ${source(']', 0)})\n at ${source(']', 2)}`,
      `Unexpected close marker ']': expected '}' (for Object starting at ${source('{"a":1]', 1)})\n at ${source('{"a":1]', 8)}`,
    ],
  );
});

test('a long payload is cut', () => {
  const text = `${'1'.repeat(600)}x`;
  assert.match(explainBrokenJson(Buffer.from(text)), /"1{500}"\[truncated 101 bytes\]; line: 1, column: 602\]$/);
});
