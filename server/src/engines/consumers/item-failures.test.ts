import assert from 'node:assert/strict';
import test from 'node:test';
import { readItemFailures } from './item-failures.ts';

for (const { response, failed } of [
  { response: '', failed: [] },
  { response: 'null', failed: [] },
  { response: '{}', failed: [] },
  { response: '{"batchItemFailures":null}', failed: [] },
  { response: '{"batchItemFailures":[]}', failed: [] },
  { response: '{"other":1}', failed: [] },
  { response: '{"batchItemFailures":[{"itemIdentifier":"b"}]}', failed: ['b'] },
  {
    response: '{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"},{"itemIdentifier":"a"}]}',
    failed: ['b', 'a'],
  },
  { response: '{"batchItemFailures":[{"itemIdentifier":"nobody"}]}', failed: 'all' },
  { response: '{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":""}]}', failed: 'all' },
  { response: '{"batchItemFailures":[{"itemIdentifier":null}]}', failed: 'all' },
  { response: '{"batchItemFailures":[{"itemIdentifier":7}]}', failed: 'all' },
  { response: '{"batchItemFailures":[{"badKey":"a"}]}', failed: 'all' },
  { response: '{"batchItemFailures":[null]}', failed: 'all' },
  { response: '{"batchItemFailures":"a"}', failed: 'all' },
  { response: '"a text"', failed: 'all' },
  { response: '[]', failed: 'all' },
  { response: '{"batchItemFailures":', failed: 'all' },
] as { response: string; failed: string[] | 'all' }[]) {
  test(`${response || 'nothing'} fails ${failed === 'all' ? failed : failed.join(' and ') || 'nobody'}`, () => {
    const found = readItemFailures(Buffer.from(response), new Set(['a', 'b']));
    assert.deepEqual(found ? [...found] : 'all', failed);
  });
}
