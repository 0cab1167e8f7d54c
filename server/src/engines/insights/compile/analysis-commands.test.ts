// The commands that compare rows with each other, as tables: events in, rows out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NOON, openTestStore, type TestEvent, type TestOptions } from '../../../../test/insights-store.ts';
import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';

let store: Awaited<ReturnType<typeof openTestStore>>;
before(async () => {
  store = await openTestStore();
});
after(() => store.close());

type Row = Record<string, string>;
interface Golden extends TestOptions {
  name: string;
  query: string;
  events: readonly (string | TestEvent)[];
  gives: Row[];
}

const S = 1_000;
const at = (ms: number, fields: object): TestEvent => ({ message: JSON.stringify(fields), timestamp: NOON + ms });
const TRAFFIC = [
  at(0, { host: 'a', bytes: 10 }),
  at(1 * S, { host: 'b', bytes: '20' }),
  at(2 * S, { host: 'a' }),
  at(3 * S, { host: 'a', bytes: 5, note: 'x' }),
];

const COMMANDS: Record<string, Golden[]> = {
  accum: [
    {
      name: 'adds up in the order of the rows',
      query: 'fields bytes | sort @timestamp asc | accum bytes as total | display bytes, total',
      events: TRAFFIC,
      gives: [{ bytes: '10', total: '10' }, { bytes: '20', total: '30' }, { total: '30' }, { bytes: '5', total: '35' }],
    },
    {
      name: 'in place of the field, newest first unless sorted, of the rows within a limit',
      query: 'fields bytes | limit 3 | accum bytes',
      events: TRAFFIC,
      gives: [{ bytes: '5' }, { bytes: '5' }, { bytes: '25' }],
    },
    {
      name: 'after stats',
      query: 'stats sum(bytes) as b by host | accum b as upTo',
      events: TRAFFIC,
      gives: [
        { host: 'a', b: '15', upTo: '15' },
        { host: 'b', b: '20', upTo: '35' },
      ],
    },
  ],
  autoregress: [
    {
      name: 'the row before',
      query: 'fields bytes | sort @timestamp asc | autoregress bytes as before | display bytes, before',
      events: TRAFFIC,
      gives: [{ bytes: '10' }, { bytes: '20', before: '10' }, { before: '20' }, { bytes: '5' }],
    },
    {
      name: 'several, by their distance',
      query: 'fields host | sort @timestamp asc | autoregress host p=1-2',
      events: TRAFFIC,
      gives: [
        { host: 'a' },
        { host: 'b', host_p1: 'a' },
        { host: 'a', host_p1: 'b', host_p2: 'a' },
        { host: 'a', host_p1: 'a', host_p2: 'b' },
      ],
    },
    {
      name: 'and what is computed from it',
      query:
        'sort @timestamp asc | autoregress @timestamp as before p=1 | filter ispresent(before) | display toMillis(@timestamp) - toMillis(before) as gap',
      events: TRAFFIC,
      gives: [{ gap: '1000' }, { gap: '1000' }, { gap: '1000' }],
    },
  ],
  filldown: [
    {
      name: 'the last value there was, of fields by name or by star',
      query: 'fields bytes, note, host | sort @timestamp asc | filldown by* note',
      events: TRAFFIC,
      gives: [
        { bytes: '10', host: 'a' },
        { bytes: '20', host: 'b' },
        { bytes: '20', host: 'a' },
        { bytes: '5', note: 'x', host: 'a' },
      ],
    },
    {
      name: 'of all fields',
      query: 'fields bytes, note | filldown',
      events: TRAFFIC,
      gives: [
        { bytes: '5', note: 'x' },
        { bytes: '5', note: 'x' },
        { bytes: '20', note: 'x' },
        { bytes: '10', note: 'x' },
      ],
    },
  ],
  fillmissing: [
    {
      name: 'bins without events, with what they are filled with',
      query:
        'stats count(*) as n, avg(bytes) as mean by bin(1s) as t | fillmissing with 0 for n | sort t | display t, n, mean',
      events: [TRAFFIC[0]!, TRAFFIC[3]!],
      gives: [
        { t: '2026-11-23 12:00:00.000', n: '1', mean: '10' },
        { t: '2026-11-23 12:00:01.000', n: '0' },
        { t: '2026-11-23 12:00:02.000', n: '0' },
        { t: '2026-11-23 12:00:03.000', n: '1', mean: '5' },
      ],
    },
    {
      name: 'each series by itself, newest bin first as without it',
      query:
        'stats max(bytes) as most by bin(1s) as t, host | fillmissing with "none" for most | display t, host, most',
      events: [...TRAFFIC.slice(0, 2), TRAFFIC[3]!],
      gives: [
        { t: '2026-11-23 12:00:03.000', host: 'a', most: '5' },
        { t: '2026-11-23 12:00:02.000', host: 'a', most: 'none' },
        { t: '2026-11-23 12:00:01.000', host: 'a', most: 'none' },
        { t: '2026-11-23 12:00:01.000', host: 'b', most: '20' },
        { t: '2026-11-23 12:00:00.000', host: 'a', most: '10' },
      ],
    },
  ],
  sessionize: [
    {
      name: 'a session ends after a gap, and is of one user',
      query:
        'sessionize user maxspan 1m as s | stats count(*) as events, min(n) as first by s, user | sort first | display user, events',
      events: [
        at(0, { user: 'u', n: 1 }),
        at(59 * S, { user: 'u', n: 2 }),
        at(90 * S, { user: 'v', n: 3 }),
        at(118 * S, { user: 'u', n: 4 }),
        at(179 * S, { user: 'u', n: 5 }),
        at(180 * S, { n: 6 }),
      ],
      gives: [{ user: 'u', events: '3' }, { user: 'v', events: '1' }, { user: 'u', events: '1' }, { events: '1' }],
    },
  ],
  outlier: [
    {
      name: 'values beyond the quartiles are brought back to the bound',
      query: 'fields n | sort n | outlier param=1.5 n',
      events: [1, 2, 3, 4, 5, 1000].map((n, i) => at(i, { n })),
      gives: [{ n: '1' }, { n: '2' }, { n: '3' }, { n: '4' }, { n: '5' }, { n: '9.5' }],
    },
    {
      name: 'or removed, above and below, what is no number stays',
      query: 'fields n | sort n | outlier action=remove param=1.5 uselower=true n',
      events: [-1000, 1, 2, 3, 4, 5, 1000, 'x'].map((n, i) => at(i, { n })),
      gives: [{ n: 'x' }, { n: '1' }, { n: '2' }, { n: '3' }, { n: '4' }, { n: '5' }],
    },
    {
      name: 'and marked, after stats too',
      query: 'stats sum(n) as s by n | outlier mark=true param=1.5 s | sort s desc | limit 2 | display n, s, s_outlier',
      events: [1, 2, 3, 4, 5, 1000].map((n, i) => at(i, { n })),
      gives: [
        { n: '1000', s: '9.5', s_outlier: '1' },
        { n: '5', s: '5', s_outlier: '0' },
      ],
    },
  ],
  addtotals: [
    {
      name: 'of each row, all numbers',
      query: 'fields price, tax, name | sort @timestamp asc | addtotals',
      events: [at(0, { price: 10, tax: '1.5', name: 'x' }), at(1, { price: 3 })],
      gives: [
        { price: '10', tax: '1.5', name: 'x', Total: '11.5' },
        { price: '3', Total: '3' },
      ],
    },
    {
      name: 'of extracted numbers too, though they are not shown',
      query: 'parse @message "code * end" as code | fields toNumber(code) * 2 as twice | addtotals',
      events: ['code 200 end'],
      gives: [{ twice: '400', Total: '600' }],
    },
    {
      name: 'of some fields, under another name',
      query: 'fields price, tax, qty | addtotals fieldname=Sum price, tax',
      events: [at(0, { price: 10, tax: 2, qty: 100 })],
      gives: [{ price: '10', tax: '2', qty: '100', Sum: '12' }],
    },
    {
      name: 'of columns, in a last row',
      query: 'stats count(*) as n, sum(bytes) as b by host | addtotals row=false col=true | sort host',
      events: TRAFFIC,
      gives: [
        { host: 'a', n: '3', b: '15' },
        { host: 'b', n: '1', b: '20' },
        { n: '4', b: '35' },
      ],
    },
    {
      name: 'of both, beneath the others in their order',
      query: 'fields bytes, host | filter ispresent(bytes) | addtotals col=true bytes',
      events: TRAFFIC,
      gives: [
        { bytes: '5', host: 'a', Total: '5' },
        { bytes: '20', host: 'b', Total: '20' },
        { bytes: '10', host: 'a', Total: '10' },
        { bytes: '35', Total: '35' },
      ],
    },
  ],
  countFrequent: [
    {
      name: 'the most frequent first',
      query: 'countFrequent host',
      events: TRAFFIC,
      gives: [
        { host: 'a', _approxcount: '3' },
        { host: 'b', _approxcount: '1' },
      ],
    },
  ],
  appendcols: [
    {
      name: 'row by row, without the fields that are there',
      query:
        'stats count(*) as n by host | appendcols (stats sum(bytes) as b by host as h, "z" as host | sort h) | display host, n, h, b',
      events: TRAFFIC,
      gives: [
        { host: 'a', n: '3', h: 'a', b: '15' },
        { host: 'b', n: '1', h: 'b', b: '20' },
      ],
    },
    {
      name: 'or over them, as many as are wanted',
      query: 'stats count(*) as n by host | appendcols override=true max=1 (stats max(bytes) as n by host)',
      events: TRAFFIC,
      gives: [
        { host: 'a', n: '10' },
        { host: 'b', n: '1' },
      ],
    },
  ],
  expand: [
    {
      name: 'a row for each element, in the field itself',
      query: 'expand items | display items, host',
      events: [at(0, { items: ['apple', 'banana', 3], host: 'web-01' })],
      gives: [
        { items: 'apple', host: 'web-01' },
        { items: 'banana', host: 'web-01' },
        { items: '3', host: 'web-01' },
      ],
    },
    {
      name: 'of a text that is JSON, and of what is no list',
      query: `parse @message "list=* end" as list | expand list | stats count(*) as n by list`,
      events: ['list=["a","b"] end', 'list=b end'],
      gives: [
        { list: 'a', n: '1' },
        { list: 'b', n: '2' },
      ],
    },
  ],
  parse: [
    {
      name: 'logfmt',
      query: 'parse @message logfmt as lf | filter lf.level = "error" | display lf.msg, lf.duration * 2 as d',
      events: ['level=error msg="request failed" duration=12', 'level=info msg=ok'],
      gives: [{ 'lf.msg': 'request failed', d: '24' }],
    },
    {
      name: 'CSV, with quotes and empty cells',
      query: 'parse @message csv as a, b, c, d | display a, b, c, d',
      events: ['1,"x, ""y""",,z', 'one'],
      gives: [{ a: 'one' }, { a: '1', b: 'x, "y"', c: '', d: 'z' }],
    },
    {
      name: 'every match, a row each',
      query:
        'parse @message /(\\d+\\.\\d+\\.\\d+\\.\\d+)/ as ip multi | stats count(*) as n by ip | filter ispresent(ip)',
      events: ['10.0.0.1 to 10.0.0.2', '10.0.0.1', 'none'],
      gives: [
        { ip: '10.0.0.1', n: '2' },
        { ip: '10.0.0.2', n: '1' },
      ],
    },
    {
      name: 'named groups of every match; an event without one stays',
      query: 'parse @message /(?<k>\\w+)=(?<v>\\w+)/ multi | display k, v | sort k',
      events: ['a=1 b=2', 'none'],
      gives: [{ k: 'a', v: '1' }, { k: 'b', v: '2' }, {}],
    },
    {
      name: 'JSON inside of a field',
      query:
        'parse @message /(?<payload>\\{.*\\})/ as payload | json field=payload "user.name" as username | display username',
      events: ['got {"user":{"name":"ann"}} at noon'],
      gives: [{ username: 'ann' }],
    },
    {
      name: 'JSON inside of an object',
      query: 'json field=requestContext "identity.sourceIp" as ip | display ip',
      events: [at(0, { requestContext: { identity: { sourceIp: '1.2.3.4' } } })],
      gives: [{ ip: '1.2.3.4' }],
    },
  ],
  others: [
    {
      name: 'where is filter',
      query: 'where host = "b" | display host',
      events: TRAFFIC,
      gives: [{ host: 'b' }],
    },
    {
      name: 'unmask as a command',
      query: 'filter host = "b" | unmask(@message)',
      events: TRAFFIC,
      gives: [{ 'unmask(@message)': TRAFFIC[1]!.message }],
    },
    {
      name: 'limit any',
      query: 'filter host = "b" | display host | limit any 5',
      events: TRAFFIC,
      gives: [{ host: 'b' }],
    },
    {
      name: 'bins of an hour ago beside those of now',
      query: 'stats count(*) as n by bin(1h) as t offset 1h',
      events: [at(-1, {}), at(0, {}), at(3_600 * S, {})],
      startMs: NOON,
      endMs: NOON + 2 * 3_600 * S,
      gives: [
        { t: '2026-11-23 14:00:00.000', n: '1' },
        { t: '2026-11-23 13:00:00.000', n: '1' },
        { t: '2026-11-23 12:00:00.000', n: '1' },
      ],
    },
  ],
};

