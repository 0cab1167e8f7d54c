// Delivery: (target ARN, payload) becomes an invocation, durably and with retries. Used by S3 notifications, SNS
// subscriptions, alarm actions and whatever sends events to targets.
//
// An outbox: `enqueue` writes the request to a state queue inside the caller's transaction; after the commit the
// dispatcher claims it, calls the target in process and deletes it. A crash in between repeats the call (at least
// once). What fails is retried with backoff on the clock, and ends in the dead-letter queue or in the log. Requests with an
// ordering key go through an outbox of their own.

import type { OperationCall } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { NewMessage, StateStore, Transaction } from '#storage/state/state.ts';
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts';
import { ORDERED_QUEUE, OrderedDispatcher, orderedMessage } from './ordered-dispatcher.ts';
import { invokeTarget } from './target.ts';

export interface DeliveryRequest {
  /** Lambda function, SQS queue, SNS topic, … */
  targetArn: string;
  /** The text that the target gets: event JSON for Lambda, body for SQS, message for SNS. */
  payload: string;
  /** Who sends: `s3.amazonaws.com` and the bucket's ARN; checked against the target's resource policy. */
  sourceService: string;
  sourceArn: string;
  sourceAccount: string;
  region: string;
  /** For SNS targets. */
  subject?: string;
  /** For SQS and SNS targets: message attributes in the SDK's form, binary as base64. */
  messageAttributes?: Record<string, DeliveryAttribute>;
  /** The X-Ray header that travels along. */
  traceHeader?: string;
  /** For SQS targets: the tenant or the group of the message. */
  messageGroupId?: string;
  /** For FIFO queues. */
  messageDeduplicationId?: string;
  /** Requests with the same key arrive in the order in which they were enqueued. */
  orderingKey?: string;
  /** For buckets: the key of the object that the payload becomes. */
  objectKey?: string;
  /** For the sender alone: it finds it in the outcome. */
  label?: string;
  /** An SQS queue for what could not be delivered. */
  deadLetterArn?: string;
  /** What the dead-letter queue gets instead of `payload` (SNS keeps its own envelope there). */
  deadLetterPayload?: string;
  retry?: RetryPolicy;
}

export interface DeliveryAttribute {
  DataType: string;
  StringValue?: string;
  BinaryValueBase64?: string;
}

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  maximumAttempts: number;
  maximumAgeMs: number;
  /** Wait before attempt n+1: initial * 2^(n-1), at most `longestBackoffMs`, with jitter. */
  initialBackoffMs: number;
  longestBackoffMs: number;
}

/** How a request that went through the queue ended. */
export interface DeliveryOutcome {
  request: DeliveryRequest;
  delivered: boolean;
  attempts: number;
  /** The last error, when it was not delivered. */
  error?: Error;
  /** Whether a copy reached the dead-letter queue; undefined when it was delivered or has none. */
  deadLettered?: boolean;
}

export type OutcomeListener = (outcome: DeliveryOutcome) => void;

export interface Delivery {
  /** Puts the request in the delivery queue as part of the caller's transaction (outbox); it goes out after commit. */
  enqueue(tx: Transaction, requests: readonly DeliveryRequest[]): Promise<void>;
  /** One attempt, now, without the queue; throws AwsError when the target refuses. */
  deliverNow(request: DeliveryRequest): Promise<void>;
  /** Tells a source (`sns.amazonaws.com`) how its queued requests ended, for its metrics. Returns the unsubscription. */
  onOutcome(sourceService: string, listener: OutcomeListener): () => void;
  start(): Promise<void>;
  /** Ends the attempts under way and claims nothing more; what is queued stays for the next start. */
  stop(): Promise<void>;
}

export interface DeliveryOptions {
  state: StateStore;
  clock: Clock;
  call: OperationCall;
  log: Logger;
  /** Jitter, in [0, 1); Math.random by default. */
  random?: () => number;
}

/** The state queue that the outbox is. */
export const DELIVERY_QUEUE = 'delivery';

export function createDelivery({ state, clock, call, log, random = Math.random }: DeliveryOptions): Delivery {
  const listeners = new Map<string, Set<OutcomeListener>>();
  const attempt = (request: DeliveryRequest) => invokeTarget(call, request, uuid());
  const options: DispatcherOptions = {
    state,
    clock,
    log: log.with({ component: 'delivery' }),
    random,
    attempt,
    report: (outcome) => {
      for (const listener of listeners.get(outcome.request.sourceService) ?? []) listener(outcome);
    },
  };
  const dispatcher = new Dispatcher(options);
  const ordered = new OrderedDispatcher(options);
  return {
    async enqueue(tx, requests) {
      const [unordered, inOrder] = [[] as NewMessage[], [] as NewMessage[]];
      for (const request of requests) {
        if (request.orderingKey === undefined) unordered.push({ body: JSON.stringify(request) });
        else inOrder.push(orderedMessage(request, request.orderingKey));
      }
      if (unordered.length > 0) await tx.queues.send(DELIVERY_QUEUE, unordered, clock.now());
      if (inOrder.length > 0) await tx.queues.send(ORDERED_QUEUE, inOrder, clock.now());
    },
    deliverNow: attempt,
    onOutcome(sourceService, listener) {
      const set = listeners.get(sourceService) ?? new Set();
      listeners.set(sourceService, set.add(listener));
      return () => void set.delete(listener);
    },
    async start() {
      await dispatcher.start();
      await ordered.start();
    },
    async stop() {
      await Promise.all([dispatcher.stop(), ordered.stop()]);
    },
  };
}
