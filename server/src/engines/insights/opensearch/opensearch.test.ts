// PPL and SQL from their text to their rows, on a real store: a case for each command and function.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openTestStore, type TestOptions } from '../../../../test/insights-store.ts';
import type { QueriedGroup } from '../compile/compile-query.ts';
import { parsePpl } from '../ppl/parse-ppl.ts';
import { parseSql } from '../sql-language/parse-sql.ts';

const REQUESTS = [
  '{"id":"r1","user":"ann","ms":30,"ok":true}',
  '{"id":"r2","user":"bob","ms":10,"ok":true}',
  '{"id":"r3","user":"ann","ms":50,"ok":false}',
  '{"id":"r4","ms":20}',
];
const TRACES = ['{"id":"r1","took":25}', '{"id":"r3","took":45}', '{"id":"r3","took":46}'];
const ONE = [
  JSON.stringify({
    s: 'a,b,c',
    n: -7.5,
    t: '2026-11-23 12:34:56',
    d: '2024-02-29',
    j: '{"a":{"b":[10,20]},"c":"x"}',
    l: [1, 2, 3],
    line: '10.0.0.1 GET /index.html 15824',
  }),
];

let store: Awaited<ReturnType<typeof openTestStore>>;
let requests: QueriedGroup;
let options: TestOptions;

before(async () => {
  store = await openTestStore();
  requests = await store.group(REQUESTS, 'requests');
  const named = new Map([
    ['requests', requests],
    ['traces', await store.group(TRACES, 'traces')],
    ['one', await store.group(ONE, 'one')],
  ]);
  options = { groupsOf: ({ groups }) => groups.flatMap((name) => named.get(name) ?? []) };
});
after(() => store.close());

/** Rows as texts, `-` where a value is missing. */
async function rows(language: 'PPL' | 'SQL', text: string): Promise<string[]> {
  const query = language === 'SQL' ? parseSql(text) : parsePpl(text);
  const groups = query.source ? options.groupsOf!(query.source) : [requests];
  const { found } = await store.run(query, groups, options);
  // In the order of a row that lacks least.
  const fullest = found.toSorted((a, b) => Object.keys(b).length - Object.keys(a).length);
  const columns = [...new Set(fullest.flatMap((row) => Object.keys(row)))];
  return found.map((row) => columns.map((name) => row[name] ?? '-').join(' '));
}

function golden(language: 'PPL' | 'SQL', cases: readonly [text: string, rows: string[]][]): void {
  describe(language, () => {
    for (const [text, expected] of cases) {
      test(text, async () => assert.deepEqual(await rows(language, text), expected));
    }
  });
}

