// ChangeMessageVisibility and ChangeMessageVisibilityBatch.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html

import type {
  BatchResultErrorEntry,
  ChangeMessageVisibilityBatchRequest,
  ChangeMessageVisibilityBatchResult,
  ChangeMessageVisibilityRequest,
} from '@aws-sdk/client-sqs';
import type { Transaction } from '#storage/state/state.ts';
import type { Handler } from '#wire/service.ts';
import { checkBatch, failedEntry } from '../batch.ts';
import { invalidValue, isWithin, missingParameter } from '../errors.ts';
import type { GroupOrder } from '../fifo/group-order.ts';
import type { Queue } from '../queue.ts';
import { openReceipt, type Receipt } from '../receipt-handle.ts';
import { queueOf, type Sqs } from '../sqs.ts';

/** Twelve hours, counted from the receive. */
const MAX_VISIBILITY_S = 43_200;

export function changeMessageVisibility(sqs: Sqs): Handler<ChangeMessageVisibilityRequest, object> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const [error] = await applyAll(sqs, queue, [accept(sqs, queue, input)]);
    if (error) throw error;
    return {};
  };
}

export function changeMessageVisibilityBatch(
  sqs: Sqs,
): Handler<ChangeMessageVisibilityBatchRequest, ChangeMessageVisibilityBatchResult> {
  return async (input, context) => {
    const queue = await queueOf(sqs, input.QueueUrl, context);
    const entries = input.Entries ?? [];
    checkBatch(entries, 'ChangeMessageVisibilityBatchRequestEntry');
    const changes: Change[] = [];
    const ids: string[] = [];
    const failed: BatchResultErrorEntry[] = [];
    for (const entry of entries) {
      try {
        changes.push(accept(sqs, queue, entry));
        ids.push(entry.Id!);
      } catch (error) {
        failed.push(failedEntry(entry.Id, error));
      }
    }
    const errors = await applyAll(sqs, queue, changes);
    const successful: { Id: string }[] = [];
    for (const [index, id] of ids.entries()) {
      if (errors[index]) failed.push(failedEntry(id, errors[index]));
      else successful.push({ Id: id });
    }
    return { Successful: successful, Failed: failed };
  };
}

interface Change {
  handle: string;
  receipt: Receipt;
  visibilityS: number;
}

function accept(
  sqs: Sqs,
  queue: Queue,
  input: { ReceiptHandle?: string | undefined; VisibilityTimeout?: number | undefined },
): Change {
  const { VisibilityTimeout: visibilityS, ReceiptHandle: handle = '' } = input;
  if (visibilityS === undefined) throw missingParameter('VisibilityTimeout');
  if (!isWithin(visibilityS, 0, MAX_VISIBILITY_S)) {
    throw invalidValue(visibilityS, 'VisibilityTimeout', `Must be >= 0 and <= ${MAX_VISIBILITY_S}, if provided.`);
  }
  const receipt = openReceipt(queue, handle);
  const heldMs = sqs.clock.now() - receipt.receivedAtMs;
  if (heldMs + visibilityS * 1_000 > MAX_VISIBILITY_S * 1_000) {
    throw invalidValue(
      visibilityS,
      'VisibilityTimeout',
      `Total VisibilityTimeout for the message is beyond the limit [${MAX_VISIBILITY_S} seconds]`,
    );
  }
  return { handle, receipt, visibilityS };
}

/** The error of each change, in their order; undefined where it was made. */
async function applyAll(sqs: Sqs, queue: Queue, changes: readonly Change[]): Promise<(Error | undefined)[]> {
  if (changes.length === 0) return [];
  const nowMs = sqs.clock.now();
  const work = async (tx: Transaction, order?: GroupOrder) => {
    const results: (Error | undefined)[] = [];
    for (const { handle, receipt, visibilityS } of changes) {
      const message = await tx.queues.peek(queue.stateQueue, receipt.messageId);
      if (message?.receiveCount === receipt.receiveCount) {
        await tx.queues.setAvailableAt(queue.stateQueue, receipt.messageId, nowMs + visibilityS * 1_000);
        order?.hide(receipt.messageId, nowMs + visibilityS * 1_000, nowMs);
        results.push(undefined);
      } else {
        results.push(
          invalidValue(
            handle,
            'ReceiptHandle',
            'Message does not exist or is not available for visibility timeout change.',
          ),
        );
      }
    }
    return results;
  };
  const errors = queue.fifo ? await sqs.fifo.change(queue, work) : await sqs.state.transact((tx) => work(tx));
  for (const { visibilityS } of changes) {
    if (visibilityS > 0) sqs.arrivals.ringAt(queue.stateQueue, nowMs + visibilityS * 1_000);
  }
  return errors;
}