for (const [command, cases] of Object.entries(COMMANDS)) {
  describe(command, () => {
    for (const { name, query, events, gives, ...options } of cases) {
      test(name, async () => {
        const { found } = await store.run(query, [await store.group(events)], options);
        assert.deepEqual(found, gives);
      });
    }
  });
}

test('cidrlookup: the smallest range counts, and single addresses', async () => {
  const group = await store.group([
    ...['10.1.2.3', '10.2.0.1', '8.8.8.8', 'x', '2001:db8::1'].map((ip, i) =>
      at(i, { ip, owner: i === 1 ? 'me' : '' }),
    ),
  ]);
  const nets = {
    columns: ['name', 'net', 'owner'],
    rows: [
      ['wide', '10.0.0.0/8', 'a'],
      ['narrow', '10.1.0.0/16', 'b'],
      ['six', '2001:db8::/32', 'c'],
      ['one', '8.8.8.8', 'd'],
      ['broken', '10.0.0.0/99', 'e'],
    ],
  };
  const run = async (query: string) => (await store.run(query, [group], { tables: { nets } })).found;
  assert.deepEqual(
    await run('sort @timestamp asc | cidrlookup nets ip OUTPUT name, owner as who | display name, who'),
    [
      { name: 'narrow', who: 'b' },
      { name: 'wide', who: 'a' },
      { name: 'one', who: 'd' },
      {},
      { name: 'six', who: 'c' },
    ],
  );
  assert.deepEqual(await run('sort @timestamp asc | cidrlookup nets ip as net OUTPUTNEW owner | display owner'), [
    { owner: 'b' },
    { owner: 'me' },
    { owner: 'd' },
    { owner: '' },
    { owner: 'c' },
  ]);
});

for (const [query, message] of [
  ['fillmissing', /needs stats by bin/],
  ['stats count(*) by bin(1mo) | fillmissing', /needs stats by bin/],
  ['stats count(*) by bin(1h) | fillmissing with 0 for x', /gives no x/],
  ['stats count(*) as n by host | sessionize host', /needs events/],
  ['addtotals', /needs fields/],
  ['filldown x*', /finds no field/],
  ['cidrlookup none ip OUTPUT a', /no lookup table none/],
] as const) {
  test(`refuses ${query}`, () =>
    assert.rejects(store.run(query, []), (error) => error instanceof QuerySyntaxError && message.test(error.message)));
}
