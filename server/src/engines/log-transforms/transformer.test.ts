import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Processor } from '@aws-sdk/client-cloudwatch-logs';
import { TransformConfigError } from './transform-error.ts';
import { compileTransformer, type EventOrigin } from './transformer.ts';

const ORIGIN: EventOrigin = {
  logGroupName: 'myLogGroupName',
  logStreamName: 'myLogStreamName',
  accountId: '012345678912',
  regionName: 'us-east-1',
  nowMs: Date.UTC(2026, 10, 23),
};
const JSON_FIRST: Processor = { parseJSON: {} };

function transform(config: Processor[], message: unknown): unknown {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const transformed = compileTransformer(config).transform(text, ORIGIN);
  return transformed === undefined ? undefined : JSON.parse(transformed);
}

const INNER = { outer_key: { inner_key: 'inner_value' } };
const LIST = {
  outer_key: [
    { inner_key: 'a', inner_value: 'val-a' },
    { inner_key: 'b', inner_value: 'val-b1' },
    { inner_key: 'b', inner_value: 'val-b2' },
  ],
};

// The examples of AWS's user guide.
const TABLE: [string, Processor[], unknown, unknown][] = [
  ['parseJSON', [{ parseJSON: { destination: 'new_key' } }], INNER, { new_key: INNER }],
  [
    'csv',
    [{ csv: { delimiter: ':', quoteCharacter: "'" } }],
    "'Akua Mansa':28:'New York: USA'",
    { column_1: 'Akua Mansa', column_2: '28', column_3: 'New York: USA' },
  ],
  ['csv, columns', [{ csv: { columns: ['a', 'b.c'] } }], '1,"x ""y"""', { a: '1', b: { c: 'x "y"' } }],
  [
    'parseKeyValue',
    [
      {
        parseKeyValue: {
          destination: 'new_key',
          fieldDelimiter: '!',
          keyValueDelimiter: ':',
          nonMatchValue: 'defaultValue',
          keyPrefix: 'parsed_',
        },
      },
    ],
    'key1:value1!key2:value2!key3:value3!key4',
    { new_key: { parsed_key1: 'value1', parsed_key2: 'value2', parsed_key3: 'value3', parsed_key4: 'defaultValue' } },
  ],
  [
    'grok with grok after parseJSON',
    [
      JSON_FIRST,
      { grok: { source: 'logMsg', match: '%{WORD:http_method} %{NOTSPACE:request} HTTP/%{NUMBER:http_version}' } },
    ],
    { level: 'ERROR', logMsg: 'GET /page.html HTTP/1.1' },
    {
      level: 'ERROR',
      logMsg: 'GET /page.html HTTP/1.1',
      http_method: 'GET',
      request: '/page.html',
      http_version: '1.1',
    },
  ],
  [
    'parsePostgres',
    [{ parsePostgres: {} }],
    '2019-03-10 03:54:59 UTC:10.0.0.123(52834):postgres@logtestdb:[20175]:ERROR: column "wrong_column_name" does not exist at character 8',
    {
      logTime: '2019-03-10 03:54:59 UTC',
      srcIp: '10.0.0.123(52834)',
      userName: 'postgres',
      dbName: 'logtestdb',
      processId: '20175',
      logLevel: 'ERROR',
    },
  ],
  [
    'parseRoute53',
    [{ parseRoute53: {} }],
    '1.0 2017-12-13T08:15:50.235Z Z123412341234 example.com AAAA NOERROR TCP IAD12 192.0.2.0 198.51.100.0/24',
    {
      version: 1,
      queryTimestamp: '2017-12-13T08:15:50.235Z',
      hostZoneId: 'Z123412341234',
      queryName: 'example.com',
      queryType: 'AAAA',
      responseCode: 'NOERROR',
      protocol: 'TCP',
      edgeLocation: 'IAD12',
      resolverIp: '192.0.2.0',
      ednsClientSubnet: '198.51.100.0/24',
    },
  ],
  [
    'parseVPC',
    [{ parseVPC: {} }],
    '2 123456789010 eni-abc123de 192.0.2.0 192.0.2.24 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK',
    {
      version: 2,
      accountId: '123456789010',
      interfaceId: 'eni-abc123de',
      srcAddr: '192.0.2.0',
      dstAddr: '192.0.2.24',
      srcPort: 20641,
      dstPort: 22,
      protocol: 6,
      packets: 20,
      bytes: 4249,
      start: 1418530010,
      end: 1418530070,
      action: 'ACCEPT',
      logStatus: 'OK',
    },
  ],
  [
    'parseWAF',
    [{ parseWAF: {} }],
    {
      httpRequest: { clientIp: '1.1.1.1', headers: [{ name: 'Host', value: 'localhost:1989' }] },
      labels: [{ name: 'value' }],
    },
    { httpRequest: { clientIp: '1.1.1.1', headers: { Host: 'localhost:1989' } }, labels: { name: 'value' } },
  ],
  [
    'lowerCaseString',
    [JSON_FIRST, { lowerCaseString: { withKeys: ['outer_key.inner_key'] } }],
    { outer_key: { inner_key: 'INNER_VALUE' } },
    INNER,
  ],
  [
    'upperCaseString',
    [JSON_FIRST, { upperCaseString: { withKeys: ['outer_key.inner_key'] } }],
    INNER,
    { outer_key: { inner_key: 'INNER_VALUE' } },
  ],
  [
    'splitString',
    [JSON_FIRST, { splitString: { entries: [{ source: 'outer_key.inner_key', delimiter: ', ' }] } }],
    { outer_key: { inner_key: 'item1, item2, item3' } },
    { outer_key: { inner_key: ['item1', 'item2', 'item3'] } },
  ],
  [
    'substituteString',
    [
      JSON_FIRST,
      {
        substituteString: {
          entries: [
            { source: 'a', from: '\\[\\]', to: 'value1' },
            { source: 'b', from: '[0-9]{3}-[0-9]{3}-[0-9]{3}', to: 'xxx-xxx-xxx' },
            { source: 'c', from: 'cat', to: 'dog' },
            { source: 'd', from: '(\\w+), (\\w+), and (\\w+)', to: '$1 and $3' },
            {
              source: 'e',
              from: '^arn:aws:sts::(?P<account_id>\\d{12}):assumed-role/(?P<role_name>[\\w+=,.@-]+)/(?P<role_session_name>[\\w+=,.@-]+)$',
              to: `\${account_id}:\${role_name}:\${role_session_name}`,
            },
          ],
        },
      },
    ],
    {
      a: '[]',
      b: '123-345-567',
      c: 'A cat takes a catnap.',
      d: 'Tom, Dick, and Harry',
      e: 'arn:aws:sts::123456789012:assumed-role/MyImportantRole/MySession',
    },
    {
      a: 'value1',
      b: 'xxx-xxx-xxx',
      c: 'A dog takes a dognap.',
      d: 'Tom and Harry',
      e: '123456789012:MyImportantRole:MySession',
    },
  ],
  [
    'trimString',
    [JSON_FIRST, { trimString: { withKeys: ['outer_key.inner_key'] } }],
    { outer_key: { inner_key: '   inner_value  ' } },
    INNER,
  ],
  [
    'addKeys',
    [JSON_FIRST, { addKeys: { entries: [{ key: 'outer_key.new_key', value: 'new_value' }] } }],
    INNER,
    { outer_key: { inner_key: 'inner_value', new_key: 'new_value' } },
  ],
  [
    'addKeys keeps what is there',
    [JSON_FIRST, { addKeys: { entries: [{ key: 'a', value: 'new' }] } }],
    { a: 1 },
    { a: 1 },
  ],
  ['deleteKeys', [JSON_FIRST, { deleteKeys: { withKeys: ['outer_key.inner_key'] } }], INNER, { outer_key: {} }],
  [
    'moveKeys',
    [JSON_FIRST, { moveKeys: { entries: [{ source: 'outer_key1.inner_key1', target: 'outer_key2' }] } }],
    { outer_key1: { inner_key1: 'inner_value1' }, outer_key2: { inner_key2: 'inner_value2' } },
    { outer_key1: {}, outer_key2: { inner_key2: 'inner_value2', inner_key1: 'inner_value1' } },
  ],
  [
    'renameKeys',
    [JSON_FIRST, { renameKeys: { entries: [{ key: 'outer_key', renameTo: 'new_key' }] } }],
    INNER,
    { new_key: { inner_key: 'inner_value' } },
  ],
  [
    'copyValue',
    [
      JSON_FIRST,
      {
        copyValue: {
          entries: [
            { source: 'outer_key.inner_key', target: 'new_key' },
            { source: '@logGroupName', target: 'log_group_name' },
            { source: '@logGroupStream', target: 'log_group_stream' },
            { source: '@accountId', target: 'account_id' },
            { source: '@regionName', target: 'region_name' },
          ],
        },
      },
    ],
    INNER,
    {
      ...INNER,
      new_key: 'inner_value',
      log_group_name: 'myLogGroupName',
      log_group_stream: 'myLogStreamName',
      account_id: '012345678912',
      region_name: 'us-east-1',
    },
  ],
  [
    'listToMap',
    [JSON_FIRST, { listToMap: { source: 'outer_key', key: 'inner_key', valueKey: 'inner_value', flatten: false } }],
    LIST,
    { ...LIST, a: ['val-a'], b: ['val-b1', 'val-b2'] },
  ],
  ...(['first', 'last'] as const).map((flattenedElement): [string, Processor[], unknown, unknown] => [
    `listToMap, ${flattenedElement}`,
    [
      JSON_FIRST,
      {
        listToMap: { source: 'outer_key', key: 'inner_key', valueKey: 'inner_value', flatten: true, flattenedElement },
      },
    ],
    LIST,
    { ...LIST, a: 'val-a', b: flattenedElement === 'first' ? 'val-b1' : 'val-b2' },
  ]),
  [
    'typeConverter',
    [JSON_FIRST, { typeConverter: { entries: [{ key: 'status', type: 'integer' }] } }],
    { name: 'value', status: '200' },
    { name: 'value', status: 200 },
  ],
  [
    'dateTimeConverter',
    [
      JSON_FIRST,
      {
        dateTimeConverter: {
          source: 'german_datetime',
          target: 'target_1',
          locale: 'de',
          matchPatterns: ['EEEE dd. MMMM yyyy HH:mm:ss'],
          sourceTimezone: 'Europe/Berlin',
          targetTimezone: 'America/New_York',
          targetFormat: "yyyy-MM-dd'T'HH:mm:ssXXX",
        },
      },
    ],
    { german_datetime: 'Samstag 05. Dezember 1998 11:00:00' },
    { german_datetime: 'Samstag 05. Dezember 1998 11:00:00', target_1: '1998-12-05T05:00:00-05:00' },
  ],
];

