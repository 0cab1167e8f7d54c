import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery } from './parser.ts';
import { printQuery } from './printer.ts';
import { QuerySyntaxError } from './query-syntax-error.ts';
import { readGroups } from './regex-groups.ts';
import type { Command, Expression, Item, Query } from './tree.ts';

/** Text as people write it -> the text of its tree. */
const QUERIES: [text: string, printed: string][] = [
  [
    'fields @timestamp, @message\n| sort @timestamp desc\n| limit 20',
    'fields @timestamp, @message | sort @timestamp desc | limit 20',
  ],
  ['| fields a', 'fields a'],
  ['FIELDS a | LIMIT 5', 'fields a | limit 5'],
  ['fields a # a comment | limit 1\n| limit 2', 'fields a | limit 2'],
  ['fields `foo-bar`, foo-bar, abs(f3-f4)', 'fields `foo-bar`, foo - bar, abs(f3 - f4)'],
  ['fields a as b, requestParameters.items[0].id', 'fields a as b, requestParameters.items.0.id'],
  ['filter a=1 or b=2 and not c=3', 'filter a = 1 or b = 2 and not c = 3'],
  ['filter (a=1 or b=2) and (not c=3)', 'filter (a = 1 or b = 2) and not c = 3'],
  ['filter a == "x"', 'filter a = "x"'],
  ['filter a = \'say "hi"\'', 'filter a = "say \\"hi\\""'],
  ['filter @message like /(?i)error/', 'filter @message like /(?i)error/'],
  ['filter @message =~ /a\\/b[/]c/', 'filter @message like /a\\/b[\\/]c/'],
  ['filter @message not like "x" and a not in [1, "b", -2]', 'filter @message not like "x" and a not in [1, "b", -2]'],
  ['filter ispresent(a) and a in ["x"]', 'filter ispresent(a) and a in ["x"]'],
  ['filterIndex requestId = "abc"', 'filterIndex requestId = "abc"'],
  ['stats count(*) by bin(5m)', 'stats count(*) by bin(5m)'],
  [
    'stats count() as n, PCT(@duration, 99.9) as p by bin(1h) as t, svc',
    'stats count(*) as n, pct(@duration, 99.9) as p by bin(1h) as t, svc',
  ],
  ['stats sum(a)/count(*) as mean', 'stats sum(a) / count(*) as mean'],
  ['stats max(a) by b | stats avg(`max(a)`)', 'stats max(a) by b | stats avg(`max(a)`)'],
  ['sort a, b desc, c asc', 'sort a asc, b desc, c asc'],
  ['parse @message "user=*, m:*" as @user, m', 'parse @message "user=*, m:*" as @user, m'],
  ["parse '[*] *' as level, rest", 'parse @message "[*] *" as level, rest'],
  ['parse @message /(?<time>\\d+) (?<code>[A-Z/]+)/', 'parse @message /(?<time>\\d+) (?<code>[A-Z\\/]+)/'],
  ['dedup a, b', 'dedup a, b'],
  ['dedup a | limit 2 | estimate', 'dedup a | limit 2 | estimate'],
  ['stats countOverTime(*), count_over_time(a), COUNT()', 'stats count_over_time(*), count_over_time(a), count(*)'],
  [
    'fields jsonParse(@message) as j | unnest j.list into item',
    'fields jsonParse(@message) as j | unnest j.list into item',
  ],
  ['pattern @message | diff', 'pattern @message | diff'],
  [
    'SOURCE lg start=-1d end=now | logcompare timeshift 7d',
    'SOURCE ["lg"] start=-1d end=-0s | logcompare timeshift 7d',
  ],
  ['relevantfields WHERE Time > 400', 'relevantfields where Time > 400'],
  ['relevantfields Controller, `where` where Time > 400', 'relevantfields Controller, `where` where Time > 400'],
  ['lookup users id as userId output name', 'lookup users id as userId output name'],
  ['WHERE a = 1 | limit any 5 | limit 100000', 'filter a = 1 | limit any 5 | limit 100000'],
  ['accum bytes AS total | accum b', 'accum bytes as total | accum b as b'],
  [
    'autoregress a | autoregress a as b p=2 | autoregress a p=1-4',
    'autoregress a p=1 | autoregress a as b p=2 | autoregress a p=1-4',
  ],
  ['filldown | filldown host cpu*, *', 'filldown | filldown host cpu* *'],
  ['fillmissing | fillmissing with 0 for n, "x" for `a b`', 'fillmissing | fillmissing with 0 for n, "x" for `a b`'],
  [
    'sessionize a, b | sessionize a maxspan 1h as s',
    'sessionize a, b maxspan 30m as session_id | sessionize a maxspan 1h as s',
  ],
  [
    'outlier a | outlier action=remove param=3.0 uselower=true mark=true cpu memory',
    'outlier action=transform param=2.5 uselower=false mark=false a | outlier action=remove param=3 uselower=true mark=true cpu memory',
  ],
  [
    'addtotals | addtotals col=true fieldname=Sum row=false a, b',
    'addtotals fieldname=Total row=true col=false | addtotals fieldname=Sum row=false col=true a, b',
  ],
  ['count_frequent a, b', 'countFrequent a, b'],
  ['appendcols override=true max=5 (SOURCE lg | limit 1)', 'appendcols override=true max=5 (SOURCE ["lg"] | limit 1)'],
  [
    'cidrlookup nets ip as cidr OUTPUT a, b as c | cidrlookup nets ip outputnew a',
    'cidrlookup nets ip as cidr output a, b as c | cidrlookup nets ip outputnew a',
  ],
  ['expand items', 'expand items'],
  ['json field=payload "user.name" as u', 'json field=payload "user.name" as u'],
  [
    'parse logfmt as lf | parse @message csv as a, b | parse x /(a)(b)/ as p, q multi | parse x /(?<p>a)/ as p',
    'parse @message logfmt as lf | parse @message csv as a, b | parse x /(a)(b)/ as p, q multi | parse x /(?<p>a)/',
  ],
  ['unmask(@message) | unmask a', 'fields unmask(@message) | fields unmask(a)'],
  ['stats count(*), rate(bytes, 1m) by bin(5m) offset 1h', 'stats count(*), rate(bytes, 1m) by bin(5m) offset 1h'],
  ['SOURCE "g" START=-3600s END=0s | limit 1', 'SOURCE ["g"] start=-3600s end=-0s | limit 1'],
  ['SOURCE lg start=-1d end=now | limit 1', 'SOURCE ["lg"] start=-1d end=-0s | limit 1'],
  [
    'SOURCE "g" start=1700000000 end=1700000000123 | limit 1',
    'SOURCE ["g"] start=1700000000000 end=1700000000123 | limit 1',
  ],
  [
    "join left=api right=fn where api.requestId=fn.id and `fn.a b` == api.c (SOURCE '/aws/lambda/f')",
    'join type=inner left=api right=fn where api.requestId = fn.id and api.c = `fn.a b` (SOURCE ["/aws/lambda/f"])',
  ],
  [
    "filter a = 1 and id not in ( SOURCE 'g' | filter x > 1 | fields id ) | limit 1",
    'filter a = 1 and id not in (SOURCE ["g"] | filter x > 1 | fields id) | limit 1',
  ],
  [
    "SOURCE logGroups(namePrefix: ['/aws/lambda', 'x']) | limit 1",
    'SOURCE logGroups(namePrefix: ["/aws/lambda", "x"]) | limit 1',
  ],
  [
    "SOURCE logGroups(logGroupClass: ['INFREQUENT_ACCESS'], accountIdentifier: ['111122223333']) | limit 1",
    'SOURCE logGroups(class: ["INFREQUENT_ACCESS"], accountIdentifiers: ["111122223333"]) | limit 1',
  ],
  [
    'SOURCE logGroupTags([{"key":"app","values":["a","!b*"]},{key: "x"}]) dataSource(["v.flow"]) logGroups(namePrefix: ["p"]) | limit 1',
    'SOURCE logGroups(namePrefix: ["p"]) logGroupTags([{key: "app", values: ["a", "!b*"]}, {key: "x"}]) dataSource(["v.flow"]) | limit 1',
  ],
  [
    "SOURCE dataSource(['amazon_vpc.flow']) start=-1h | limit 1",
    'SOURCE dataSource(["amazon_vpc.flow"]) start=-1h | limit 1',
  ],
  ['SOURCE logGroups() | limit 1', 'SOURCE logGroups() | limit 1'],
  [
    'fields a - b - c, a - (b - c), a ^ b ^ c, -a, - 1, (a + b) * c',
    'fields a - b - c, a - (b - c), a ^ b ^ c, -a, -1, (a + b) * c',
  ],
];

