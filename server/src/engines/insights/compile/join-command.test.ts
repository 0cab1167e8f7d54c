// Two groups: requests to an API, and the functions that served them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from '#storage/telemetry/sql.ts';
import { NOON, openTestStore, type TestOptions } from '../../../../test/insights-store.ts';
import { QuerySyntaxError } from '../syntax/query-syntax-error.ts';
import type { QueriedGroup } from './compile-query.ts';

const API = [
  '{"requestId":"r1","status":500,"latency":30,"user":{"id":"u1"}}',
  '{"requestId":"r2","status":200,"latency":5,"user":{"id":"u2"}}',
  '{"requestId":"r3","status":502,"latency":90,"user":{"id":"u1"}}',
  'no request',
];
const FUNCTION = [
  '{"requestId":"r1","duration":25,"cold":true,"error":"Timeout"}',
  '{"requestId":"r2","duration":4,"cold":false}',
  '{"requestId":"r2","duration":6,"cold":false}',
  'nothing either',
];

let store: Awaited<ReturnType<typeof openTestStore>>;
let api: QueriedGroup;
let options: TestOptions;

before(async () => {
  store = await openTestStore();
  api = await store.group(API, 'api');
  const named = new Map([
    ['api', api],
    ['function', await store.group(FUNCTION, 'function')],
    ['empty', await store.group([], 'empty')],
  ]);
  options = { groupsOf: ({ groups }) => groups.flatMap((name) => named.get(name) ?? []) };
});
after(() => store.close());

function golden(cases: readonly { name: string; query: string; gives: Record<string, string>[] }[]): void {
  for (const { name, query, gives } of cases) {
    test(name, async () => assert.deepEqual((await store.run(query, [api], options)).found, gives));
  }
}

describe('join', () => {
  golden([
    {
      name: 'inner: what has a partner, and every partner',
      query: `join left=a right=f where a.requestId=f.requestId (SOURCE 'function')
        | fields a.requestId, a.status, f.duration | sort f.duration`,
      gives: [
        { 'a.requestId': 'r2', 'a.status': '200', 'f.duration': '4' },
        { 'a.requestId': 'r2', 'a.status': '200', 'f.duration': '6' },
        { 'a.requestId': 'r1', 'a.status': '500', 'f.duration': '25' },
      ],
    },
    {
      name: 'left: what has none as well, newest first as ever',
      query: `filter status >= 500
        | join type=left left=a right=f where a.requestId=f.requestId (SOURCE 'function')
        | fields requestId, f.duration, f.@timestamp, f.@logStream`,
      gives: [
        { requestId: 'r3' },
        {
          requestId: 'r1',
          'f.duration': '25',
          'f.@timestamp': '2026-11-23 12:00:00.000',
          'f.@logStream': 'stream',
        },
      ],
    },
    {
      name: 'the other side may be a query, with a limit and statistics of its own',
      query: `join type=left left=a right=f where a.requestId=f.id and a.user.id=f.user
        (SOURCE 'function' | stats count(*) as calls, max(duration) as longest by requestId as id, "u2" as user)
        | display a.requestId, f.calls, f.longest | sort a.requestId`,
      gives: [
        { 'a.requestId': 'r1' },
        { 'a.requestId': 'r2', 'f.calls': '2', 'f.longest': '6' },
        { 'a.requestId': 'r3' },
        {},
      ],
    },
    {
      name: 'commands that follow: filter, stats, unnest of what was joined',
      query: `join left=a right=f where a.requestId=f.requestId (SOURCE 'function' | filter ispresent(duration))
        | filter f.duration < 20 and a.status = 200
        | stats sum(f.duration) as total, count(*) as n by a.user.id`,
      gives: [{ total: '10', n: '2', 'a.user.id': 'u2' }],
    },
    {
      name: 'settled again',
      query: `join left=a right=f where a.requestId=f.requestId (SOURCE 'function')
        | sort f.duration desc | limit 2 | filter f.cold = false | fields f.duration, a.latency, @message`,
      gives: [{ 'f.duration': '6', 'a.latency': '5', '@message': API[1]! }],
    },
    {
      name: 'after statistics of the left',
      query: `stats count(*) as n by requestId | filter ispresent(requestId)
        | join type=left left=l right=r where l.requestId=r.requestId (SOURCE 'function' | limit 3 | fields requestId, duration)
        | sort l.requestId, r.duration | display l.requestId, l.n, r.duration`,
      gives: [
        { 'l.requestId': 'r1', 'l.n': '1' },
        { 'l.requestId': 'r2', 'l.n': '1', 'r.duration': '4' },
        { 'l.requestId': 'r2', 'l.n': '1', 'r.duration': '6' },
        { 'l.requestId': 'r3', 'l.n': '1' },
      ],
    },
    {
      name: 'two joins',
      query: `join left=a right=f where a.requestId=f.requestId (SOURCE 'function' | filter duration > 5)
        | join left=b right=u where b.user.id=u.user.id (SOURCE 'api' | filter status = 502)
        | fields requestId, f.duration, u.requestId`,
      gives: [{ requestId: 'r1', 'f.duration': '25', 'u.requestId': 'r3' }],
    },
    {
      name: 'a group without events, and none at all',
      query: `join type=left left=a right=f where a.requestId=f.requestId (SOURCE 'empty')
        | join type=left left=b right=g where b.requestId=g.requestId (SOURCE 'unknown')
        | filter status = 200 | fields requestId, f.duration, g.@message`,
      gives: [{ requestId: 'r2' }],
    },
  ]);

  test('each side is masked', async () => {
    const masked: TestOptions = {
      ...options,
      maskMessage: (message) => sql`replaceAll(${message}, 'Timeout', '*******')`,
    };
    const query = `join left=a right=f where a.requestId=f.requestId (SOURCE 'function' | filter ispresent(error))
      | fields f.error, f.@message, unmask(f.error) as shown`;
    const { found } = await store.run(query, [api], masked);
    assert.deepEqual(found, [
      { 'f.error': '*******', 'f.@message': FUNCTION[0]!.replace('Timeout', '*******'), shown: 'Timeout' },
    ]);
  });
});