for (const [name, config, message, expected] of TABLE) {
  test(name, () => assert.deepEqual(transform(config, message), expected));
}

test('parseCloudfront', () => {
  const line =
    '2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.24\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(Windows)\t-\t-\tHit\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA-AES128-GCM-SHA256\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-';
  const event = transform([{ parseCloudfront: {} }], line) as Record<string, unknown>;
  assert.equal(Object.keys(event).length, 33);
  assert.deepEqual(
    [event['sc-bytes'], event['cs(User-Agent)'], event['time-taken'], event['c-port'], event['sc-range-end']],
    [392, 'Mozilla/5.0 (Windows)', 0.001, 11040, '-'],
  );
});

const GROK: [string, string, unknown][] = [
  [
    '%{NUMBER:version} %{HOSTNAME:hostname} %{NOTSPACE:status} %{QUOTEDSTRING:logMsg}',
    '293750 server-01.internal-network.local OK "[Thread-000] token generated"',
    {
      version: '293750',
      hostname: 'server-01.internal-network.local',
      status: 'OK',
      logMsg: '[Thread-000] token generated',
    },
  ],
  [
    '%{HTTPDATE:timestamp} %{IPORHOST:clientip} %{NUMBER:response_status}',
    '23/Nov/2024:10:25:15 -0900 172.16.0.1 200',
    { timestamp: '23/Nov/2024:10:25:15 -0900', clientip: '172.16.0.1', response_status: '200' },
  ],
  [
    '%{NUMBER:timestamp} [%{NUMBER:db} %{IP:client_ip}:%{NUMBER:client_port}] %{GREEDYDATA:data}',
    '1629860738.123456 [0 127.0.0.1:6379] "SET" "key1" "value1"',
    {
      timestamp: '1629860738.123456',
      db: '0',
      client_ip: '127.0.0.1',
      client_port: '6379',
      data: '"SET" "key1" "value1"',
    },
  ],
  [
    '%{IP:client.ip} %{WORD:method} %{URIPATHPARAM:request.uri} %{NUMBER:response.status} %{NUMBER:response.bytes}',
    '192.168.1.1 GET /index.html?param=value 200 1234',
    {
      client: { ip: '192.168.1.1' },
      method: 'GET',
      request: { uri: '/index.html?param=value' },
      response: { status: '200', bytes: '1234' },
    },
  ],
  ['%{HOSTPORT:ip}', '192.168.1.1:8080', { ip: '192.168.1.1:8080', PORT: '8080' }],
  [
    '%{URIHOST:host} %{URIHOST:ip}',
    'example.com:443 10.0.0.1',
    { host: 'example.com:443', port: '443', ip: '10.0.0.1' },
  ],
  [
    '%{SYSLOGPROG:programWithId}',
    'user.profile/settings-page[1234]',
    { programWithId: 'user.profile/settings-page[1234]', program: 'user.profile/settings-page', pid: '1234' },
  ],
  ['%{SYSLOGFACILITY:syslog}', '<13.6>', { syslog: '<13.6>', facility: '13', priority: '6' }],
  ['%{DATA:x} %{DATA:y}', 'abc def ghi', { x: 'abc', y: '' }],
  ['%{GREEDYDATA:x} %{GREEDYDATA:y}', 'abc def ghi', { x: 'abc def', y: 'ghi' }],
  ['%{GREEDYDATA_MULTILINE:data}', 'abc\ndef', { data: 'abc\ndef' }],
  [
    '%{APACHE_ACCESS_LOG}',
    '127.0.0.1 - - [03/Aug/2023:12:34:56 +0000] "GET /page.html HTTP/1.1" 200 1234',
    {
      request: '/page.html',
      http_method: 'GET',
      status_code: 200,
      http_version: '1.1',
      response_size: 1234,
      remote_host: '127.0.0.1',
      timestamp: '2023-08-03T12:34:56Z',
    },
  ],
  [
    '%{NGINX_ACCESS_LOG}',
    '192.168.1.100 - Foo [03/Aug/2023:12:34:56 +0000] "GET /account/login.html HTTP/1.1" 200 42 "https://www.amazon.com/" "Mozilla/5.0 (Windows NT 10.0)"',
    {
      request: '/account/login.html',
      referrer: 'https://www.amazon.com/',
      agent: 'Mozilla/5.0 (Windows NT 10.0)',
      http_method: 'GET',
      status_code: 200,
      auth_user: 'Foo',
      http_version: '1.1',
      response_size: 42,
      remote_host: '192.168.1.100',
      timestamp: '2023-08-03T12:34:56Z',
    },
  ],
  [
    '%{SYSLOG5424}',
    '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource= "Application" eventID="1011"][examplePriority@32473 class="high"]',
    {
      pri: 165,
      version: 1,
      timestamp: '2003-10-11T22:14:15.003Z',
      hostname: 'mymachine.example.com',
      app: 'evntslog',
      msg_id: 'ID47',
      structured_data: 'exampleSDID@32473 iut="3" eventSource= "Application" eventID="1011"',
      message: '[examplePriority@32473 class="high"]',
    },
  ],
  // One pattern each, with AWS's example of it.
  ...(
    [
      ['USERNAME', 'user123.name-TEST'],
      ['INT', '-456'],
      ['BASE10NUM', '-0.67'],
      ['BASE16NUM', '+0xA1B2'],
      ['POSINT', '123'],
      ['NONNEGINT', '007'],
      ['UUID', '550e8400-e29b-41d4-a716-446655440000'],
      ['URN', 'urn:isbn:0451450523'],
      ['ARN', 'arn:aws:iam:us-east-1:123456789012:user/johndoe'],
      ['CISCOMAC', '0123.4567.89AB'],
      ['MAC', '01:23:45:67:89:AB'],
      ['IPV6', '2001:db8:3333:4444:5555:6666:7777:8888'],
      ['IP', '::1'],
      ['IP', '2001:db8::ff00:42:8329'],
      ['IPORHOST', '2001:db8:3333:4444:5555:6666:7777:8888'],
      ['UNIXPATH', '/search?q=regex'],
      ['WINPATH', 'C:\\Users\\John\\Documents\\file.txt'],
      ['TTY', '/dev/tty1'],
      ['URIPROTO', 'web+transformer'],
      ['URIPATH', '/category/sub-category/product_name'],
      ['URIPARAM', '?param1=value1&param2=value2'],
      ['URI', 'https://user:password@example.com/path/to/resource?param1=value1&param2=value2'],
      ['MONTH', 'January'],
      ['MONTHNUM', '12'],
      ['MONTHDAY', '31'],
      ['YEAR', '2024'],
      ['DAY', 'Tuesday'],
      ['HOUR', '22'],
      ['SECOND', '30.5'],
      ['TIME', '09:45:32'],
      ['DATE_US', '11/23/2024'],
      ['DATE_EU', '1.01.24'],
      ['ISO8601_TIMEZONE', '-530'],
      ['TIMESTAMP_ISO8601', '2023-05-15T14:30:00+05:30'],
      ['TIMESTAMP_ISO8601', '23-5-1T1:25Z'],
      ['DATESTAMP', '29-11-2024 14:30:00'],
      ['TZ', 'PDT'],
      ['DATESTAMP_RFC822', 'Monday Jan 5 23 1:30:00 CDT'],
      ['DATESTAMP_RFC2822', 'Mon, 15 May 2023 14:30:00 +0530'],
      ['DATESTAMP_OTHER', 'Mon May 15 14:30:00 PST 2023'],
      ['DATESTAMP_EVENTLOG', '20230515143000'],
      ['LOGLEVEL', 'INFO'],
      ['LOGLEVEL', 'WARNING'],
      ['SYSLOGTIMESTAMP', 'Nov 29 14:30:00'],
      ['PROG', 'user.profile/settings-page'],
    ] as const
  ).map(([name, text]): [string, string, unknown] => [`%{${name}:value}`, text, { value: text }]),
];

