// When a delivery is tried again, and how long it waits.

import { AwsError } from '#core/errors.ts';
import type { RetryPolicy } from './delivery.ts';

/** EventBridge's defaults: a day, 185 retries. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maximumAttempts: 186,
  maximumAgeMs: 24 * 3_600_000,
  initialBackoffMs: 1_000,
  longestBackoffMs: 600_000,
};

/** Errors below 500 that the same request may not meet again. */
const TRANSIENT_CODES = new Set([
  'ConcurrencyLimitExceeded',
  'InternalError',
  'InternalErrorException',
  'InternalFailure',
  'KMSThrottlingException',
  'KmsThrottled',
  'OverLimit',
  'RequestLimitExceeded',
  'RequestThrottled',
  'ResourceConflictException',
  'ResourceNotReadyException',
  'ServiceException',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'Throttled',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/**
 * Whether a later attempt can succeed. As in AWS, what the client did wrong (the target is gone, access is denied, the
 * request is not acceptable) is final; throttling and server faults are not.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof AwsError)) return true;
  if (TRANSIENT_CODES.has(error.code)) return true;
  return error.status !== undefined && error.status >= 500 && error.status !== 501;
}

export type ExhaustedCondition = 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds';

/** Why there is no attempt after `attempts` of them at this age; undefined when there is one. */
export function exhaustedBy(policy: RetryPolicy, attempts: number, ageMs: number): ExhaustedCondition | undefined {
  if (attempts >= policy.maximumAttempts) return 'MaximumRetryAttempts';
  if (ageMs >= policy.maximumAgeMs) return 'MaximumEventAgeInSeconds';
  return undefined;
}

/** The wait after attempt number `attempts`: exponential, its upper half random. */
export function backoffMs(policy: RetryPolicy, attempts: number, random: () => number): number {
  // 2^40 ms is beyond any policy; the bound keeps the power finite.
  const full = Math.min(policy.longestBackoffMs, policy.initialBackoffMs * 2 ** Math.min(attempts - 1, 40));
  return Math.round(full / 2 + (random() * full) / 2);
}
