import assert from 'node:assert/strict';
import test from 'node:test';
import { PatternError } from './json-tokens.ts';
import { compilePattern } from './pattern.ts';

// pattern, events that match, events that do not
const MATCHES: [string, unknown, unknown[], unknown[]][] = [
  [
    'exact text',
    { a: ['x', 'y'] },
    [{ a: 'x' }, { a: 'y', b: 1 }, { a: ['z', 'y'] }],
    [{ a: 'z' }, {}, { b: 'x' }, { a: 'X' }, { a: ['z'] }],
  ],
  ['the empty text', { a: [''] }, [{ a: '' }], [{ a: ' ' }, { a: null }]],
  ['numbers by value', { a: [300] }, [{ a: 300 }, { a: 3.0e2 }], [{ a: '300' }, { a: 301 }]],
  ['null, true, false', { a: [null, true] }, [{ a: null }, { a: true }], [{ a: false }, { a: 'true' }, {}]],
  ['all fields', { a: ['x'], b: ['y'] }, [{ a: 'x', b: 'y' }], [{ a: 'x' }, { b: 'y' }]],
  [
    'nesting',
    { d: { s: ['on'] } },
    [{ d: { s: 'on' } }, { d: [{ s: 'off' }, { s: 'on' }] }],
    [{ d: 'on' }, { s: 'on' }, { d: { s: 'off' } }],
  ],
  [
    'one element of an array as a whole',
    { d: { s: ['on'], k: [1] } },
    [{ d: [{ s: 'off' }, { s: 'on', k: 1 }] }],
    [
      {
        d: [
          { s: 'on', k: 2 },
          { s: 'off', k: 1 },
        ],
      },
    ],
  ],
  ['a path with dots', { 'd.s': ['on'] }, [{ d: { s: 'on' } }, { 'd.s': 'on' }], [{ d: { s: 'off' } }]],
  ['nesting against a name with dots', { d: { s: ['on'] } }, [{ 'd.s': 'on' }], [{ 'd.x': 'on' }]],
  ['names of the prototype', { toString: ['x'] }, [{ toString: 'x' }], [{}]],
  ['prefix', { a: [{ prefix: 'us-' }] }, [{ a: 'us-east' }, { a: ['eu', 'us-x'] }], [{ a: 'eu-us-' }, { a: 1 }]],
  ['suffix', { a: [{ suffix: '.png' }] }, [{ a: 'x.png' }], [{ a: 'x.png.gz' }]],
  ['prefix ignoring case', { a: [{ prefix: { 'equals-ignore-case': 'Ab' } }] }, [{ a: 'aBc' }], [{ a: 'xab' }]],
  ['suffix ignoring case', { a: [{ suffix: { 'equals-ignore-case': '.PNG' } }] }, [{ a: 'x.png' }], [{ a: 'x' }]],
  ['equals-ignore-case', { a: [{ 'equals-ignore-case': 'Alice' }] }, [{ a: 'ALICE' }], [{ a: 'alice ' }]],
  [
    'wildcard',
    { a: [{ wildcard: 'a*b*c' }] },
    [{ a: 'abc' }, { a: 'axbyc' }, { a: 'abbbc' }],
    [{ a: 'ac' }, { a: 'abcx' }, { a: 'xabc' }, { a: 'a' }],
  ],
  ['wildcard at the ends', { a: [{ wildcard: '*x*' }] }, [{ a: 'x' }, { a: 'axb' }], [{ a: 'ab' }]],
  ['wildcard whose ends overlap', { a: [{ wildcard: 'aba*aba' }] }, [{ a: 'abaaba' }], [{ a: 'aba' }, { a: 'ababa' }]],
  ['an escaped asterisk', { a: [{ wildcard: 'a\\*b\\\\*' }] }, [{ a: 'a*b\\' }, { a: 'a*b\\x' }], [{ a: 'axb\\' }]],
  [
    'anything-but a text',
    { a: [{ 'anything-but': 'x' }] },
    [{ a: 'y' }, { a: 1 }, { a: ['x', 'y'] }],
    [{ a: 'x' }, {}, { a: ['x'] }],
  ],
  ['anything-but a number', { a: [{ 'anything-but': 5 }] }, [{ a: 6 }, { a: '5' }], [{ a: 5 }]],
  ['anything-but a list', { a: [{ 'anything-but': ['x', 'y'] }] }, [{ a: 'z' }], [{ a: 'x' }, { a: 'y' }]],
  ['anything-but a prefix', { a: [{ 'anything-but': { prefix: 'init' } }] }, [{ a: 'x' }], [{ a: 'initial' }, {}]],
  [
    'anything-but prefixes',
    { a: [{ 'anything-but': { prefix: ['a', 'b'] } }] },
    [{ a: 'c' }],
    [{ a: 'ax' }, { a: 'bx' }],
  ],
  ['anything-but a suffix', { a: [{ 'anything-but': { suffix: '.txt' } }] }, [{ a: 'x.md' }], [{ a: 'x.txt' }]],
  [
    'anything-but in any case',
    { a: [{ 'anything-but': { 'equals-ignore-case': ['on', 'off'] } }] },
    [{ a: 'idle' }],
    [{ a: 'ON' }],
  ],
  [
    'anything-but a wildcard',
    { a: [{ 'anything-but': { wildcard: '*/lib/*' } }] },
    [{ a: '/src/x' }],
    [{ a: '/lib/x' }],
  ],
  ['numeric', { a: [{ numeric: ['>', 0, '<=', 5] }] }, [{ a: 0.1 }, { a: 5 }], [{ a: 0 }, { a: 5.1 }, { a: '3' }]],
  ['numeric equality', { a: [{ numeric: ['=', 3e2] }] }, [{ a: 300 }], [{ a: 299 }]],
  [
    'numeric with one side',
    { a: [{ numeric: ['<', 10] }, { numeric: ['>=', 20] }] },
    [{ a: 9 }, { a: 20 }],
    [{ a: 10 }, { a: 19 }],
  ],
  [
    'cidr',
    { a: [{ cidr: '10.0.0.0/24' }] },
    [{ a: '10.0.0.0' }, { a: '10.0.0.255' }],
    [{ a: '10.0.1.0' }, { a: 'x' }, { a: '::a00:1' }],
  ],
  ['cidr of IPv6', { a: [{ cidr: '2001:db8::/32' }] }, [{ a: '2001:db8::1' }], [{ a: '2001:db9::1' }]],
  ['exists', { a: [{ exists: true }] }, [{ a: null }, { a: 1 }, { a: [1] }], [{}, { a: { b: 1 } }, { a: [] }]],
  ['exists not', { a: [{ exists: false }] }, [{}, { a: { b: 1 } }], [{ a: null }, { a: 1 }]],
  ['exists not, or a value', { a: [{ exists: false }, 'x'] }, [{}, { a: 'x' }], [{ a: 'y' }]],
  ['exists not, in what is not there', { d: { s: [{ exists: false }] } }, [{}, { d: {} }, { d: 1 }], [{ d: { s: 1 } }]],
  [
    '$or',
    { s: ['a'], $or: [{ x: [1] }, { y: { z: [2] } }] },
    [
      { s: 'a', x: 1 },
      { s: 'a', y: { z: 2 } },
    ],
    [{ s: 'a' }, { x: 1 }, { s: 'a', x: 2 }],
  ],
  ['$or in depth', { d: { $or: [{ x: [1] }, { y: [2] }] } }, [{ d: { y: 2 } }], [{ d: { y: 1 } }, { y: 2 }]],
  ['$or of one is a field', { $or: [{ prefix: 'a' }] }, [{ $or: 'ab' }], [{ x: 1 }]],
  [
    '$or with an operator is a field',
    { $or: [{ prefix: 'a' }, { suffix: 'b' }] },
    [{ $or: 'ax' }, { $or: 'xb' }],
    [{ $or: 'c' }],
  ],
  ['operators as field names', { d: { prefix: ['x'] } }, [{ d: { prefix: 'x' } }], [{ d: 'x' }]],
];

