// One table for each family of functions: an expression over one event, and what AWS documents for it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NOON, openTestStore } from '../../../../test/insights-store.ts';

let store: Awaited<ReturnType<typeof openTestStore>>;
before(async () => {
  store = await openTestStore();
});
after(() => store.close());

const EVENT = JSON.stringify({
  n: 7.5, minus: -3, text: 'xyZfooxyZ', blank: ' \t', empty: '', pad: '  a b ', digits: '42', nothing: null, yes: true,
  ip: '10.1.2.3', ip6: '2001:db8::1', uni: 'héllo', nested: { list: [1, { deep: 'x' }], 'a.b': 1 }, 'flat.key': 'f',
  embedded: '{"k":[10,20]}', ms: NOON, roles: ['admin', 'dev'],
}); // biome-ignore format: one event

/** Undefined: the field is left out of the result. */
const TABLES: Record<string, [expression: string, value: string | undefined][]> = {
  arithmetic: [
    ['n + 1', '8.5'],
    ['n - 10', '-2.5'],
    ['n * 2', '15'],
    ['n / 3', '2.5'],
    ['10 / 3', '3.3333'],
    ['2 ^ 3', '8'],
    ['10 % 3', '1'],
    ['-n', '-7.5'],
    ['digits + 1', '43'],
    ['text + 1', undefined],
    ['absent + 1', undefined],
    ['1 / 0', undefined],
    ['1 + 2 * 3', '7'],
  ],
  numeric: [
    ['abs(minus)', '3'],
    ['ceil(n)', '8'],
    ['floor(n)', '7'],
    ['greatest(n, digits, minus)', '42'],
    ['least(n, digits, minus)', '-3'],
    ['greatest(n, absent)', '7.5'],
    ['log(1)', '0'],
    ['sqrt(16)', '4'],
    ['sqrt(minus)', undefined],
    ['round(n)', '8'],
    ['round(minus - 0.5)', '-4'],
    ['round(2.345678, 2)', '2.35'],
    ['round(1234, -2)', '1200'],
    ['round(text)', undefined],
    ['haversine(52.52, 13.405, 48.8566, 2.3522)', '877.4633'],
    ['haversine(0, 0, 0, absent)', undefined],
    ['toNumber(digits) + 1', '43'],
    ['toNumber(text)', undefined],
    ['toInt("12.9")', '12'],
    ['toInt("-12.9")', '-12'],
    ['toInt("9999999999")', undefined],
    ['toLong("9007199254740991")', '9007199254740991'],
    ['toLong(n)', '7'],
    ['toLong(text)', undefined],
    ['toDouble(digits)', '42.0'],
  ],
  conditions: [
    ['if(n > 7, "high", "low")', 'high'],
    ['if(absent > 7, "high", "low")', 'low'],
    ['if(n > 7, n * 2, 0)', '15'],
    ['case(n < 5, "low", n < 8, "middle", "high")', 'middle'],
    ['case(n < 5, "low", "high")', 'high'],
    ['case(n < 5, 1)', undefined],
    ['case(n > 5, minus, n > 6, 2) + 1', '-2'],
    ['if(n > 7, @timestamp, @timestamp)', '2026-11-23 12:34:56.789'],
    ['isNumeric(digits)', '1'],
    ['isNumeric(text)', '0'],
    ['isNumeric(absent)', '0'],
    ['messageSize(uni)', '6'],
    ['messageSize(absent)', undefined],
    ['queryEndTime() - queryStartTime()', '172800000'],
    ['queryTimeRange()', '172800000'],
  ],
  hashes: [
    ['md5(digits)', 'a1d0c6e83f027327d8461063f4ac58a6'],
    ['sha256(digits)', '73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049'],
    ['md5(absent)', undefined],
  ],
  encodings: [
    ['urlencode("a b&c=é")', 'a%20b%26c%3D%C3%A9'],
    ['urldecode("a%20b%26c%3D%C3%A9")', 'a b&c=é'],
    ['base64encode(digits)', 'NDI='],
    ['base64decode("NDI=")', '42'],
    ['base64decode("!!")', undefined],
    ['base64decode(empty)', ''],
    ['hexToAscii("48656c6c6f")', 'Hello'],
    ['hexToAscii("4")', undefined],
    ['hexToDec("0xff")', '255'],
    ['hexToDec("-1F")', '-31'],
    ['hexToDec("xyz")', undefined],
    ['decToHex(255)', '0xff'],
    ['decToHex(256)', '0x100'],
    ['decToHex(-255.9)', '-0xff'],
    ['decToHex(0)', '0x0'],
    ['decToHex(text)', undefined],
  ],
  dates: [
    ['parseDate("2026-11-23", "yyyy-MM-dd")', String(NOON - 12 * 3_600_000)],
    ['parseDate("2026-11-23 13:00", "yyyy-MM-dd HH:mm", "Europe/Berlin")', String(NOON)],
    ['parseDate("23/Nov/2026 12:00:00.250", "dd/MMM/yyyy HH:mm:ss.SSS")', String(NOON + 250)],
    ['parseDate(text, "yyyy-MM-dd")', undefined],
    ['parseDate(absent, "yyyy-MM-dd")', undefined],
    ['formatDate(@timestamp, "%Y-%m-%d", "UTC")', '2026-11-23'],
    ['formatDate(@timestamp, "%H:%M:%S", "Europe/Berlin")', '13:34:56'],
    [
      'strftime(ms + 7, "%d %b %y %I:%M %p, %A, %L ms, %s s, 100%%")',
      '23 Nov 26 12:00 PM, Monday, 007 ms, 1795435200 s, 100%',
    ],
    ['formatDate(@timestamp, "%B %F %T %Z")', 'November 2026-11-23 12:34:56 UTC'],
    ['formatDate(absent, "%Y")', undefined],
  ],
  strings: [
    ['regexReplace(text, "[xy]+Z", "-")', '-foo-'],
    ['regex_replace(text, "(foo)", "<\\1>")', 'xyZ<foo>xyZ'],
    ['strcontains(text, "FOO")', '0'],
    ['strcontains(text, "FOO", true)', '1'],
    ['startsWith(text, "xyZ")', '1'],
    ['startsWith(text, "foo")', '0'],
    ['startsWith(absent, "foo")', '0'],
    ['endsWith(text, "oxyZ")', '1'],
    ['split("a,b,c", ",")', '["a","b","c"]'],
    ['isempty(empty)', '1'],
    ['isempty(absent)', '1'],
    ['isempty(text)', '0'],
    ['isblank(blank)', '1'],
    ['isblank(absent)', '1'],
    ['isblank(text)', '0'],
    ['concat(text, "-", n)', 'xyZfooxyZ-7.5'],
    ['ltrim(pad)', 'a b '],
    ['rtrim(pad)', '  a b'],
    ['trim(pad)', 'a b'],
    ['ltrim(text, "xyZ")', 'fooxyZ'],
    ['rtrim(text, "xyZ")', 'xyZfoo'],
    ['trim(text, "xyZ")', 'foo'],
    ['strlen(uni)', '5'],
    ['toupper(uni)', 'HÉLLO'],
    ['tolower(text)', 'xyzfooxyz'],
    ['substr(text, 3)', 'fooxyZ'],
    ['substr(text, 3, 3)', 'foo'],
    ['substr(uni, 1, 2)', 'él'],
    ['replace("foo", "o", "0")', 'f00'],
    ['replace(text, "", "x")', 'xyZfooxyZ'],
    ['strcontains(text, "foo")', '1'],
    ['strcontains(text, "FOO")', '0'],
    ['strcontains(absent, "x")', '0'],
    ['toupper(absent)', undefined],
  ],
  datetime: [
    ['bin(1h)', '2026-11-23 12:00:00.000'],
    ['bin(2s)', '2026-11-23 12:34:56.000'],
    ['bin(500ms)', '2026-11-23 12:34:56.500'],
    ['bin(1d)', '2026-11-23 00:00:00.000'],
    ['bin(1w)', '2026-11-23 00:00:00.000'],
    ['bin(1mo)', '2026-11-01 00:00:00.000'],
    ['bin(1q)', '2026-10-01 00:00:00.000'],
    ['bin(1y)', '2026-01-01 00:00:00.000'],
    ['datefloor(@timestamp, 5m)', '2026-11-23 12:30:00.000'],
    ['dateceil(@timestamp, 5m)', '2026-11-23 12:35:00.000'],
    ['dateceil(fromMillis(ms), 1h)', '2026-11-23 12:00:00.000'],
    ['dateceil(@timestamp, 1mo)', '2026-12-01 00:00:00.000'],
    ['fromMillis(ms)', '2026-11-23 12:00:00.000'],
    ['toMillis(@timestamp)', String(NOON + 2_096_789)],
    ['now()', String(NOON / 1000)],
    ['@timestamp', '2026-11-23 12:34:56.789'],
    ['@ingestionTime', '2026-11-23 12:00:01.000'],
  ],
  general: [
    ['ispresent(n)', '1'],
    ['ispresent(absent)', '0'],
    ['ispresent(nothing)', '0'],
    ['ispresent(empty)', '1'],
    ['coalesce(absent, nothing, text)', 'xyZfooxyZ'],
    ['coalesce(absent)', undefined],
    ['n = 7.5', '1'],
    ['absent = 1', '0'],
    ['n > 5 and not (n > 8)', '1'],
  ],
  json: [
    ['nested.list.0', '1'],
    ['nested.list[1].deep', 'x'],
    ['flat.key', 'f'],
    ['nested', '{"list":[1,{"deep":"x"}],"a.b":1}'],
    ['yes', 'true'],
    ['jsonStringify(nested.list)', '[1,{"deep":"x"}]'],
    ['jsonParse(embedded)', '{"k":[10,20]}'],
    ['jsonParse(text)', undefined],
    ['jsonStringify(jsonParse(embedded))', '{"k":[10,20]}'],
    ['jsonArraySize(nested.list)', '2'],
    ['jsonArraySize("[1,[2],3]")', '3'],
    ['jsonArraySize(text)', undefined],
    ['jsonArraySize(nested)', undefined],
    ['jsonArrayContains(roles, "admin")', '1'],
    ['jsonArrayContains(roles, "Admin")', '0'],
    ['jsonArrayContains(nested.list, "1")', '1'],
    ['jsonArrayContains(text, "1")', '0'],
    ['jsonArrayContains(absent, "1")', '0'],
  ],
  addresses: [
    ['isValidIp(ip)', '1'],
    ['isValidIp(ip6)', '1'],
    ['isValidIp(text)', '0'],
    ['isValidIpv4(ip)', '1'],
    ['isValidIpv4(ip6)', '0'],
    ['isValidIpv6(ip6)', '1'],
    ['isValidIpv6(absent)', '0'],
    ['isIpInSubnet(ip, "10.1.0.0/16")', '1'],
    ['isIpInSubnet(ip, "10.2.0.0/16")', '0'],
    ['isIpInSubnet(ip6, "2001:db8::/32")', '1'],
    ['isIpv4InSubnet(ip, "10.1.2.0/24")', '1'],
    ['isIpv4InSubnet(ip6, "2001:db8::/32")', '0'],
    ['isIpv6InSubnet(ip6, "2001:db8::/32")', '1'],
    ['isIpv4InSubnet(text, "10.1.2.0/24")', '0'],
    ['isIpv4InSubnet(ip, "nonsense")', '0'],
    ['isIpv4InSubnet(ip, "10.0.0.0/99")', '0'],
    ['ipv4ToNumber(ip)', '167838211'],
    ['ipv4ToNumber(text)', undefined],
    ['isPrivateIP(ip)', '1'],
    ['isPrivateIP("172.32.0.1")', '0'],
    ['isPublicIP("8.8.8.8")', '1'],
    ['isPublicIP("2600:1f18::1")', '1'],
    ['isPublicIP(ip)', '0'],
    ['isPublicIP("127.0.0.1")', '0'],
    ['isPublicIP(text)', '0'],
    ['isReservedIP("127.0.0.1")', '1'],
    ['isReservedIP(ip6)', '1'],
    ['isReservedIP(ip)', '0'],
    ['isReservedIP(absent)', '0'],
  ],
  system: [
    ['@logStream', 'stream'],
    ['@log', '123456789012:of functions'],
    ['@entity', undefined],
    ['@requestId', undefined],
  ],
};

