import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import { compileMatcher, extractFields, FilterPatternError, LogLine, parseFilterPattern } from './filter-pattern.ts';
import { parseValueSelector, selectValue } from './value-selector.ts';

const matches = (pattern: string, message: string) => compileMatcher(parseFilterPattern(pattern))(new LogLine(message));

function table(name: string, message: string, matching: string[], other: string[]): void {
  test(name, () => {
    for (const pattern of matching) assert.ok(matches(pattern, message), `${pattern} matches ${message}`);
    for (const pattern of other) assert.ok(!matches(pattern, message), `${pattern} does not match ${message}`);
  });
}

table(
  'terms of an unstructured event',
  '[ERROR 400] BAD REQUEST: invalid arguments',
  [
    '',
    '  ',
    '" "',
    'ERROR',
    'ERR',
    'ERROR BAD',
    'BAD ERROR',
    '"BAD REQUEST"',
    '"BAD REQUEST" arguments',
    'ERROR -WARN',
    '"ERROR" - "Exiting"',
    '-WARN',
    '?WARN ?ERROR',
    '?"x y" ?"BAD REQUEST"',
    // Beside other terms, ?terms are ignored.
    '?WARN REQUEST',
    '?WARN -INFO',
    '%ERROR%',
    '%[Ee]rror|4\\d{2}%',
    '%^\\[ERROR%',
    '%arguments$%',
    '%\\x5bERROR\\s\\d+\\x5d%',
    '-%WARN|INFO%',
  ],
  [
    'error',
    'ERRORS',
    '"REQUEST BAD"',
    'ERROR WARN',
    'ERROR -BAD',
    '-ERROR',
    '?WARN ?INFO',
    '%^ERROR%',
    '%REQUEST$%',
    '%\\d{4}%',
  ],
);

test('a phrase may hold quotes and backslashes', () => {
  assert.ok(matches('"\\"level\\": \\"error\\""', '{"level": "error"}'));
  assert.ok(matches('"C:\\\\temp"', 'path C:\\temp'));
});

const CLOUDTRAIL = JSON.stringify({
  eventType: 'UpdateTrail',
  sourceIPAddress: '111.111.111.111',
  arrayKey: ['value', 'another value'],
  objectList: [
    { name: 'a', id: 1 },
    { name: 'b', id: 2 },
  ],
  SomeObject: null,
  ThisFlag: true,
  errorCode: 400,
  latency: 51.5,
  numbers: [1e-3, 12],
  text: 'Ev*ent',
  account: '123456789012',
  'dotted.name': { 'with space': 'x' },
  byId: { one: { state: 'ok' }, two: { state: 'failed' } },
  empty: {},
});

