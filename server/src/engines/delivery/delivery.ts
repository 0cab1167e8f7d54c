// Delivery: (target ARN, payload) becomes an invocation, durably and with retries. Used by S3 notifications, SNS
// subscriptions, alarm actions and whatever sends events to targets.

import type { Transaction } from '#storage/state/state.ts';

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
  /** For SQS targets: message attributes in the SDK's form (string values). */
  messageAttributes?: Record<string, { DataType: string; StringValue?: string; BinaryValueBase64?: string }>;
  deadLetterArn?: string;
  retry?: RetryPolicy;
}

export interface RetryPolicy {
  maximumAttempts: number;
  maximumAgeMs: number;
  /** Wait before attempt n+1: initial * 2^(n-1), at most `longestBackoffMs`, with jitter. */
  initialBackoffMs: number;
  longestBackoffMs: number;
}

export interface Delivery {
  /** Puts the request in the delivery queue as part of the caller's transaction (outbox); it goes out after commit. */
  enqueue(tx: Transaction, requests: readonly DeliveryRequest[]): Promise<void>;
  /** One attempt, now, without the queue; throws AwsError when the target refuses. */
  deliverNow(request: DeliveryRequest): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}