for (const [match, message, expected] of GROK) {
  test(`grok ${match} of ${message.slice(0, 40)}`, () =>
    assert.deepEqual(transform([{ grok: { match } }], message), expected));
}

test('what is refused', () => {
  const table: Processor[][] = [
    [{ trimString: { withKeys: ['a'] } }],
    [JSON_FIRST, { parseVPC: {} }],
    [{}],
    [{ parseJSON: {}, csv: {} }],
    [{ grok: { match: '%{NOPE:x}' } }],
    [{ grok: { match: 'plain text' } }],
    [{ grok: { match: '%{NUMBER:x:int}' } }],
    [{ grok: { match: '%{APACHE_ACCESS_LOG} %{SYSLOG5424}' } }],
    [{ grok: { match: '%{NGINX_ACCESS_LOG} %{NUMBER:num}' } }],
    [{ grok: { match: '%{GREEDYDATA:logMsg} %{SYSLOG5424}' } }],
    [{ grok: { match: '%{DATA} %{DATA} %{DATA} %{SPACE} %{DATA} %{DATA}' } }],
    [JSON_FIRST, { addKeys: { entries: [{ key: 'a.b.c.d', value: 'x' }] } }],
    [JSON_FIRST, { substituteString: { entries: [{ source: 'a', from: '(', to: 'x' }] } }],
    [JSON_FIRST, { substituteString: { entries: [{ source: 'a', from: 'a', to: '$1' }] } }],
    [JSON_FIRST, { listToMap: { source: 'a', key: 'b', flatten: true } }],
    [
      JSON_FIRST,
      { dateTimeConverter: { source: 'a', target: 'b', matchPatterns: ['yyyy'], sourceTimezone: 'Nowhere' } },
    ],
    [JSON_FIRST, { dateTimeConverter: { source: 'a', target: 'b', matchPatterns: ['bb'] } }],
  ];
  for (const config of table)
    assert.throws(() => compileTransformer(config), TransformConfigError, JSON.stringify(config));
});