table(
  'JSON selectors and operators',
  CLOUDTRAIL,
  [
    '{ $.eventType = "UpdateTrail" }',
    '{$.eventType=UpdateTrail}',
    '{ $.eventType = Update* }',
    '{ $.eventType = *Trail }',
    '{ $.eventType = *date* }',
    '{ $.eventType = * }',
    '{ $.eventType = "*" }',
    '{ $.eventType = %^Up.*l$% }',
    '{ $.eventType != %^Down% }',
    '{ $.text = Ev*ent }',
    '{ $.sourceIPAddress != 123.123.* }',
    '{ $.sourceIPAddress = 111.111.* }',
    '{ $.arrayKey[0] = "value" }',
    '{ $.objectList[1].id = 2 }',
    '{ $.SomeObject IS NULL }',
    '{ $.SomeOtherObject NOT EXISTS }',
    '{ $.arrayKey[2] NOT EXISTS }',
    '{ $.ThisFlag IS TRUE }',
    '{ $.errorCode = 400 }',
    '{ $.errorCode = 4e2 }',
    '{ $.errorCode = "400" }',
    '{ $.errorCode = 4* }',
    '{ $.errorCode != 500 }',
    '{ $.latency > 50 }',
    '{ $.latency >= 51.5 }',
    '{ $.latency < +1e3 }',
    '{ $.latency <= 51.50 }',
    '{ $.numbers[0] < 10e-3 }',
    '{ $.numbers[0] = 1e-3 }',
    '{ $.account = 123456789012 }',
    '{ $["dotted.name"].["with space"] = x }',
    "{ $.['dotted.name']['with space'] = x }",
    '{ $.objectList[*].id = 2 }',
    '{ $.byId.*.state = failed }',
    '{ $.empty.* NOT EXISTS }',
    '{ ($.errorCode = 400) && ($.latency > 50) }',
    '{ $.errorCode = 400 || $.nope = 1 && $.nope = 2 }',
    '{ (($.errorCode = 1 || $.errorCode = 400) && $.ThisFlag IS TRUE) }',
  ],
  [
    '{ $.eventType = "updatetrail" }',
    '{ $.eventType = Up*Trail }',
    '{ $.eventType != * }',
    '{ $.text = Ev* && $.text = *x* }',
    '{ $.arrayKey = "value" }',
    '{ $.arrayKey != "value" }',
    '{ $.arrayKey[*] = "x" }',
    '{ $.objectList[1].id = 3 }',
    '{ $.eventType[0] = "U" }',
    '{ $.missing = 1 }',
    '{ $.missing != 1 }',
    '{ $.missing IS NULL }',
    '{ $.SomeObject NOT EXISTS }',
    '{ $.SomeObject = * }',
    '{ $.SomeObject != 1 }',
    '{ $.ThisFlag IS FALSE }',
    '{ $.ThisFlag > 0 }',
    '{ $.eventType > 1 }',
    '{ $.errorCode < 400 }',
    '{ ($.errorCode = 400 || $.nope = 1) && $.nope = 2 }',
    '{ $.toString = * }',
    '{ $.length = * }',
  ],
);

const USERS = JSON.stringify({
  user: { id: 1, email: 'John.Stiles@example.com' },
  users: [
    { id: 2, email: 'John.Doe@example.com' },
    { id: 3, email: 'Jane.Doe@example.com' },
  ],
  actions: ['GET', 'PUT', 'DELETE'],
  coordinates: [
    [0, 1, 2],
    [4, 5, 6],
    [7, 8, 9],
  ],
  name: 'é',
  time: '10:05',
});

table(
  "compound conditions, arrays in arrays and wildcards, as AWS's pages have them",
  USERS,
  [
    '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }',
    '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
    '{ $.coordinates[0][1] = 1 }',
    '{ $.coordinates[*][1] = 5 }',
    '{ $.users[*].email = "Jane*" }',
    '{ $.user.* = 1 }',
    '{ $.actions[2] = DELETE && $.actions[3] NOT EXISTS }',
    '{ $.name = "é" }',
    '{ $.time = %^\\d{2}:\\d{2}$% }',
  ],
  [
    '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }',
    '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
    '{ $.coordinates[*][1] = 6 }',
    '{ $.users = 1 }',
    '{ $.users != 1 }',
    '{ $.coordinates[0] = 0 }',
  ],
);

/** What AWS's TestMetricFilter gave in September 2026 for {"v": …}: pattern -> the values that it matches. */
const VALUES = [
  null,
  'null',
  true,
  'true',
  0,
  1,
  '1',
  '1.0',
  -1,
  1.5,
  10,
  '10',
  'Alpha',
  'alpha',
  'xAlpha',
  '',
  [],
  {},
  [1, null],
];
const RECORDED: [condition: string, matching: unknown[]][] = [
  ['= 1', [1, '1']],
  ['!= 1', ['null', 'true', 0, '1.0', -1, 1.5, 10, '10', 'Alpha', 'alpha', 'xAlpha', '']],
  ['> 1', [1.5, 10]],
  ['>= 1', [1, 1.5, 10]],
  ['<= 1', [0, 1, -1]],
  ['= 1e+0', [1]],
  ['= "1"', [1, '1']],
  ['= "*Alpha"', ['Alpha', 'xAlpha']],
  ['= ""', ['']],
  ['= true', ['true']],
  ['IS TRUE', [true]],
  ['IS NULL', [null, [1, null]]],
  ['NOT EXISTS', []],
  ['= *', ['null', 'true', 0, 1, '1', '1.0', -1, 1.5, 10, '10', 'Alpha', 'alpha', 'xAlpha', '']],
];

