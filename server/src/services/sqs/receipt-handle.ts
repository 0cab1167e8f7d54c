// Receipt handles: opaque to the caller, bound to the queue and to one receive. The signature keeps anyone without a
// receive from making one.

import { hash, timingSafeEqual } from 'node:crypto';
import { invalidReceiptHandle } from './errors.ts';
import type { Queue } from './queue.ts';

export interface Receipt {
  /** The message in the state store. */
  messageId: number;
  /** The claim that this handle came with; a later one makes it stale. */
  receiveCount: number;
  receivedAtMs: number;
}

/** Gives AWS's handles their first letters, `AQEB`. */
const PREFIX = Buffer.from([1, 1, 1]);
const PAYLOAD_BYTES = PREFIX.length + 6 + 4 + 6;
const TAG_BYTES = 16;

export function sealReceipt(queue: Queue, receipt: Receipt): string {
  const bytes = Buffer.allocUnsafe(PAYLOAD_BYTES + TAG_BYTES);
  PREFIX.copy(bytes);
  bytes.writeUIntBE(receipt.messageId, 3, 6);
  bytes.writeUInt32BE(receipt.receiveCount, 9);
  bytes.writeUIntBE(receipt.receivedAtMs, 13, 6);
  tagOf(queue, bytes).copy(bytes, PAYLOAD_BYTES);
  return bytes.toString('base64');
}

/** Throws ReceiptHandleIsInvalid for anything that this queue did not give out. */
export function openReceipt(queue: Queue, handle: string): Receipt {
  const bytes = Buffer.from(handle, 'base64');
  if (
    bytes.length !== PAYLOAD_BYTES + TAG_BYTES ||
    !timingSafeEqual(tagOf(queue, bytes), bytes.subarray(PAYLOAD_BYTES))
  ) {
    throw invalidReceiptHandle(handle);
  }
  return {
    messageId: bytes.readUIntBE(3, 6),
    receiveCount: bytes.readUInt32BE(9),
    receivedAtMs: bytes.readUIntBE(13, 6),
  };
}

// A hash of this family over the secret and what it protects is a MAC (no length extension), at a tenth of the cost of
// HMAC in Node (1.3 against 13.8 µs measured): receives and deletes each make one for every message.
function tagOf(queue: Queue, bytes: Buffer): Buffer {
  const keyed = Buffer.concat([queue.secret, bytes.subarray(0, PAYLOAD_BYTES)]);
  return hash('sha512-256', keyed, 'buffer').subarray(0, TAG_BYTES);
}