for (const [name, pattern, matching, others] of MATCHES) {
  test(`pattern: ${name}`, () => {
    const compiled = compilePattern(JSON.stringify(pattern));
    for (const event of matching) assert.ok(compiled.matches(event), `${JSON.stringify(event)} matches`);
    for (const event of others) assert.ok(!compiled.matches(event), `${JSON.stringify(event)} does not match`);
  });
}

test('an event that is no object matches no value', () => {
  const pattern = compilePattern('{"a":["x"]}');
  for (const event of [null, 1, 'a', [], [{ a: 'x' }], undefined]) assert.equal(pattern.matches(event), false);
});

// pattern, AWS's reason, the column that AWS names
const ERRORS: [string, string, number][] = [
  ['{"key":[["value"]]}', 'Match value must be String, number, true, false, or null', 10],
  ['{"key":[{"wrong-operator":true}]}', 'Unrecognized match type wrong-operator', 31],
  ['{"key":[{"suffix":"value","prefix":"value2"}]}', 'Only one key allowed in match expression', 37],
  ['{"key":[{"suffix":100}]}', 'suffix match pattern must be a string', 22],
  ['{"key":[{"suffix":null}]}', 'suffix match pattern must be a string', 23],
  ['{"key":{"suffix":"value"}}', '"suffix" must be an object or an array', 19],
  ['{"key":[{"suffix":[]}]}', 'suffix match pattern must be a string', 20],
  ['{"key":[{"suffix":["test","test2"]}]}', 'suffix match pattern must be a string', 20],
  ['{"key":{"suffix":"value","prefix":"value"}}', '"suffix" must be an object or an array', 19],
  ['{"key":{"not-an-operator":"value"}}', '"not-an-operator" must be an object or an array', 28],
  ['{"key_a":"value_one"}', '"key_a" must be an object or an array', 11],
  ['{"key":[{"numeric":[]}]}', 'Invalid member in numeric match: ]', 22],
  ['{"key":[{"numeric":["operator"]}]}', 'Unrecognized numeric range operator: operator', 32],
  ['{"key":[{"numeric":[1,"<="]}]}', 'Invalid member in numeric match: 1', 22],
  ['{"key":[{"numeric":["=","000"]}]}', 'Value of equals must be numeric', 26],
  ['{"key":[{"numeric":[">="]}]}', 'Value of >= must be numeric', 26],
  ['{"key":[{"numeric":["<",100,">",10]}]}', 'Too many elements in numeric expression', 30],
  ['{"key":[{"numeric":[">=",1,">",2]}]}', 'Bad numeric range operator: >', 31],
  ['{"key":[{"numeric":[">",3,"<",1]}]}', 'Bottom must be less than top', 33],
  ['{"key":[{"numeric":[">",20,"<="]}]}', 'Value of <= must be numeric', 33],
  ['{"key":[{"numeric":[">",20,30]}]}', 'Bad value in numeric range: 30', 30],
  ['{"key":[{"numeric":[">",20,"test"]}]}', 'Bad numeric range operator: test', 34],
  ['{"key":[{"numeric":[">","20","<","30"]}]}', 'Value of > must be numeric', 26],
  ['{"key":[{"numeric":[">",20,"<","30"]}]}', 'Value of < must be numeric', 33],
  ['{"key":[{"numeric":[">",20,"<",30,"<",50]}]}', 'Too many terms in numeric range expression', 36],
  ['{"key":[{"exists":null}]}', 'exists match pattern must be either true or false.', 23],
  ['{"key":[{"exists":"no"}]}', 'exists match pattern must be either true or false.', 20],
  ['{invalid}', "Unexpected character ('i' (code 105)): was expecting double-quote to start field name", 2],
  ['{"a":[]}', 'Empty arrays are not allowed', 8],
  ['{"a":{}}', 'Empty objects are not allowed', 8],
  ['[]', 'Filter is not an object', 2],
  ['{"a":[{"wildcard":"a**b"}]}', 'Consecutive wildcard characters at pos 1', 25],
  ['{"a":[{"wildcard":"a\\\\b"}]}', 'Invalid escape character at pos 1', 25],
  [
    '{"a":[{"anything-but":[1,"x"]}]}',
    'Inside anything but list, either all values are number or string, mixed type is not supported',
    27,
  ],
  ['{"a":[{"anything-but":true}]}', 'Value of anything-but must be an array or single string/number value.', 27],
  ['{"a":[{"cidr":"10.0.0.0"}]}', "Malformed CIDR, one '/' required", 25],
  ['{"a":[{"cidr":"10.0.0.0/33"}]}', 'Invalid IP address block: 10.0.0.0/33', 28],
  ['{"a":[1}', "Unexpected character ('}' (code 125)): was expecting comma to separate Array entries", 8],
  ['{"a":[1]', 'Unexpected end-of-input', 9],
];

for (const [pattern, reason, column] of ERRORS) {
  test(`refuses ${pattern}`, () => {
    assert.throws(
      () => compilePattern(pattern),
      (error) => {
        assert.ok(error instanceof PatternError);
        assert.deepEqual([error.reason, error.place], [reason, { line: 1, column }]);
        return true;
      },
    );
  });
}

test('places count lines', () => {
  assert.throws(() => compilePattern('{\n  "a": [\n    [1]]}'), { place: { line: 3, column: 6 } });
});

test('very deep text is refused, not run out of stack', () => {
  assert.throws(() => compilePattern('{"a":'.repeat(50_000)), PatternError);
});

test('a long text against many asterisks takes no time', () => {
  const pattern = compilePattern(JSON.stringify({ a: [{ wildcard: `${'a*'.repeat(30)}b` }] }));
  assert.equal(pattern.matches({ a: 'a'.repeat(100_000) }), false);
});