for (const [condition, matching] of RECORDED) {
  test(`{ $.v ${condition} } as AWS has it`, () => {
    const found = VALUES.filter((v) => matches(`{ $.v ${condition} }`, JSON.stringify({ v })));
    assert.deepEqual(found, matching);
  });
}

test('a phrase of a space is a space', () => {
  assert.ok(matches('" "', 'two words'));
  assert.ok(!matches('" "', 'one\nline'));
  assert.ok(matches(' ', 'one'));
});

test('a JSON pattern matches JSON objects only', () => {
  for (const message of ['', 'x', '{"a":1', 'prefix {"a":1}', '"a"', '1', 'null']) {
    assert.ok(!matches('{ $.b NOT EXISTS }', message), message);
  }
  assert.ok(!matches('{ $.b NOT EXISTS }', '[{"a":1}]'));
  assert.ok(matches('{ $[1].a = 2 }', '[{"a":1},{"a":2}]'));
  assert.ok(matches('{ $.a = 1 }', ' {"a":1}\n'));
});

const ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534';

table(
  'space-delimited fields',
  ACCESS,
  [
    '[ip, user, username, timestamp, request, status_code, bytes]',
    '[ip, user, username, timestamp, request, status_code, bytes > 1000]',
    '[ip, user, username, timestamp, request, status_code = 404, bytes]',
    '[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]',
    '[ip, user, username, timestamp, request, status_code = 4* && status_code != 403, bytes]',
    '[ip, user, username, timestamp, request, status_code = 4* && bytes > 1000]',
    '[..., status_code = 4* && bytes > 1000 && status_code != 403 && (bytes = 1* || bytes = 2*)]',
    '[w1=!ERROR&&w1=!WARN, ...]',
    '[ip, user, ..., status_code = 404 || status_code = 410, bytes]',
    '[ip, user, username, timestamp, request, status_code = 500 || status_code = 404, bytes]',
    '[ip=%127\\.0\\.0\\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]',
    '[..., request=*.html*, status_code=4*,]',
    '[..., status_code, bytes]',
    '[ip, user, ..., status_code, bytes>=1534]',
    '[ip, user, ...]',
    '[...]',
    '[ip, ..., status=404, bytes]',
    '[w=!ERROR, ...]',
    '[(ip=1* || ip=2*) && ip!=3*, ...]',
    '[…, bytes]',
    // The last field is the rest of the line.
    '[ip, user, username, timestamp, request, status_code]',
    '[ip, user, rest = *html*]',
    '[ip=127*, rest]',
    '[]',
    '[,]',
  ],
  [
    '[ip, user, username, timestamp, request, status_code = 404]',
    '[ip = 127.0.0.1]',
    '[ip, user, username, timestamp, request, status_code, bytes, more]',
    '[ip, user, username, timestamp, request, status_code = 5*, bytes]',
    '[ip, user, username, timestamp, request, status_code = 4* && bytes > 2000]',
    '[ip, user, username, timestamp, request, bytes > 1000 && status_code = 4*]',
    '[w1=!127*&&w1=!WARN, ...]',
    '[..., bytes < 1000]',
    '[ip=10.*, ...]',
    '[w=!127*, ...]',
    '[a, b, c, d, e, f, g, ..., h]',
  ],
);

test('fields are split at white space, and enclosed ones kept whole', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['a  b\tc\n', ['a', 'b', 'c']],
    ['[a b] "c d" e', ['a b', 'c d', 'e']],
    ['[open a "b', ['[open', 'a', '"b']],
    ['"a \\" b" c', ['a \\" b', 'c']],
    ['x[a b]', ['x[a', 'b]']],
    ['[]""', ['', '']],
  ];
  for (const [message, fields] of cases) assert.deepEqual(new LogLine(message).fields, fields, message);
});

