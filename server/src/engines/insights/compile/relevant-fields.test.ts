// relevantfields: events in, ranked fields out.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sql } from '#storage/telemetry/sql.ts';
import { NOON, openTestStore } from '../../../../test/insights-store.ts';

let store: Awaited<ReturnType<typeof openTestStore>>;
before(async () => {
  store = await openTestStore();
});
after(() => store.close());

/** Slow are those to /pay, and only those; half of them in the region eu, as of all. */
const REQUESTS = Array.from({ length: 100 }, (_, i) => {
  const slow = i % 5 === 0;
  return JSON.stringify({
    path: slow ? '/pay' : ['/list', '/show'][i % 2],
    ms: slow ? 500 + i : 10 + (i % 7),
    id: `request-${i}`,
    place: { region: ['eu', 'us'][i % 2], zone: null },
    ...(slow && { retries: 2 }),
  });
});

describe('relevantfields', () => {
  test('ranks all fields, with the values or the medians that differ', async () => {
    const group = await store.group(REQUESTS);
    const { found, matched } = await store.run('relevantfields where ms > 100', [group]);
    assert.equal(matched.count, 100);
    const byName = new Map(found.map((row) => [row['@fieldName']!, row]));
    assert.deepEqual([...byName.keys()].sort(), ['@log', '@logStream', 'id', 'ms', 'path', 'place.region', 'retries']);
    assert.deepEqual(
      found.slice(0, 3).map((row) => row['@fieldName']),
      ['ms', 'path', 'retries'],
    );
    assert.deepEqual(
      ['path', 'place.region', 'id', '@log', 'retries'].map((name) => byName.get(name)!['@relevanceScore']),
      ['1.0', '0.0', '0.0', '0.0', '1.0'],
    );
    assert.deepEqual(JSON.parse(byName.get('path')!['@topRelevanceContributors']!), [
      { value: '/pay', conditional: 1, baseline: 0 },
      { value: '/list', conditional: 0, baseline: 0.5 },
      { value: '/show', conditional: 0, baseline: 0.5 },
    ]);
    const { '@conditionalMedian': slow, '@baselineMedian': fast } = byName.get('ms')!;
    assert.ok(
      Number(slow) >= 540 && Number(slow) <= 560 && Number(fast) >= 12 && Number(fast) <= 14,
      `${slow} ${fast}`,
    );
    assert.deepEqual(byName.get('retries'), {
      '@fieldName': 'retries',
      '@relevanceScore': '1.0',
      '@conditionalMedian': '2',
    });
  });

  const tables: { query: string; gives: Record<string, string>[] }[] = [
    {
      query: 'relevantfields place.region, path where ms > 100 | display @fieldName, @relevanceScore',
      gives: [
        { '@fieldName': 'path', '@relevanceScore': '1.0' },
        { '@fieldName': 'place.region', '@relevanceScore': '0.0' },
      ],
    },
    {
      query: `parse path "/*" as page | filter page in ["list", "show"]
        | relevantfields page where place.region = "eu" | filter @relevanceScore > 0.9 | stats count(*) as n`,
      gives: [{ n: '1' }],
    },
    {
      query:
        'stats avg(ms) as mean by path | relevantfields where mean > 100 | filter @fieldName = "path" | display @relevanceScore',
      gives: [{ '@relevanceScore': '0.0' }],
    },
    { query: 'relevantfields where ms > 1000', gives: [] },
    { query: 'relevantfields where ms > 0', gives: [] },
  ];
  for (const { query, gives } of tables) {
    test(query, async () => {
      const group = await store.group(REQUESTS);
      assert.deepEqual((await store.run(query, [group])).found, gives);
    });
  }

  test('of lines that Lambda writes', async () => {
    const report = (ms: number, mb: number) =>
      `REPORT RequestId: 0\tDuration: ${ms} ms\tBilled Duration: ${ms} ms\tMemory Size: 128 MB\tMax Memory Used: ${mb} MB`;
    const group = await store.group(
      [report(10, 50), report(12, 50), report(900, 120), report(950, 121)],
      '/aws/lambda/f',
    );
    const { found } = await store.run('relevantfields @maxMemoryUsed, @memorySize where @duration > 100', [group]);
    assert.deepEqual(
      found.map((row) => [row['@fieldName'], row['@relevanceScore'], row['@baselineMedian']]),
      [
        ['@maxMemoryUsed', '1.0', '50000000'],
        ['@memorySize', '0.0', '128000000'],
      ],
    );
    const all = await store.run('relevantfields where @duration > 100 | stats count(*) as fields', [group]);
    assert.deepEqual(all.found, [{ fields: '7' }]);
  });

  test('sees what is masked as its reader does', async () => {
    const group = await store.group(['{"card":"1","a":1}', '{"card":"2","a":2}']);
    const { found } = await store.run('relevantfields card where a = 1', [group], {
      maskMessage: (message) => sql`replaceRegexpAll(${message}, '"card":"."', '"card":"*"')`,
    });
    assert.deepEqual(
      found.map((row) => [row['@fieldName'], row['@relevanceScore']]),
      [['card', '0.0']],
    );
  });

  test('many values and many fields stay small', async () => {
    const wide = Array.from({ length: 300 }, (_, i) =>
      JSON.stringify({ [`key${i}`]: 1, [`other${i}`]: i, slow: i % 2 }),
    );
    const group = await store.group(wide.map((message, i) => ({ message, timestamp: NOON + i })));
    const { found } = await store.run('relevantfields where slow = 1 | sort @relevanceScore desc | limit 1', [group]);
    assert.equal(found[0]!['@fieldName'], 'slow');
  });
});
