import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileQuery, type QueryScope } from '../compile/compile-query.ts';
import { parsePpl } from '../ppl/parse-ppl.ts';
import { printQuery } from '../syntax/printer.ts';
import type { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import { parseSql } from './parse-sql.ts';

/** SQL -> what it becomes, in Logs Insights QL after its SOURCE. */
const QUERIES: [text: string, printed: string][] = [
  ['SELECT `@message`, Operation FROM `g`', 'display @message, Operation'],
  ['select * from g;', ''],
  ["SELECT * FROM `g` WHERE Operation = 'x' LIMIT 5", 'filter Operation = "x" | limit 5'],
  ["SELECT a FROM g WHERE b = 'it''s' -- why\n", 'filter b = "it\'s" | display a'],
  ['SELECT a AS b FROM g ORDER BY b DESC, c', 'sort a desc, c asc | display a as b'],
  [
    'SELECT `@logStream`, COUNT(*) as log_count FROM `g` GROUP BY `@logStream` HAVING log_count > 100',
    'stats count(*) as log_count by @logStream | filter log_count > 100 | display @logStream, log_count',
  ],
  [
    'SELECT method, SUM(bytes) AS total FROM g GROUP BY 1 HAVING COUNT(*) > 5 ORDER BY SUM(bytes) DESC LIMIT 3',
    'stats sum(bytes) as total, count(*) as `count(*)` by method | filter `count(*)` > 5 | sort total desc | limit 3 | display method, total',
  ],
  [
    "SELECT date_trunc('hour', `@timestamp`) AS t, AVG(d) FROM g GROUP BY t ORDER BY t",
    'stats avg(d) by bin(@timestamp, 1h) as t | sort t asc | display t, `AVG(d)`',
  ],
  [
    'SELECT COUNT(DISTINCT a) AS n, percentile(d, 0.99) AS p FROM g',
    'stats count_distinct(a) as n, pct(d, 99) as p | display n, p',
  ],
  ['SELECT DISTINCT a FROM g', 'stats count(*) by a | display a'],
  ['SELECT CAST(a AS double) * 2 AS b, UPPER(c) AS d FROM g', 'display (a + 0) * 2 as b, toupper(c) as d'],
  [
    "SELECT a FROM g WHERE b RLIKE '^x\\d' AND c ILIKE '%y%'",
    'filter b like /^x\\d/ and c like /(?is)^.*y.*$/ | display a',
  ],
];

for (const [text, printed] of QUERIES) {
  test(`SQL: ${text}`, () => {
    const query = parseSql(text);
    assert.deepEqual(query.source?.groups, ['g']);
    assert.equal(printQuery({ commands: query.commands }).replaceAll('\n', ' '), printed);
  });
}

test('SQL: groups of data sources, through field indexes', () => {
  const query = parseSql("SELECT a FROM `filterIndex('s' = 200, 'r' IN ['x', 'y']) dataSource(['b.c'])`");
  assert.deepEqual(query.source?.dataSources, ['b.c']);
  const printed = 'filterIndex s in [200] | filterIndex r in ["x", "y"] | display a';
  assert.equal(printQuery({ commands: query.commands }).replaceAll('\n', ' '), printed);
});

test('SQL: several log groups', () => {
  const query = parseSql("SELECT a FROM `logGroups(logGroupIdentifier: ['/a/b', 'c'])`");
  assert.deepEqual(query.source?.groups, ['/a/b', 'c']);
});

const FAULTS: [text: string, start: number, end: number, message: RegExp][] = [
  ['', 0, 0, /end of query.*expected SELECT/],
  ['SELECT', 6, 6, /end of query/],
  ['SELECT a', 8, 8, /expected FROM/],
  ['SELECT a FROM g WHERE', 21, 21, /end of query/],
  ['SELECT a FROM g INNER JOIN h ON x = y', 32, 37, /a JOIN on other than equal fields/],
  ['SELECT a FROM g RIGHT JOIN h ON x = y', 16, 21, /does not run RIGHT of SQL/],
  ['SELECT a FROM g CROSS JOIN h', 16, 21, /does not run CROSS of SQL/],
  ['SELECT * FROM g INNER JOIN h ON g.x = h.y', 16, 21, /SELECT \* of a JOIN/],
  ['SELECT a FROM g, h', 15, 16, /a second table after FROM/],
  ['SELECT a FROM g LIMIT 1 UNION SELECT a FROM h', 24, 29, /ORDER BY and LIMIT before UNION/],
  ['SELECT a FROM g UNION SELECT a FROM h INTERSECT SELECT a FROM i', 38, 47, /INTERSECT among others/],
  ['SELECT a FROM g OFFSET 5', 16, 22, /OFFSET without LIMIT/],
  ['WITH x AS (SELECT a FROM g) SELECT a FROM x', 0, 4, /does not run WITH of SQL/],
  ['SELECT a FROM g x WHERE b IN (SELECT c FROM d WHERE x.e = 1)', 52, 55, /names a table around it/],
  ['SELECT a FROM g WHERE EXISTS (SELECT 1 FROM h)', 22, 28, /does not run EXISTS of SQL/],
  ['SELECT a FROM g WHERE RANK() OVER (ORDER BY a) = 1', 22, 46, /window function is not allowed here/],
  ['SELECT RANK() FROM g', 7, 13, /RANK needs OVER/],
  ['SELECT SUM(a) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING) FROM g', 25, 32, /ends before it begins/],
  ['SELECT CASE a END FROM g', 14, 17, /expected WHEN/],
  ['SELECT a + INTERVAL 2 PARSECS FROM g', 22, 29, /expected second/],
  ["SELECT a FROM `indexOf('r' = 'x')`", 15, 22, /found indexOf .*expected logGroups/],
  ['SELECT a, COUNT(*) FROM g', 7, 8, /a must stand in GROUP BY/],
  ['SELECT * FROM g GROUP BY a', 0, 26, /SELECT \* cannot be grouped/],
  ['SELECT a FROM g WHERE COUNT(*) > 1', 22, 30, /count is not allowed here/],
  ['SELECT a FROM g ORDER BY 2', 25, 26, /no column 2/],
  ['SELECT a FROM g LIMIT 20000', 22, 27, /from 1 to 10000/],
  ['UPDATE g', 0, 6, /found UPDATE/],
];

for (const [text, start, end, message] of FAULTS) {
  test(`SQL refuses ${text}`, () => {
    assert.throws(
      () => parseSql(text),
      (error: QuerySyntaxError) => {
        assert.equal(error.name, 'QuerySyntaxError', error.stack);
        assert.match(error.message, message);
        assert.deepEqual([error.start, error.end], [start, end]);
        return true;
      },
    );
  });
}

const GROUP = { id: 1, name: 'g', account: '123456789012' };
const SCOPE: QueryScope = {
  groups: [GROUP],
  startMs: 0,
  endMs: 1,
  nowMs: 1,
  pointer: () => '',
  groupsOf: () => [GROUP],
};
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test('whatever the text of PPL and SQL, a statement or a fault with its place', () => {
  console.log(`# SEED=${seed}`);
  let state = seed;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const texts = [
    ...QUERIES.map(([text]) => text),
    'SELECT x.a, RANK() OVER (PARTITION BY b ORDER BY c DESC NULLS FIRST ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) r FROM g AS x INNER JOIN h y ON x.a = y.a',
    'SELECT CASE WHEN a > (SELECT MAX(b) FROM h) THEN date_add(t, 1) ELSE t + INTERVAL 1 DAY END FROM (SELECT t, a FROM g) z WHERE a IN (SELECT b FROM h)',
    "SELECT a FROM `logGroups(logGroupIdentifier: ['x']) filterIndex('a' = 1)` UNION ALL SELECT b FROM g ORDER BY a LIMIT 3 OFFSET 2",
    'source = [lg:`x`, `aws:fieldIndex` = "s", `s` IN (1, 2)] | flatten a as (b, c) | fieldsummary includefields=a nulls=true',
    'eventstats avg(a) by b | trendline sort c sma(2, d) wma(3, e) as f | fields - a | top 2 a by b | grok g "%{WORD:h}"',
    'left join left=l right=r on l.a = r.a [source=h | fields a] | where a in [source=g | fields a] | eval x=case(a>1,2 else 3)',
    'source=`a` | where b like "x%" | stats count() as n by span(c, 5m) | sort - n | head 3',
    'dedup 1 a keepempty=true | rename a as b | fillnull with 0 in c',
  ];
  const pieces =
    '| ( ) [ ] , " \' ` / over case end in \\ -- /* ; = <> like not as by 5m - 1 0 select from group order * \u0000 😀'.split(
      ' ',
    );
  for (let round = 0; round < 5_000; round++) {
    let text = texts[random(texts.length)]!;
    for (let changes = 1 + random(4); changes > 0; changes--) {
      const at = random(text.length + 1);
      text = text.slice(0, at) + (random(2) === 0 ? pieces[random(pieces.length)]! : '') + text.slice(at + random(3));
    }
    for (const parse of [parseSql, parsePpl]) {
      try {
        compileQuery(parse(text), SCOPE);
      } catch (error) {
        const { name, start, end, stack } = error as QuerySyntaxError;
        const which = `SEED=${seed}: ${JSON.stringify(text)}`;
        assert.equal(name, 'QuerySyntaxError', `${which}: ${stack}`);
        assert.ok(start >= 0 && start <= end && end <= text.length, which);
      }
    }
  }
});