test('extracted fields have the names of the pattern, or their number', () => {
  const pattern = parseFilterPattern('[..., request=*.html*, status_code=4*,]');
  assert.deepEqual(
    { ...extractFields(pattern, new LogLine(ACCESS)) },
    {
      $1: '127.0.0.1',
      $2: 'Prod',
      $3: 'frank',
      $4: '10/Oct/2000:13:25:15 -0700',
      $request: 'GET /index.html HTTP/1.0',
      $status_code: '404',
      $7: '1534',
    },
  );
  const lambda = parseFilterPattern('[timestamp=*Z, request_id="*-*", event]');
  const said = '2024-11-20T17:12:23.505Z\t830e95c2-4983-4e72-99f1-1aa410a0ffb0\tINFO\tFetching "the list"...\n';
  assert.deepEqual(
    { ...extractFields(lambda, new LogLine(said)) },
    {
      $timestamp: '2024-11-20T17:12:23.505Z',
      $request_id: '830e95c2-4983-4e72-99f1-1aa410a0ffb0',
      $event: 'INFO\tFetching "the list"...\n',
    },
  );
  assert.ok(!matches('[timestamp=*Z, request_id="*-*", event]', 'REPORT RequestId: 830e95c2-4983 Duration: 1 ms'));
  assert.deepEqual(extractFields(parseFilterPattern('{ $.a = 1 }'), new LogLine('{"a":1}')), {});
});

test('values for metric filters', () => {
  const cases: [string, string, string, string | undefined][] = [
    ['1', 'ERROR', 'ERROR', '1'],
    ['$.latency', '{ $.latency = * }', '{"latency": 50.5}', '50.5'],
    ['$.latency', '{ $.latency = * }', '{"latency": "50"}', '50'],
    ['$.a[1].b', '{ $.a[1].b = * }', '{"a": [0, {"b": 7}]}', '7'],
    ['$.missing', '{ $.a = 1 }', '{"a": 1}', undefined],
    ['$.a', '{ $.a.b = 1 }', '{"a": {"b": 1}}', undefined],
    ['$bytes', '[..., status, bytes]', ACCESS, '1534'],
    ['$1', '[..., status, bytes]', ACCESS, '127.0.0.1'],
    ['$7', '[..., status, bytes]', ACCESS, undefined],
    ['$bytes', 'ERROR', 'ERROR 1', undefined],
  ];
  for (const [selector, pattern, message, expected] of cases) {
    const value = selectValue(parseValueSelector(selector), parseFilterPattern(pattern), new LogLine(message));
    assert.equal(value, expected, `${selector} of ${message}`);
  }
});

