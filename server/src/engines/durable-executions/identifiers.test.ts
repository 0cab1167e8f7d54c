import assert from 'node:assert/strict';
import test from 'node:test';
import {
  callbackId,
  checkpointToken,
  EXECUTION_ARN,
  executionArn,
  newExecutionId,
  readCallbackId,
  readCheckpointToken,
  readExecutionArn,
} from './identifiers.ts';

const execution = { scope: { account: '123456789012', region: 'eu-west-1' }, functionName: 'f', id: 'i' };
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

test('ARNs', () => {
  const named = { name: 'order-1', version: '$LATEST' };
  const arn = executionArn(execution, named);
  assert.equal(arn, 'arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST/durable-execution/order-1/i');
  assert.match(arn, EXECUTION_ARN);
  assert.deepEqual(readExecutionArn(arn), { ...execution, ...named });
  for (const broken of ['', 'arn', `${arn}/more`, arn.replace('$LATEST', 'alias'), arn.replace(':f:', ':')]) {
    assert.equal(readExecutionArn(broken), undefined, broken);
  }
});

test('ids rise with time', () => {
  const ids = [0, 1, 1_763_900_000_000, 1_763_900_000_001, 2 ** 43].map(newExecutionId);
  assert.deepEqual(ids.toSorted(), ids);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('tokens and callback ids', () => {
  const token = checkpointToken('i', 'nonce', 7);
  assert.match(token, BASE64);
  assert.deepEqual(readCheckpointToken(token), { id: 'i', nonce: 'nonce', count: 7 });
  const id = callbackId(execution, 'o');
  assert.match(id, BASE64);
  assert.deepEqual(readCallbackId(id), { execution, operationId: 'o' });
  assert.notEqual(callbackId(execution, 'o'), id, 'each is its own');
  for (const broken of [
    '',
    'x',
    'bm9uZQ==',
    Buffer.from('[1,2]').toString('base64'),
    Buffer.from('{}').toString('base64'),
  ]) {
    assert.equal(readCheckpointToken(broken), undefined, broken);
    assert.equal(readCallbackId(broken), undefined, broken);
  }
  assert.equal(readCallbackId(token), undefined);
  assert.equal(readCheckpointToken(id), undefined);
});