for (const [text, printed] of QUERIES) {
  test(`parses ${text.replaceAll('\n', ' ')}`, () => {
    assert.equal(printQuery(parseQuery(text)).replaceAll('\n', ' '), printed);
  });
}

const FAULTS: [text: string, start: number, end: number, message: RegExp][] = [
  ['', 0, 0, /end of query.*expected .*fields/],
  ['  foo a', 2, 5, /found foo at line 1 and position 2/],
  ['fields a |', 10, 10, /end of query/],
  ['fields a\n| filter b =', 21, 21, /line 2 and position 12/],
  ['filter a = b = c', 13, 14, /found =/],
  ['stats a by b', 6, 7, /aggregation function/],
  ['fields sum(a)', 7, 13, /sum is not allowed here/],
  ['stats sum(avg(a))', 10, 16, /avg is not allowed here/],
  ['fields nope(1)', 7, 11, /Invalid function name: nope/],
  ['fields substr(a)', 7, 16, /substr takes 2 to 3 arguments, not 1/],
  ['limit 0', 6, 7, /between 1 and 100000/],
  ['limit 1.5', 6, 9, /whole number/],
  ['filter a in 1', 12, 13, /expected \[, \(/],
  ['filter a in (1)', 13, 14, /expected .*fields/],
  ['filter a not 1', 13, 14, /expected like, in/],
  ['filter "x', 7, 9, /no closing "/],
  ['filter a like /x', 14, 16, /no closing \//],
  ['fields `a', 7, 9, /no closing `/],
  ['parse @message "abc" as b', 15, 20, /needs a \*/],
  ['parse @message "*,*" as b', 15, 20, /2 \* and 1 names/],
  ['parse @message /a/', 15, 18, /named group/],
  ['stats count(*) by bin(5x)', 23, 24, /found x/],
  ['accum', 5, 5, /expected a name/],
  ['relevantfields Time > 400', 20, 21, /expected where/],
  ['relevantfields where count(*) > 1', 21, 29, /count is not allowed here/],
  ['autoregress a p=0', 16, 17, /p must be between 1 and 100/],
  ['autoregress a p=3-2', 18, 19, /p must be between 3 and 100/],
  ['fillmissing with 0', 18, 18, /expected for/],
  ['sessionize a maxspan 5', 21, 22, /a period such as 1h/],
  ['outlier action=drop a', 15, 19, /expected remove, transform/],
  ['outlier mark=true', 17, 17, /expected a field/],
  ['addtotals row=maybe', 14, 19, /expected true, false/],
  ['appendcols max=0 (limit 1)', 11, 14, /max must be between 1 and 100000/],
  ['cidrlookup t ip a', 16, 17, /expected output/],
  ['parse x /(a)/ as p, q', 8, 13, /1 groups and 2 names/],
  ['SOURCE "g" start=tomorrow | limit 1', 17, 25, /expected now/],
  ['join a', 5, 6, /expected type=, left=/],
  ['join type=outer left=a right=b where a.x=b.x (fields x)', 10, 15, /expected inner, left/],
  ['join left=a right=a where a.x=a.x (fields x)', 20, 25, /two different aliases/],
  ['join left=a right=b where a.x=a.y (fields x)', 26, 33, /expected a.field = b.field/],
  ['filter a in (filter b in (fields c))', 25, 26, /Nested subqueries are not supported/],
  ['fields a ?', 9, 10, /^unexpected symbol found \? at line 1 and position 9$/],
  ['filter a like /x/i', 17, 18, /^unexpected symbol found i at line 1 and position 17; expected/],
  ['parse @message /(?<a>x)/ig', 24, 26, /found ig at line 1 and position 24/],
  ['dedup a | sort b', 10, 14, /^unexpected symbol found sort at line 1 and position 10; expected limit/],
  ['dedup a | limit 1 | display a', 20, 27, /found display/],
  ['SOURCE logGroups(namePrefix: ["1","2","3","4","5","6"])', 29, 54, /more than 5 elements/],
  ['SOURCE logGroupTags([{values: ["a"]}])', 21, 22, /A tag needs a key/],
  ['SOURCE logGroupTags([{name: "a"}])', 22, 26, /expected key, values/],
  ['estimate | limit 1', 0, 8, /estimate must be the last command/],
  ['filter a in (fields a | estimate)', 24, 32, /estimate must be the last command/],
];

for (const [text, start, end, message] of FAULTS) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseQuery(text),
      (error: QuerySyntaxError) => {
        assert.equal(error.name, 'QuerySyntaxError', String(error.stack));
        assert.match(error.message, message);
        assert.deepEqual([error.start, error.end], [start, end]);
        return true;
      },
    );
  });
}

test('deep nesting is refused, not run into the ground', () => {
  for (const text of [
    `filter ${'('.repeat(5_000)}`,
    `filter ${'not '.repeat(5_000)}a`,
    `fields ${'-'.repeat(5_000)}a`,
    `fields 1${'^1'.repeat(5_000)}`,
  ]) {
    assert.throws(() => parseQuery(text), QuerySyntaxError);
  }
});

test('the groups of regular expressions, for RE2', () => {
  const cases: [source: string, forRe2: string, names: string[], unsupported?: string][] = [
    ['a(b)(?<x>c)', 'a(?:b)(c)', ['x']],
    ['(?P<x>a|(b))[(?<y>]', '(a|(?:b))[(?<y>]', ['x']],
    ['\\((?<n>\\d++)\\)', '\\((\\d+)\\)', ['n']],
    ['(?i)(?<a>x)(?:y)', '(?i)(x)(?:y)', ['a']],
    ['(?=x)(?<a>y)', '(?=x)(y)', ['a'], '(?='],
    ['(?<!x)(?<a>y)', '(?<!x)(y)', ['a'], '(?<!'],
    ['(?<a>x)\\1', '(x)\\1', ['a'], '\\1'],
    ['[]a](?<z>.)', '[\\]a](.)', ['z']],
  ];
  for (const [source, forRe2, names, unsupported] of cases) {
    assert.deepEqual(readGroups(source), { source: forRe2, names, unsupported }, source);
  }
});

// ---- random trees and texts ----

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
function randomness(from: number) {
  let state = from;
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NAMES = ['a', '@message', 'a.b.0', 'foo-bar', 'and', 'true', 'with space', 'Ü'];
const AT = { start: 0, end: 0 };

const SUBQUERY: Query = {
  source: { kind: 'source', groups: ['g'], namePrefixes: [], accountIds: [], ...AT },
  commands: [{ kind: 'limit', count: 3, ...AT }],
};

function randomExpression(random: (below: number) => number, depth: number): Expression {
  const pick = <T>(options: readonly T[]): T => options[random(options.length)]!;
  const inner = () => randomExpression(random, depth - 1);
  if (depth === 0 || random(4) === 0) {
    return pick<() => Expression>([
      () => ({ kind: 'field', name: pick(NAMES), ...AT }),
      () => ({ kind: 'number', value: pick([0, 1, -1, 2.5, 1e21, -1e-7]), ...AT }),
      () => ({ kind: 'string', value: pick(['', 'x', 'a"b', "it's", 'back\\slash', 'line\nfeed\t']), ...AT }),
      () => ({ kind: 'boolean', value: random(2) === 0, ...AT }),
    ])();
  }
  return pick<() => Expression>([
    () => {
      const operand = inner();
      // A minus sign and a number are one number.
      return {
        kind: 'unary',
        operator: operand.kind === 'number' ? 'not' : pick(['-', 'not'] as const),
        operand,
        ...AT,
      };
    },
    () => ({
      kind: 'binary',
      operator: pick(['and', 'or', '=', '!=', '<', '>=', '+', '-', '*', '/', '%', '^'] as const),
      left: inner(),
      right: inner(),
      ...AT,
    }),
    () => ({
      kind: 'binary',
      operator: pick(['like', 'not like'] as const),
      left: inner(),
      right: pick<Expression>([
        { kind: 'string', value: 'x', ...AT },
        { kind: 'regex', source: 'a/b[/]\\d', ...AT },
      ]),
      ...AT,
    }),
    () => ({ kind: 'in', not: random(2) === 0, value: inner(), options: [inner(), inner()], ...AT }),
    () => ({ kind: 'in query', not: random(2) === 0, value: inner(), query: SUBQUERY, ...AT }),
    () => ({ kind: 'call', name: 'concat', args: [inner(), inner()], ...AT }),
    () => ({
      kind: 'call',
      name: 'bin',
      args: [
        { kind: 'duration', count: 5, unit: pick(['ms', 's', 'm', 'h', 'd', 'w', 'mo', 'q', 'y'] as const), ...AT },
      ],
      ...AT,
    }),
  ])();
}

function randomQuery(random: (below: number) => number): Query {
  const item = (expression: Expression): Item =>
    random(2) === 0
      ? { expression, name: '', ...AT }
      : { expression, alias: NAMES[random(NAMES.length)]!, name: '', ...AT };
  const expression = () => randomExpression(random, 3);
  const name = () => NAMES[random(NAMES.length)]!;
  const kinds: (() => Command)[] = [
    () => ({ kind: 'fields', items: [item(expression()), item(expression())], ...AT }),
    () => ({ kind: 'filter', condition: expression(), ...AT }),
    () => ({
      kind: 'stats',
      aggregates: [item({ kind: 'call', name: 'sum', args: [expression()], ...AT })],
      by: [item(expression())],
      ...AT,
    }),
    () => ({ kind: 'sort', keys: [{ expression: expression(), descending: random(2) === 0 }], ...AT }),
    () => ({ kind: 'limit', count: 1 + random(10_000), ...AT }),
    () => ({ kind: 'dedup', fields: [expression()], ...AT }),
    () => ({
      kind: 'relevantfields',
      fields: random(2) === 0 ? [] : [name(), name()],
      condition: expression(),
      ...AT,
    }),
    () => ({ kind: 'accum', field: name(), into: name(), ...AT }),
    () => ({ kind: 'autoregress', field: name(), alias: name(), first: 1, last: 1 + random(3), ...AT }),
    () => ({ kind: 'filldown', fields: random(2) === 0 ? [] : [name(), 'cpu*'], ...AT }),
    () => ({ kind: 'fillmissing', values: [{ value: { kind: 'number', value: 0, ...AT }, field: name() }], ...AT }),
    () => ({
      kind: 'sessionize',
      fields: [{ kind: 'field', name: name(), ...AT }],
      gap: { count: 5, unit: 'm' },
      into: name(),
      ...AT,
    }),
    () => ({
      kind: 'outlier',
      action: random(2) === 0 ? 'remove' : 'transform',
      factor: 1.5,
      lower: random(2) === 0,
      mark: random(2) === 0,
      fields: [name(), name()],
      ...AT,
    }),
    () => ({
      kind: 'addtotals',
      name: name(),
      row: random(2) === 0,
      column: random(2) === 0,
      fields: random(2) === 0 ? [] : [name(), name()],
      ...AT,
    }),
    () => ({ kind: 'countFrequent', fields: [expression()], ...AT }),
    () => ({ kind: 'appendcols', override: random(2) === 0, most: 1 + random(9), query: SUBQUERY, ...AT }),
    () => ({ kind: 'expand', field: name(), ...AT }),
    () => ({ kind: 'json', field: name(), path: 'a.b', into: name(), ...AT }),
    () => ({
      kind: 'join',
      type: random(2) === 0 ? 'inner' : 'left',
      left: 'l',
      right: 'right-side',
      keys: [
        { left: NAMES[random(NAMES.length)]!, right: 'b' },
        { left: 'c', right: NAMES[random(NAMES.length)]! },
      ],
      query: SUBQUERY,
      ...AT,
    }),
    () => ({
      kind: 'parse',
      input: { kind: 'field', name: 'a', ...AT },
      pattern: { kind: 'glob', text: 'x=* y="*"', names: ['p', 'and'] },
      ...AT,
    }),
  ];
  const commands = Array.from({ length: 1 + random(4) }, () => kinds[random(kinds.length)]!());
  const dedup = commands.findIndex(({ kind }) => kind === 'dedup');
  return { commands: dedup < 0 ? commands : commands.slice(0, dedup + 1) };
}

/** Without what the layout of the text decides: places, and the names of columns without an alias. */
const bare = (query: Query) =>
  JSON.parse(
    JSON.stringify(query, (key, value) => {
      if (key === 'start' || key === 'end') return undefined;
      return value?.expression ? { ...value, name: undefined } : value;
    }),
  );

test('random trees print and parse back to themselves', () => {
  console.log(`# SEED=${seed}`);
  const random = randomness(seed);
  for (let round = 0; round < 2_000; round++) {
    const query = randomQuery(random);
    const text = printQuery(query);
    let parsed: Query;
    try {
      parsed = parseQuery(text);
    } catch (error) {
      throw new Error(`SEED=${seed}: ${text}`, { cause: error });
    }
    assert.equal(printQuery(parsed), text, `SEED=${seed}`);
    assert.deepEqual(bare(parsed), bare(query), `SEED=${seed}: ${text}`);
  }
});

test('whatever the text, a tree or a fault with its place', () => {
  console.log(`# SEED=${seed}`);
  const random = randomness(seed);
  const texts = QUERIES.map(([text]) => text);
  const pieces = [
    '|',
    '(',
    ')',
    '[',
    ']',
    ',',
    '"',
    "'",
    '`',
    '/',
    '\\',
    '#',
    '\n',
    'like',
    'not',
    'as',
    'by',
    '5m',
    '-',
    '@',
    '*',
    '=',
    '~',
    '\u0000',
    '😀',
    'stats',
    'in',
  ];
  for (let round = 0; round < 5_000; round++) {
    let text = texts[random(texts.length)]!;
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + (random(2) === 0 ? pieces[random(pieces.length)]! : '') + text.slice(at + random(3));
    }
    try {
      parseQuery(text);
    } catch (error) {
      const fault = error as QuerySyntaxError;
      assert.equal(fault.name, 'QuerySyntaxError', `SEED=${seed}: ${JSON.stringify(text)}: ${fault.stack}`);
      assert.ok(
        fault.start >= 0 && fault.start <= fault.end && fault.end <= text.length,
        `SEED=${seed}: ${JSON.stringify(text)}`,
      );
    }
  }
});