test('faults name what was expected and where', () => {
  const cases: [string, number, RegExp][] = [
    ['foo-bar', 0, /^Invalid character\(s\) in term 'foo-bar'$/],
    ['ERROR user@host', 6, /^Invalid character\(s\) in term 'user@host'$/],
    ["'ERROR'", 0, /^Invalid character/],
    ['"open', 0, /not closed/],
    ['-', 1, /expected a term, found the end/],
    ['%a', 0, /not closed by '%'/],
    ['%%', 1, /empty/],
    ['%(a|b)%', 1, /^Invalid character\(s\) in term '\(a\|b\)'$/],
    ['%something!%', 10, /^Invalid character/],
    ['%é%', 1, /^Invalid character/],
    ['%[a%', 1, /invalid regular expression/],
    ['%a{1001}%', 2, /1000/],
    ['%\\b%', 1, /unsupported escape '\\b'/],
    ['%a% %b% %c%', 0, /at most 2/],
    ['{ $.a = 1', 0, /^If a filter pattern starts with '{' it must end with '}'$/],
    ['{}', 1, /expected '\$', found '}'/],
    ['{ $.a }', 6, /expected one of = != < <= > >=, found '}'/],
    ['{ $.a = }', 8, /expected a value, found '}'/],
    ['{ $.a > x }', 8, /expected a number after >/],
    ['{ $.a IS 1 }', 9, /expected NULL, TRUE or FALSE/],
    ['{ $ = 1 }', 3, /expected '\.' and a property name/],
    ['{ $.a[x] = 1 }', 6, /array index/],
    ['{ ($.a = 1 }', 11, /expected '\)'/],
    ['{ $.a = 1 && }', 13, /expected '\$'/],
    ['{ $.a = 1 } }', 12, /expected nothing after/],
    ['{ $.a[*].b[*] = 1 }', 13, /only one wildcard/],
    ["{ $.a = 'x' }", 8, /^Invalid character\(s\) in term ''x''$/],
    [`{${'('.repeat(200)}}`, 102, /nested deeper/],
    ['[a, b', 0, /^If a filter pattern starts with '\[' it must end with '\]'$/],
    ['[status = 4* || bytes > 1000]', 1, /one field is named 'status' and 'bytes'/],
    ['[a b]', 3, /expected one of/],
    ['[a = ]', 5, /expected a value/],
    ['[a] x]', 4, /expected nothing after/],
    ['[..., a, ...]', 0, /only one ellipsis/],
    ['[word, word]', 0, /two fields are named 'word'/],
    ['{ $.a = null }', 12, /IS NULL/],
  ];
  for (const [pattern, position, message] of cases) {
    assert.throws(
      () => parseFilterPattern(pattern),
      (error) => {
        assert.ok(error instanceof FilterPatternError, `${pattern}: ${error}`);
        assert.match(error.message, message, pattern);
        assert.equal(error.position, position, `${pattern}: ${error.message}`);
        return true;
      },
    );
  }
});

test('the texts of which a matching message holds one', () => {
  const cases: [pattern: string, needed: string[] | undefined][] = [
    ['', undefined],
    ['" "', [' ']],
    ['ERROR', ['ERROR']],
    ['ERROR "exact phrase" -DEBUG', ['exact phrase']],
    ['-DEBUG', undefined],
    ['?ERROR ?WARN', ['ERROR', 'WARN']],
    ['?ERROR ?%WA.N%', undefined],
    ['%ERR.R%', undefined],
    ['%ERR.R% job', ['job']],
    ['{ $.level = "error" }', ['error', '\\']],
    ['{ $.a.status >= 500 }', ['"status"', '\\']],
    ['{ $.level = "error" && $.a = 5 }', ['error', '\\']],
    ['{ $.level = "error" || $.a = 5 }', ['error', '"a"', '\\']],
    ['{ $.level = "error" || $.a NOT EXISTS }', undefined],
    ['[ip, user, status = 4*]', ['4']],
    ['[ip, level = "WARN" || level = "ERROR", ...]', ['WARN', 'ERROR']],
    ['[ip, level != "WARN", ms > 5]', undefined],
    ['[ip, status = 404]', undefined],
    ['"\ud800"', undefined],
  ];
  for (const [pattern, needed] of cases) {
    assert.deepEqual(compileMatcher(parseFilterPattern(pattern)).needed, needed, pattern);
  }
});