golden('SQL', [
  [
    "SELECT id, CASE WHEN ms > 25 THEN 'slow' WHEN ms > 15 THEN 'fair' ELSE 'fast' END AS c FROM requests ORDER BY id",
    ['r1 slow', 'r2 fast', 'r3 slow', 'r4 fair'],
  ],
  [
    "SELECT id, CASE user WHEN 'ann' THEN 1 WHEN 'bob' THEN 2 END AS c FROM requests ORDER BY id",
    ['r1 1', 'r2 2', 'r3 1', 'r4 -'],
  ],
  [
    "SELECT id, CASE WHEN NOT user = 'ann' THEN 'other' ELSE 'rest' END AS c FROM requests ORDER BY id",
    ['r1 rest', 'r2 other', 'r3 rest', 'r4 rest'],
  ],
  ['SELECT SUM(CASE WHEN ok = true THEN 1 ELSE 0 END) AS n FROM requests', ['2']],
  // joins
  [
    'SELECT r.id, t.took FROM requests AS r INNER JOIN traces AS t ON r.id = t.id ORDER BY t.took',
    ['r1 25', 'r3 45', 'r3 46'],
  ],
  [
    'SELECT r.id, t.took FROM requests r LEFT OUTER JOIN traces t ON t.id = r.id WHERE r.ms < 40 ORDER BY r.id',
    ['r1 25', 'r2 -', 'r4 -'],
  ],
  [
    'SELECT r.user, COUNT(*) AS n, MAX(t.took) AS most FROM requests r JOIN traces t ON r.id = t.id GROUP BY r.user',
    ['ann 3 46'],
  ],
  [
    'SELECT r.id, t.n FROM requests r INNER JOIN (SELECT id, COUNT(*) AS n FROM traces GROUP BY id) t ON r.id = t.id ORDER BY t.n, r.id',
    ['r1 1', 'r3 2'],
  ],
  // times
  [
    'SELECT id FROM requests WHERE `@timestamp` >= CURRENT_DATE AND `@timestamp` < date_add(current_date(), 1) AND ms < 20',
    ['r2'],
  ],
  ['SELECT id FROM requests WHERE `@timestamp` < date_sub(current_date(), 1)', []],
  ["SELECT id FROM requests WHERE TO_DATE(`@timestamp`) = '2026-11-23' AND ms = 50", ['r3']],
  ["SELECT id FROM requests WHERE `@timestamp` > TO_TIMESTAMP('2026-11-23 12:00:00') AND ms > 40", ['r3']],
  [
    'SELECT MAX(`@timestamp`) AS last, MIN(TO_DATE(`@timestamp`)) AS day FROM requests',
    ['2026-11-23 12:00:00.003 2026-11-23'],
  ],
  ['SELECT TO_DATE(`@timestamp`) AS day, COUNT(*) AS n FROM requests GROUP BY day', ['2026-11-23 4']],
  ['SELECT d FROM one WHERE d < CURRENT_DATE', ['2024-02-29']],
  ["SELECT date_trunc('hour', t) AS h FROM one", ['2026-11-23 12:00:00.000']],
  ["SELECT id FROM requests WHERE `@timestamp` >= '2026-11-23T12:00:00.002Z' ORDER BY id", ['r3', 'r4']],
  ["SELECT id FROM requests WHERE `@timestamp` BETWEEN '2026-11-23' AND '2026-11-23T12:00:00.000Z'", ['r1']],
  ["SELECT x.id FROM requests x WHERE x.`@timestamp` > '2026-11-23T12:00:00.002Z'", ['r4']],
  [
    'SELECT id, LAG(`@timestamp`) OVER (ORDER BY id) AS p, MAX_BY(`@timestamp`, ms) OVER () AS m FROM requests ORDER BY id DESC LIMIT 1',
    ['r4 2026-11-23 12:00:00.002 2026-11-23 12:00:00.002'],
  ],
  [
    "SELECT COALESCE(TO_DATE(nope), CURRENT_DATE) AS d, SPLIT_PART(nope, ',', 1) AS p FROM requests LIMIT 1",
    ['2026-11-23'],
  ],
  // a missing value in the list hides nothing, as in Logs Insights
  ['SELECT id FROM traces WHERE id NOT IN (SELECT user FROM requests) ORDER BY id LIMIT 1', ['r1']],
  [
    'SELECT user, COUNT(*) AS n, SUM(COUNT(*)) OVER () AS all_of FROM requests WHERE user IS NOT NULL GROUP BY user ORDER BY user',
    ['ann 2 3', 'bob 1 3'],
  ],
  // combined
  ["SELECT id FROM requests WHERE user = 'bob' UNION SELECT id FROM traces ORDER BY id", ['r1', 'r2', 'r3']],
  ['SELECT id, ms FROM requests UNION ALL SELECT id, took FROM traces ORDER BY ms DESC LIMIT 2', ['r3 50', 'r3 46']],
  ['SELECT id FROM requests INTERSECT SELECT id FROM traces ORDER BY id', ['r1', 'r3']],
  ['SELECT id FROM requests EXCEPT SELECT id FROM traces ORDER BY id', ['r2', 'r4']],
  ['SELECT id FROM requests ORDER BY id LIMIT 2 OFFSET 1', ['r2', 'r3']],
  ['SELECT id FROM requests SORT BY id DESC LIMIT 1', ['r4']],
  // subqueries
  ['SELECT id FROM requests WHERE id IN (SELECT id FROM traces) ORDER BY id', ['r1', 'r3']],
  ['SELECT id FROM requests WHERE id NOT IN (SELECT id FROM traces) ORDER BY id', ['r2', 'r4']],
  ['SELECT id FROM requests WHERE ms > (SELECT AVG(ms) FROM requests) ORDER BY id', ['r1', 'r3']],
  [
    'SELECT id, ms - (SELECT MIN(took) FROM traces) AS more FROM requests WHERE ms >= 30 ORDER BY id',
    ['r1 5', 'r3 25'],
  ],
  ['SELECT MAX(n) AS most FROM (SELECT user, COUNT(*) AS n FROM requests GROUP BY user) AS u', ['2']],
  ['SELECT u.id FROM (SELECT id, ms FROM requests ORDER BY ms DESC LIMIT 2) u ORDER BY u.id', ['r1', 'r3']],
  ['SELECT r.`id` FROM requests AS r WHERE r.ms = 10', ['r2']],
  ['SELECT id, user FROM requests ORDER BY user NULLS FIRST, id LIMIT 2', ['r4 -', 'r1 ann']],
  // windows
  ['SELECT id, ROW_NUMBER() OVER (ORDER BY ms DESC) AS n FROM requests ORDER BY n LIMIT 2', ['r3 1', 'r1 2']],
  [
    'SELECT id, RANK() OVER (ORDER BY user) AS k, DENSE_RANK() OVER (ORDER BY user) AS d FROM requests ORDER BY id',
    ['r1 1 1', 'r2 3 2', 'r3 1 1', 'r4 4 3'],
  ],
  [
    'SELECT id, LAG(ms) OVER (ORDER BY id) AS b, LEAD(ms, 1, 0) OVER (ORDER BY id) AS a FROM requests ORDER BY id',
    ['r1 - 10', 'r2 30 50', 'r3 10 20', 'r4 50 0'],
  ],
  [
    'SELECT id, SUM(ms) OVER (PARTITION BY user) AS s FROM requests WHERE user IS NOT NULL ORDER BY id',
    ['r1 80', 'r2 10', 'r3 80'],
  ],
  ['SELECT id, SUM(ms) OVER (ORDER BY id) AS s FROM requests ORDER BY id', ['r1 30', 'r2 40', 'r3 90', 'r4 110']],
  [
    'SELECT id, AVG(ms) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a FROM requests ORDER BY id',
    ['r1 30', 'r2 20', 'r3 30', 'r4 35'],
  ],
  [
    'SELECT id, FIRST_VALUE(id) OVER (ORDER BY ms) AS f, LAST_VALUE(id) OVER (ORDER BY ms ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS l FROM requests ORDER BY id LIMIT 1',
    ['r1 r2 r3'],
  ],
  [
    'SELECT id, NTH_VALUE(id, 2) OVER (ORDER BY ms ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS v FROM requests LIMIT 1',
    ['r4 r4'],
  ],
  ['SELECT id, NTILE(3) OVER (ORDER BY id) AS t FROM requests ORDER BY id', ['r1 1', 'r2 1', 'r3 2', 'r4 3']],
  [
    'SELECT id, PERCENT_RANK() OVER (ORDER BY ms) AS p, CUME_DIST() OVER (ORDER BY ms) AS c FROM requests WHERE user IS NOT NULL ORDER BY ms',
    ['r2 0 0.3333', 'r1 0.5 0.6667', 'r3 1 1'],
  ],
  [
    'SELECT user, COUNT(*) AS n, RANK() OVER (ORDER BY COUNT(*) DESC) AS k FROM requests WHERE user IS NOT NULL GROUP BY user ORDER BY k',
    ['ann 2 1', 'bob 1 2'],
  ],
  [
    'SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY user ORDER BY ms DESC) AS n FROM requests WHERE user IS NOT NULL) x WHERE n = 1 ORDER BY id',
    ['r2', 'r3'],
  ],
  // aggregates
  [
    'SELECT STDDEV_POP(ms) AS p, VAR_POP(ms) AS v, VAR_SAMP(ms) AS s FROM requests WHERE user IS NOT NULL',
    ['16.3299 266.6667 400'],
  ],
  [
    'SELECT CORR(ms, ms) AS c, COVAR_POP(ms, ms) AS p, COVAR_SAMP(ms, ms) AS s FROM requests WHERE user IS NOT NULL',
    ['1 266.6667 400'],
  ],
  ['SELECT SKEWNESS(ms) AS s, KURTOSIS(ms) AS k FROM requests WHERE user IS NOT NULL', ['0 -1.5']],
  [
    'SELECT BOOL_AND(ms > 5) AS a, BOOL_OR(ms > 40) AS o, EVERY(ms > 40) AS e, COUNT_IF(ms > 15) AS n FROM requests',
    ['1 1 0 3'],
  ],
  ['SELECT MAX_BY(id, ms) AS x, MIN_BY(id, ms) AS n, MODE(user) AS m FROM requests', ['r3 r2 ann']],
  ['SELECT COLLECT_SET(user) AS s FROM requests', ['["ann","bob"]']],
]);

