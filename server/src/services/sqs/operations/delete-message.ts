// DeleteMessage and DeleteMessageBatch.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html

import type {
  BatchResultErrorEntry,
  DeleteMessageBatchRequest,
  DeleteMessageBatchResult,
  DeleteMessageRequest,
} from '@aws-sdk/client-sqs';
import type { Transaction } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import { checkBatch, failedEntry } from '../batch.ts';
import { invalidValue } from '../errors.ts';
import type { Queue } from '../queue.ts';
import { openReceipt, type Receipt } from '../receipt-handle.ts';
import { measure, queueOf, type Sqs } from '../sqs.ts';

export function deleteMessage(sqs: Sqs): Handler<DeleteMessageRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const receipt = openReceipt(queue, input.ReceiptHandle ?? '');
    await checkHeld(sqs, queue, receipt, input.ReceiptHandle!);
    await deleteAll(sqs, queue, [receipt]);
    return {};
  };
}

export function deleteMessageBatch(sqs: Sqs): Handler<DeleteMessageBatchRequest, DeleteMessageBatchResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const entries = input.Entries ?? [];
    checkBatch(entries, 'DeleteMessageBatchRequestEntry');
    const receipts: Receipt[] = [];
    const successful: { Id: string }[] = [];
    const failed: BatchResultErrorEntry[] = [];
    for (const entry of entries) {
      try {
        const receipt = openReceipt(queue, entry.ReceiptHandle ?? '');
        await checkHeld(sqs, queue, receipt, entry.ReceiptHandle!);
        receipts.push(receipt);
        successful.push({ Id: entry.Id! });
      } catch (error) {
        failed.push(failedEntry(entry.Id, error));
      }
    }
    if (receipts.length > 0) await deleteAll(sqs, queue, receipts);
    return { Successful: successful, Failed: failed };
  };
}

async function deleteAll(sqs: Sqs, queue: Queue, receipts: readonly Receipt[]): Promise<void> {
  if (queue.fifo) return deleteInOrder(sqs, queue, receipts);
  const deleted = await sqs.state.transact(async (tx) => {
    let count = 0;
    for (const receipt of receipts) if (await deleteOne(tx, queue, receipt)) count++;
    return count;
  });
  if (queue.live.inFlightAtMost !== undefined) {
    queue.live.inFlightAtMost = Math.max(0, queue.live.inFlightAtMost - deleted);
  }
  // AWS counts the requests that succeed, those with a stale handle or for a deleted message among them.
  measure(sqs, queue, 'NumberOfMessagesDeleted', receipts.length, 'Count');
}

/** A message of a FIFO queue is deleted by who holds it, no more once its visibility time-out is over. */
async function checkHeld(sqs: Sqs, queue: Queue, receipt: Receipt, handle: string): Promise<void> {
  if (!queue.fifo) return;
  const message = await sqs.state.queues.peek(queue.stateQueue, receipt.messageId);
  if (!message) return;
  if (message.receiveCount === receipt.receiveCount && message.availableAtMs > sqs.clock.now()) return;
  throw invalidValue(handle, 'ReceiptHandle', 'The receipt handle has expired.');
}

/** As below; the groups of what was deleted may go on. */
async function deleteInOrder(sqs: Sqs, queue: Queue, receipts: readonly Receipt[]): Promise<void> {
  const nowMs = sqs.clock.now();
  await sqs.fifo.change(queue, async (tx, order) => {
    for (const receipt of receipts) {
      if (await deleteOne(tx, queue, receipt)) order.remove(receipt.messageId, nowMs);
    }
  });
  measure(sqs, queue, 'NumberOfMessagesDeleted', receipts.length, 'Count');
  void sqs.arrivals.ring(queue.stateQueue);
}

/**
 * A handle older than the last receive succeeds and deletes nothing: somebody else works on the message. A handle whose
 * visibility time-out is over still deletes, as long as nobody received the message again.
 */
async function deleteOne(tx: Transaction, queue: Queue, receipt: Receipt): Promise<boolean> {
  const message = await tx.queues.peek(queue.stateQueue, receipt.messageId);
  if (message?.receiveCount !== receipt.receiveCount) return false;
  return tx.queues.deleteMessage(queue.stateQueue, receipt.messageId);
}