test('looking before parsing changes no answer (random patterns and messages)', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123);
  console.log(`filter-pattern prefilter seed ${seed}`);
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const keys = ['a', 'b', 'long-name', 'é'];
  const values = [
    null,
    true,
    false,
    0,
    400,
    4e2,
    -1.5,
    1e21,
    'x',
    'error',
    '400',
    '4e2',
    'Infinity',
    'true',
    'é',
    'a b',
    '',
  ];
  const value = (): unknown =>
    random() < 0.7 ? pick(values) : random() < 0.5 ? [pick(values), pick(values)] : { [pick(keys)]: pick(values) };
  const selector = () => pick(['$.a', '$.b', '$.long-name', "$['é']", '$.a[0]', '$.a.b', '$.*', '$.b[*]']);
  const operand = () =>
    pick(['400', '4e2', '"400"', 'error', 'err*', '*', '*or', 'true', '"é"', '"a b"', '%^4%', '""', 'x']);
  const test = (): string =>
    pick([
      () => `${selector()} ${pick(['=', '='])} ${operand()}`,
      () => `${selector()} != ${operand()}`,
      () => `${selector()} ${pick(['<', '>='])} 400`,
      () => `${selector()} ${pick(['IS NULL', 'IS TRUE', 'NOT EXISTS'])}`,
    ])();
  const condition = (depth = 0): string =>
    depth === 3 || random() < 0.5
      ? test()
      : `(${condition(depth + 1)}) ${pick(['&&', '||'])} (${condition(depth + 1)})`;
  let held = 0;
  for (let i = 0; i < 5_000; i++) {
    const pattern = `{ ${condition()} }`;
    const members = keys.filter(() => random() < 0.6).map((key) => [key, value()] as const);
    // 4e2 is 400 too.
    const plain = JSON.stringify(Object.fromEntries(members)).replaceAll(':400', random() < 0.5 ? ':4e2' : ':400');
    // The same JSON with one letter written as an escape: the matcher parses it without looking first.
    const escaped = plain.replace(/"([a-z])/, (_, letter) => `"\\u00${letter.charCodeAt(0).toString(16)}`);
    if (escaped === plain) continue;
    assert.deepEqual(JSON.parse(escaped), JSON.parse(plain));
    let actual: boolean;
    try {
      actual = matches(pattern, plain);
    } catch (error) {
      assert.match((error as Error).message, /at most/);
      continue;
    }
    assert.equal(actual, matches(pattern, escaped), `${pattern} on ${plain}`);
    if (!actual) continue;
    held++;
    const { needed } = compileMatcher(parseFilterPattern(pattern));
    for (const message of [plain, escaped]) {
      assert.ok(!needed || needed.some((text) => message.includes(text)), `${pattern} needs ${needed} in ${message}`);
    }
  }
  assert.ok(held > 500, `${held}`);
});

test('any text gives a matcher or a typed error with a position (fuzz)', () => {
  const seed = Number(process.env.FUZZ_SEED ?? 20261123);
  console.log(`filter-pattern fuzz seed ${seed}`);
  const random = seeded(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const pieces = [
    ...'{}[]()$.=!<>&|*%"\\-?, \t\n',
    ...[
      '$.a',
      "$['x']",
      '[0]',
      '[*]',
      '...',
      '&&',
      '||',
      '!=',
      '>=',
      'IS',
      'NULL',
      'NOT EXISTS',
      'a',
      '12',
      '1e3',
      '%a+%',
    ],
    ...['\\d', '{2}', '{2,', '\u0000', 'é', '😀', '\ud800', 'name', '4*', '"q"'],
  ];
  const seeds = [
    '{ $.a = 1 && ($.b[0].c != "x*" || $.d IS NULL) }',
    '[ip, ..., s=4* || s=500, b>1]',
    'a -b "c d" %e|f%',
  ];
  const messages = ['', 'a b c', '{"a":1,"b":[{"c":"xy"}]}', '127.0.0.1 [a b] "c" 404 10', '\ud800 {'];
  for (let i = 0; i < 20_000; i++) {
    let text = random() < 0.5 ? '' : pick(seeds);
    const changes = 1 + Math.floor(random() * 12);
    for (let j = 0; j < changes; j++) {
      const at = Math.floor(random() * (text.length + 1));
      text = text.slice(0, at) + pick(pieces) + text.slice(at + (random() < 0.3 ? 1 : 0));
    }
    try {
      const pattern = parseFilterPattern(text);
      const matcher = compileMatcher(pattern);
      for (const message of messages) {
        const line = new LogLine(message);
        assert.equal(typeof matcher(line), 'boolean');
        extractFields(pattern, line);
      }
    } catch (error) {
      assert.ok(error instanceof FilterPatternError, `${JSON.stringify(text)}: ${error}`);
      assert.ok(error.position >= 0 && error.position <= text.length, `${JSON.stringify(text)} at ${error.position}`);
    }
  }
});
