import assert from 'node:assert/strict';
import test from 'node:test';
import { newQueueDocument, openQueue } from './queue.ts';
import { openReceipt, sealReceipt } from './receipt-handle.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const queue = openQueue(SCOPE, newQueueDocument('a', 0, {}, {}));
const other = openQueue(SCOPE, newQueueDocument('b', 0, {}, {}));
const receipt = { messageId: 2 ** 40 + 7, receiveCount: 3, receivedAtMs: 1_795_000_000_123 };

test('a handle gives back what it was made of, and only to its queue', () => {
  const handle = sealReceipt(queue, receipt);
  assert.match(handle, /^AQEB/);
  assert.deepEqual(openReceipt(queue, handle), receipt);
  assert.throws(() => openReceipt(other, handle), { code: 'ReceiptHandleIsInvalid' });
});

test('no altered or made-up handle opens', () => {
  const bytes = Buffer.from(sealReceipt(queue, receipt), 'base64');
  for (let index = 0; index < bytes.length; index++) {
    const altered = Buffer.from(bytes);
    altered[index]! ^= 1;
    assert.throws(
      () => openReceipt(queue, altered.toString('base64')),
      { code: 'ReceiptHandleIsInvalid' },
      `byte ${index}`,
    );
  }
  for (const handle of ['', 'x', 'AQEB', bytes.subarray(1).toString('base64')]) {
    assert.throws(() => openReceipt(queue, handle), {
      code: 'ReceiptHandleIsInvalid',
      message: `The input receipt handle "${handle}" is not a valid receipt handle.`,
    });
  }
});