/** Each on one event: expression and what it gives. */
const EXPRESSIONS: [expression: string, value: string][] = [
  ["CONV('ff', 16, 10)", '255'],
  ["SHA2('a', 256)", 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
  ["POSITION('l' IN 'hello')", '3'],
  ["JSON_ARRAY(1, 'a', nope)", '[1,"a",null]'],
  ["TO_JSON(NAMED_STRUCT('a', 1))", '{"a":1}'],
  ['TIMESTAMPADD(HOUR, 2, t)', '2026-11-23 14:34:56.000'],
  ["TIMESTAMPDIFF(DAY, d, '2024-03-02')", '2'],
  ["TIMESTAMPDIFF(MONTH, d, '2025-03-01')", '12'],
  ['CURRENT_TIMEZONE()', 'UTC'],
  // texts
  ["ASCII('a')", '97'],
  ['CHR(65)', 'A'],
  ["CONCAT_WS('-', 'a', nope, 'b')", 'a-b'],
  ["INITCAP('hello world')", 'Hello World'],
  ["LEFT('hello', 2)", 'he'],
  ["RIGHT('hello', 2)", 'lo'],
  ["LPAD('7', 3, '0')", '007'],
  ["RPAD('7', 3, '0')", '700'],
  ["LEVENSHTEIN('kitten', 'sitting')", '3'],
  ["LOCATE('l', 'hello')", '3'],
  ["LOCATE('l', 'hello', 4)", '4'],
  ["INSTR('hello', 'l')", '3'],
  ["OCTET_LENGTH('é')", '2'],
  ["CHAR_LENGTH('é')", '1'],
  ["REPEAT('ab', 2)", 'abab'],
  ["REVERSE('abc')", 'cba'],
  ["REGEXP_COUNT('aXbXc', 'X')", '2'],
  ["REGEXP_EXTRACT('100-200', '(\\\\d+)-(\\\\d+)', 2)", '200'],
  ["REGEXP_EXTRACT('100-200', '(\\\\d+)-')", '100'],
  ["REGEXP_REPLACE('100-200', '(\\\\d+)-(\\\\d+)', '$2')", '200'],
  ["REGEXP_LIKE('abc', '^a')", '1'],
  ["SHA1('a')", '86f7e437faa5a7fce15d1ddcb9eaeaea377667b8'],
  ["MD5('a')", '0cc175b9c0f1b6a831c399e269772661'],
  ["SOUNDEX('Miller')", 'M460'],
  ["SPLIT(s, ',')", '["a","b","c"]'],
  ["SPLIT_PART(s, ',', 2)", 'b'],
  ["SUBSTRING_INDEX(s, ',', 2)", 'a,b'],
  ["TRANSLATE('abc', 'ab', 'xy')", 'xyc'],
  ["BASE64('hi')", 'aGk='],
  ["UNBASE64('aGk=')", 'hi'],
  ["URL_ENCODE('a b')", 'a%20b'],
  ["STARTSWITH('hello', 'he')", '1'],
  ["CONTAINS('hello', 'z')", '0'],
  // numbers
  ['ROUND(n)', '-8'],
  ['SIGN(n)', '-1'],
  ['RINT(2.5)', '2'],
  ['PMOD(-7, 3)', '2'],
  ['EXP(0)', '1'],
  ['LOG10(1000)', '3'],
  ['LOG2(8)', '3'],
  ['LOG(2, 8)', '3'],
  ['CBRT(27)', '3'],
  ['HYPOT(3, 4)', '5'],
  ['DEGREES(PI())', '180'],
  ['SIN(0)', '0'],
  ['COS(0)', '1'],
  ['ATAN2(0, 1)', '0'],
  ["CRC32('a')", '3904355907'],
  // conditions
  ["NULLIF('a', 'a')", '-'],
  ["NULLIF('a', 'b')", 'a'],
  ["NVL2(nope, 'x', 'y')", 'y'],
  ["IF(n < 0, 'neg', 'pos')", 'neg'],
  ["IFNULL(nope, 'z')", 'z'],
  // casts
  ["CAST('12' AS INT) + 1", '13'],
  ['CAST(n AS BIGINT)', '-7'],
  ["CAST('yes' AS BOOLEAN)", 'true'],
  ['CAST(t AS DATE)', '2026-11-23'],
  // JSON and lists
  ["GET_JSON_OBJECT(j, '$.a.b[1]')", '20'],
  ["JSON_VALID('{')", '0'],
  ['JSON_OBJECT_KEYS(j)', '["a","c"]'],
  ['ARRAY_SIZE(l)', '3'],
  ['ARRAY_CONTAINS(l, 2)', '1'],
  // times
  ['YEAR(t)', '2026'],
  ['QUARTER(t)', '4'],
  ['MONTH(t)', '11'],
  ['DAY(t)', '23'],
  ['HOUR(t)', '12'],
  ['MINUTE(t)', '34'],
  ['SECOND(t)', '56'],
  ['DAYOFWEEK(t)', '2'],
  ['WEEKDAY(t)', '0'],
  ['DAYOFYEAR(d)', '60'],
  ['WEEKOFYEAR(t)', '48'],
  ['EXTRACT(MONTH FROM t)', '11'],
  ['MONTHNAME(t)', 'November'],
  ['DAYNAME(t)', 'Monday'],
  ['DATE_ADD(d, 1)', '2024-03-01'],
  ['DATE_SUB(d, 29)', '2024-01-31'],
  ['ADD_MONTHS(d, 12)', '2025-02-28'],
  ["DATEDIFF('2024-03-01', d)", '1'],
  ["LAST_DAY('2023-02-03')", '2023-02-28'],
  ['TO_TIMESTAMP(t) + INTERVAL 90 MINUTES', '2026-11-23 14:04:56.000'],
  ["TO_TIMESTAMP(t) - INTERVAL '1' MONTH", '2026-10-23 12:34:56.000'],
  ["DATE_FORMAT(t, 'yyyy/MM/dd HH')", '2026/11/23 12'],
  ["TO_DATE('23/11/2026', 'dd/MM/yyyy')", '2026-11-23'],
  ['MAKE_DATE(2026, 1, 2)', '2026-01-02'],
  ['FROM_UNIXTIME(0)', '1970-01-01 00:00:00.000'],
  ["FROM_UNIXTIME(0, 'yyyy')", '1970'],
  ['UNIX_TIMESTAMP(t)', '1795437296'],
  ['CURRENT_DATE', '2026-11-23'],
  ['NOW()', '2026-11-23 12:00:00.000'],
];

golden(
  'SQL',
  EXPRESSIONS.map(([expression, value]) => [
    `SELECT 'x' AS x, ${expression} AS v FROM one`,
    [value === '-' ? 'x' : `x ${value}`],
  ]),
);

golden('PPL', [
  ['sort id | head 2 from 1 | fields id', ['r2', 'r3']],
  [
    'eval o = json_object("m", ms, "u", user) | flatten o as (size, who) | where id = "r1" | fields size, who',
    ['30 ann'],
  ],
  ['fieldsummary includefields=user nulls=true', ['user 3 2 ann bob 1']],
  ['fieldsummary includefields=ms', ['ms 4 4 10 50 27.5 27.5 17.0783 0']],
  ['eval l = json_array(id, ms) | where id = "r1" | expand l as each | fields each', ['r1', '30']],
  ['fillnull value="-" user | sort id | fields user', ['ann', 'bob', 'ann', '-']],
  ['where user in [search source=`requests` | where ms < 20 | fields user] | fields id;', ['r2']],
  ['eval slow = case(ms > 25, "yes" else "no") | fields id, slow | sort id', ['r1 yes', 'r2 no', 'r3 yes', 'r4 no']],
  [
    'eval y = year(`@timestamp`), up = upper(user) | where isnotnull(user) | sort id | fields y, up',
    ['2026 ANN', '2026 BOB', '2026 ANN'],
  ],
  ['where id = "r1" | eval x = 1 | fields - `@message`, `@timestamp`', ['1']],
  [
    'eventstats avg(ms) as a, count() by user | where isnotnull(user) | sort id | fields id, a, `count()`',
    ['r1 40 2', 'r2 10 1', 'r3 40 2'],
  ],
  ['eventstats max(ms) as most | where ms = most | fields id', ['r3']],
  [
    'trendline sort id sma(2, ms) as m wma(2, ms) | fields id, m, ms_trendline',
    ['r1 - -', 'r2 20 16.6667', 'r3 30 36.6667', 'r4 35 30'],
  ],
  ['dedup 2 ok keepempty=true | stats count() as n', ['4']],
  ['dedup 1 user | sort id | fields user', ['bob', 'ann']],
  ['top 1 ms by user | where isnotnull(user) | sort user | fields user, count', ['ann 1', 'bob 1']],
  [
    'source = one | grok line "%{IP:client} %{WORD:verb} %{NOTSPACE:path} %{NUMBER:size}" | fields client, verb, path, size',
    ['10.0.0.1 GET /index.html 15824'],
  ],
  [
    'inner join left=l right=r on l.id = r.id `traces` | sort r.took | fields l.id, r.took',
    ['r1 25', 'r3 45', 'r3 46'],
  ],
  ['LEFT JOIN left=l, right=r on l.id = r.id `traces` | where isnull(r.took) | sort l.id | fields l.id', ['r2', 'r4']],
  [
    'join left=l right=r on l.id = r.id [source = traces | stats count() as n by id] | sort l.id | fields l.id, r.n',
    ['r1 1', 'r3 2'],
  ],
  ['where id in [source = traces | fields id] | sort id | fields id', ['r1', 'r3']],
  ['where not id in (subquery source = traces | fields id) | sort id | fields id', ['r2', 'r4']],
  ['where ms > [source = traces | stats avg(took) as a] | fields id', ['r3']],
  ['stats stddev_samp(ms) as s, var_samp(ms) as v by ok | where ok = 1 or ok = "true" | fields s, v', ['14.1421 200']],
]);