describe('subqueries', () => {
  golden([
    {
      name: 'a filter by what another group has',
      query: `filter requestId in (SOURCE 'function' | filter error = "Timeout" | fields requestId) | fields requestId, status`,
      gives: [{ requestId: 'r1', status: '500' }],
    },
    {
      name: 'not in, where events without the field are in neither',
      query: `filter requestId not in (SOURCE 'function' | fields requestId) and ispresent(requestId) | fields requestId`,
      gives: [{ requestId: 'r3' }],
    },
    {
      name: 'over the same groups, without SOURCE; of the only column, whatever its name',
      query: `filter user.id in (stats count(*) as n by user.id as who | filter n > 1 and ispresent(who) | display who) | fields requestId`,
      gives: [{ requestId: 'r3' }, { requestId: 'r1' }],
    },
    {
      name: 'the newest only',
      query: `filter requestId in (SOURCE 'function' | filter ispresent(requestId) | limit 1 | fields requestId) | fields requestId`,
      gives: [{ requestId: 'r2' }],
    },
    {
      name: 'beside other conditions, two of them',
      query: `filter status = 500 or not (requestId in (SOURCE 'function' | fields requestId))
        | filter requestId in (SOURCE 'api' | filter latency > 10 | fields requestId) | fields requestId`,
      gives: [{ requestId: 'r3' }, { requestId: 'r1' }],
    },
    {
      name: 'numbers',
      query: `filter latency in (SOURCE 'function' | fields duration * 6 as latency) | fields latency`,
      gives: [],
    },
    {
      name: 'in a join',
      query: `filter requestId in (SOURCE 'function' | fields requestId)
        | join left=a right=f where a.requestId=f.requestId (SOURCE 'function' | filter cold = true) | fields a.requestId`,
      gives: [{ 'a.requestId': 'r1' }],
    },
  ]);

  test('they have the whole time, when the query around them looks at its end', async () => {
    const query = `filter requestId in (SOURCE 'api' | filter status = 500 | fields requestId) or latency = 90 | fields requestId`;
    const newest: TestOptions = { ...options, startMs: NOON + 2, innerStartMs: NOON };
    assert.deepEqual((await store.run(query, [api], newest)).found, [{ requestId: 'r3' }]);
    const late = `filter user.id in (SOURCE 'api' | filter status = 500 | fields user.id) | fields requestId`;
    assert.deepEqual((await store.run(late, [api], newest)).found, [{ requestId: 'r3' }]);
  });
});

describe('what is refused', () => {
  for (const [query, message] of [
    [`filter requestId in (SOURCE 'function' | fields a, b)`, /must give requestId/],
    [`filter requestId in (SOURCE 'function' | pattern @message)`, /pattern cannot stand in a subquery/],
    [`filter a in (filter b in (fields b) | fields a)`, /Nested subqueries/],
    [`join left=a right=a where a.x=a.x (SOURCE 'function')`, /two different aliases/],
    [`join left=a right=b where a.x=a.y (SOURCE 'function')`, /a field of each side/],
    [`join type=outer left=a right=b where a.x=b.x (SOURCE 'function')`, /./],
    [`join left=a right=b where a.x=b.x (fields x) | join left=a right=c where a.x=c.x (fields x)`, /alias a/],
  ] as const) {
    test(query, async () => {
      await assert.rejects(store.run(query, [api], options), (error) => {
        assert.ok(error instanceof QuerySyntaxError);
        assert.match(error.message, message);
        return error.end >= error.start && error.end <= query.length;
      });
    });
  }
});