describe('functions', () => {
  for (const [family, rows] of Object.entries(TABLES)) {
    test(family, async () => {
      const group = await store.group([{ message: EVENT, timestamp: NOON + 2_096_789 }], 'of functions');
      const items = rows.map(([expression], i) => `${expression} as v${i}`);
      const { found } = await store.run(`display ${items.join(', ')}`, [group]);
      const given = rows.map(([expression], i) => [expression, found[0]![`v${i}`]]);
      assert.deepEqual(given, rows);
    });
  }
});

const ROWS = [
  '{"k":"a","v":1,"name":"n10"}',
  '{"k":"a","v":"2","name":"n9"}',
  '{"k":"a","v":3.5}',
  '{"k":"b","v":"x"}',
  '{"k":"b","v":"x"}',
  '{"k":"b"}',
];

describe('aggregates', () => {
  const rows: [expression: string, a: string | undefined, b: string | undefined][] = [
    ['count(*)', '3', '3'],
    ['count()', '3', '3'],
    ['count(v)', '3', '2'],
    ['count(absent)', '0', '0'],
    ['count_distinct(v)', '3', '1'],
    ['sum(v)', '6.5', undefined],
    ['avg(v)', '2.1667', undefined],
    ['min(v)', '1', 'x'],
    ['max(v)', '3.5', 'x'],
    ['median(v)', '2', undefined],
    ['pct(v, 100)', '3.5', undefined],
    ['stddev(v)', '1.0274', undefined],
    ['earliest(v)', '1', 'x'],
    ['latest(v)', '3.5', 'x'],
    ['sortsFirst(name)', 'n9', undefined],
    ['sortsLast(name)', 'n10', undefined],
    ['sum(v) / count(*)', '2.1667', undefined],
    ['max(v) - min(v)', '2.5', undefined],
    ['rate(v, 1s)', '1250', undefined],
    ['rate(v, 2ms)', '2.5', undefined],
    ['count_over_time(v)', '3', '2'],
    ['sum_over_time(v)', '6.5', undefined],
    ['histogram(v, 2)', '{"[1, 2.25)":2,"[2.25, 3.5]":1}', undefined],
    ['latest(@timestamp)', String(NOON + 2), String(NOON + 5)],
  ];
  for (const [expression, a, b] of rows) {
    test(expression, async () => {
      const group = await store.group(ROWS);
      const { found, matched } = await store.run(`stats ${expression} as r by k`, [group]);
      assert.deepEqual(
        found.map(({ k, r }) => [k, r]),
        [
          ['a', a],
          ['b', b],
        ],
      );
      assert.deepEqual(matched, { count: 6, atLeast: false });
    });
  }
});

