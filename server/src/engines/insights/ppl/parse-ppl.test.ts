import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printQuery } from '../syntax/printer.ts';
import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import { parsePpl } from './parse-ppl.ts';

/** PPL -> what it becomes, in Logs Insights QL. */
const QUERIES: [text: string, printed: string][] = [
  ['fields field1, `@message`', 'display field1, @message'],
  ['source = [`/a/b`, `c-d`] | head', 'SOURCE ["/a/b", "c-d"] | limit 10'],
  [
    'where field1="success" | where field2 != "i-023" | head 1000',
    'filter field1 = "success" | filter ispresent(field2) and field2 != "i-023" | limit 1000',
  ],
  [
    'where a <> 1 and b in (1, 2) or not c between 1 and 5',
    'filter ispresent(a) and a != 1 and b in [1, 2] or (ispresent(c) and not c >= 1 or ispresent(c) and not c <= 5)',
  ],
  [
    "where like(a, '%x%') and b like 'x_y%' and c not like 'z'",
    'filter a like "x" and b like /(?s)^x.y.*$/ and (ispresent(c) and not c like /(?s)^z$/)',
  ],
  [
    'where not (a = b or not c != 1)',
    'filter ispresent(a) and (ispresent(b) and not a = b) and (ispresent(c) and c != 1)',
  ],
  ['where not (isnull(a) or coalesce(b, 0) = 1)', 'filter ispresent(a) and not coalesce(b, 0) = 1'],
  ['where isnull(a) and b is not null', 'filter not ispresent(a) and ispresent(b)'],
  ['stats count(), count(`field1`), avg(a) as m by field2', 'stats count(*), count(field1), avg(a) as m by field2'],
  [
    'stats distinct_count(a) as d, percentile(b, 99) by span(`@timestamp`, 5m) as t',
    'stats count_distinct(a) as d, pct(b, 99) by bin(@timestamp, 5m) as t',
  ],
  ['stats count() by span(age, 10) as decade', 'stats count(*) by floor(age / 10) * 10 as decade'],
  ['eval a = b + 1, c = concat(upper(d), "x")', 'eval b + 1 as a, concat(toupper(d), "x") as c'],
  ['eval a = substring(b, 2, 3), c = pow(d, 2)', 'eval substr(b, 1, 3) as a, d ^ 2 as c'],
  ['sort -a, + b, c desc, num(d)', 'sort a desc, b asc, c desc, d asc'],
  ['sort 5 - `@timestamp`', 'sort @timestamp desc | limit 5'],
  ['dedup a', 'filter ispresent(a) | dedup a'],
  ['dedup 1 a, b keepempty=true', 'dedup a, b'],
  ['top 3 a', 'stats count(*) as count by a | sort count desc | limit 3'],
  ['rare a, b', 'stats count(*) as count by a, b | sort count asc | limit 10'],
  ['rename a as b', 'eval a as b'],
  ['fields a, c | rename a as b', 'display a, c | display a as b, c'],
  ['parse f \'.*/(?<file>[^/]+)\\d$\' | where file = "x"', 'parse f /.*\\/(?<file>[^\\/]+)\\d$/ | filter file = "x"'],
  ['fillnull with 0 in a, b', 'eval coalesce(a, 0) as a, coalesce(b, 0) as b'],
  ['fillnull using a = "x"', 'eval coalesce(a, "x") as a'],
  ['eval a = case(b > 1, 2 else 3)', 'eval case(b > 1, 2, 3) as a'],
  ['dedup 2 a', 'filter ispresent(a) | dedup 2 a'],
  ['top 3 a by b', 'stats count(*) as count by b, a | sort count desc | dedup 3 b'],
  ['eval a = 1 | fields - @message', 'eval 1 as a | display @timestamp, a'],
  ['eventstats avg(a) as m by b', 'eval avg(a) over (partition by b) as m'],
  ['where a in [source = g | fields a]', 'filter a in (SOURCE ["g"] | display a)'],
  [
    'LEFT JOIN left=l, right=r on l.id = r.id and r.x = l.y `g`',
    'join type=left left=l right=r where l.id = r.id and l.y = r.x (SOURCE ["g"])',
  ],
  ['head 5 from 2;', 'limit 5 offset 2'],
  [
    'source = [lg:`/a`, ds:`b.c`, `aws:fieldIndex` IN ("s"), `s` = 200, `t` = 1] | head 1',
    'SOURCE ["/a"] dataSource(["b.c"]) | filterIndex s in [200] | filter t in [1] | limit 1',
  ],
  ['where (source = "x")', 'filter source = "x"'],
  ['expand list as item /* each */', 'unnest list into item'],
];

for (const [text, printed] of QUERIES) {
  test(`PPL: ${text}`, () => assert.equal(printQuery(parsePpl(text)).replaceAll('\n', ' '), printed));
}

const FAULTS: [text: string, start: number, end: number, message: RegExp][] = [
  ['', 0, 0, /end of query/],
  ['fields a |', 10, 10, /end of query/],
  ['fields a | join b', 16, 17, /found b .*expected LEFT/],
  ['join left=l right=r on l.a > r.a `g`', 23, 32, /does not run a join on other than equal fields/],
  ['fields a | lookup b', 11, 17, /Brume does not run the command lookup of PPL/],
  ['flatten a', 8, 9, /does not run flatten without names/],
  ['eventstats a', 11, 12, /eventstats needs an aggregation function/],
  ['trendline sma(200, a)', 14, 17, /a number from 1 to 100/],
  ['where exists [source = g]', 6, 12, /does not run EXISTS of PPL/],
  ['where a in [source = g', 22, 22, /end of query/],
  ["grok a '%{NOPE:b}'", 7, 18, /no grok pattern NOPE/],
  ['foo a', 0, 3, /found foo at line 1 and position 0; expected dedup/],
  ['eval a = nope(1)', 9, 13, /does not run the function nope of PPL/],
  ['eval a = pow(1)', 9, 15, /pow takes 2 arguments, not 1/],
  ['where sum(a) > 1', 6, 12, /sum is not allowed here/],
  ['stats a by b', 6, 7, /aggregation function/],
  ['head 0', 5, 6, /whole number/],
  ["parse a 'b'", 8, 11, /named group/],
  ["where a = 'x", 10, 12, /no closing '/],
];

for (const [text, start, end, message] of FAULTS) {
  test(`PPL refuses ${text}`, () => {
    assert.throws(
      () => parsePpl(text),
      (error: QuerySyntaxError) => {
        assert.equal(error.name, 'QuerySyntaxError', error.stack);
        assert.match(error.message, message);
        assert.deepEqual([error.start, error.end], [start, end]);
        return true;
      },
    );
  });
}

test('PPL: deep nesting is refused', () => {
  for (const text of [
    `where ${'('.repeat(5_000)}`,
    `where ${'not '.repeat(5_000)}a`,
    `eval a = ${'- '.repeat(5_000)}1`,
    'where a in [source = g | '.repeat(5_000),
  ]) {
    assert.throws(() => parsePpl(text), QuerySyntaxError);
  }
});