test('messages that a transformer cannot work on', () => {
  assert.equal(transform([JSON_FIRST], 'no JSON'), undefined);
  assert.equal(transform([JSON_FIRST], '[1]'), undefined);
  assert.equal(transform([{ parseVPC: {} }], 'NODATA'), undefined);
  assert.equal(transform([{ grok: { match: '%{IP:a}' } }], 'none'), undefined);
});

test('no key reaches into prototypes', () => {
  const config: Processor[] = [
    JSON_FIRST,
    {
      addKeys: {
        entries: [
          { key: '__proto__.polluted', value: 'yes' },
          { key: 'constructor.prototype.polluted', value: 'yes' },
        ],
      },
    },
  ];
  transform(config, '{"__proto__":{"a":1}}');
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('expressions that would take a backtracking engine for ever', () => {
  const long = 'a'.repeat(20_000);
  const grok = '%{WORD}%{WORD}%{WORD}%{WORD}%{WORD}%{WORD}%{WORD}!';
  assert.equal(transform([{ grok: { match: grok } }], long), undefined);
  const config = [JSON_FIRST, { substituteString: { entries: [{ source: 'a', from: '(a+)+$', to: 'x' }] } }];
  assert.deepEqual(transform(config, { a: `${long}!` }), { a: `${long}!` });
});