describe('discovered fields', () => {
  const id = '3f1c7a52-0e9b-4c6d-9b1a-2d4e5f607182';
  const report = `REPORT RequestId: ${id}\tDuration: 3.87 ms\tBilled Duration: 100 ms\tMemory Size: 128 MB\tMax Memory Used: 67 MB\tInit Duration: 120.5 ms\tXRAY TraceId: 1-5f-ab\tSegmentId: 07f\tSampled: true`;
  const display =
    'display @type, @requestId, @duration, @billedDuration, @memorySize, @maxMemoryUsed, @initDuration, @xrayTraceId, @xraySegmentId';
  const cases: [name: string, query: string, message: string, row: Record<string, string>, group?: string][] = [
    [
      'REPORT of Lambda',
      display,
      report,
      {
        '@type': 'REPORT',
        '@requestId': id,
        '@duration': '3.87',
        '@billedDuration': '100.0',
        '@memorySize': '1.28E8',
        '@maxMemoryUsed': '6.7E7',
        '@initDuration': '120.5',
        '@xrayTraceId': '1-5f-ab',
        '@xraySegmentId': '07f',
      },
    ],
    ['START of Lambda', display, `START RequestId: ${id} Version: $LATEST`, { '@type': 'START', '@requestId': id }],
    ['a line of Node', display, `2026-11-23T03:53:00.000Z\t${id}\tINFO\thello`, { '@requestId': id }],
    [
      'provisioned memory, as AWS computes it in its sample',
      'stats max(@memorySize / 1024 / 1024) as mb, max(@memorySize / 1000 / 1000) as decimal',
      report,
      { mb: '122.0703', decimal: '128' },
    ],
    [
      'results before it in the same stats, as in its sample of overprovisioned memory',
      'stats max(@memorySize / 1024 / 1024) as mb, max(@maxMemoryUsed / 1024 / 1024) as used, mb - used as over',
      report,
      { mb: '122.0703', used: '63.8962', over: '58.1741' },
    ],
    ['JSON inside of a line of Lambda', 'display a.b', '[INFO] got {"a":{"b":1}}', { 'a.b': '1' }, '/aws/lambda/f'],
    [
      'a VPC flow log record',
      'display srcAddr, dstPort, action, bytes, logStatus',
      '2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK',
      { srcAddr: '172.31.16.139', dstPort: '22', action: 'ACCEPT', bytes: '4249', logStatus: 'OK' },
    ],
    [
      'a Route 53 query log record',
      'display queryName, queryType, responseCode, protocol',
      '1.0 2017-12-13T08:16:02.130Z Z123412341234 example.com A NOERROR UDP FRA6 192.168.1.1 -',
      { queryName: 'example.com', queryType: 'A', responseCode: 'NOERROR', protocol: 'UDP' },
    ],
    [
      'a key that such records have too',
      'display bytes, action',
      '{"bytes":5,"action":"x"}',
      { bytes: '5', action: 'x' },
    ],
    ['a key with @', 'display @@host', '{"@host":"h"}', { '@@host': 'h' }],
    ['names of JavaScript objects', 'display constructor, __proto__', '{"constructor":1}', { constructor: '1' }],
  ];
  for (const [name, query, message, row, group] of cases) {
    test(name, async () => {
      const { found } = await store.run(query, [await store.group([message], group)]);
      assert.deepEqual(found, [row]);
    });
  }
});
