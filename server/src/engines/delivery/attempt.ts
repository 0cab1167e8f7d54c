// One attempt at a request that lies in an outbox, and what follows from it: nothing more to do, or another attempt later.

import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import type { QueuedMessage } from '#storage/state/state.ts';
import { deadLetterRequest, type Failure } from './dead-letter.ts';
import type { DeliveryOutcome, DeliveryRequest } from './delivery.ts';
import { backoffMs, DEFAULT_RETRY_POLICY, exhaustedBy, isTransient } from './retry.ts';

/** The dead-letter queue is tried for this long before the message is given up. */
const DEAD_LETTER_MAX_AGE_MS = 24 * 3_600_000;

/** What the outbox keeps beside a request once an attempt has failed. */
export interface Progress {
  attempts: number;
  /** Set when only the copy to the dead-letter queue is left to do. */
  failure?: Failure;
  failedAtMs?: number;
}

export type Step = { outcome: DeliveryOutcome } | { progress: Progress; delayMs: number };

export interface AttemptOptions {
  clock: Clock;
  log: Logger;
  random: () => number;
  attempt: (request: DeliveryRequest) => Promise<void>;
}

/** Delivers once, or sends to the dead-letter queue what cannot be delivered. */
export async function attemptStep(
  options: AttemptOptions,
  message: Pick<QueuedMessage, 'body' | 'attributes' | 'enqueuedAtMs'>,
): Promise<Step> {
  const { clock, random, attempt, log } = options;
  const request = JSON.parse(message.body) as DeliveryRequest;
  const progress: Progress = { attempts: 0, ...(message.attributes as Partial<Progress>) };
  if (progress.failure) return deadLetter(options, request, progress, progress.failure);

  const attempts = progress.attempts + 1;
  try {
    await attempt(request);
  } catch (error) {
    const policy = request.retry ?? DEFAULT_RETRY_POLICY;
    const condition = exhaustedBy(policy, attempts, clock.now() - message.enqueuedAtMs);
    const { code, text } = describe(error);
    if (isTransient(error) && !condition) {
      log.debug('a delivery failed and will be tried again', { target: request.targetArn, attempts, code });
      return { progress: { attempts }, delayMs: backoffMs(policy, attempts, random) };
    }
    const failure: Failure = { code, message: text, attempts, condition: isTransient(error) ? condition : undefined };
    return deadLetter(options, request, { attempts }, failure);
  }
  return { outcome: { request, delivered: true, attempts } };
}

async function deadLetter(
  { clock, random, attempt, log }: AttemptOptions,
  request: DeliveryRequest,
  progress: Progress,
  failure: Failure,
): Promise<Step> {
  const fields = { target: request.targetArn, source: request.sourceArn, ...failure };
  if (!request.deadLetterArn) {
    log.warn('a delivery failed for good and has no dead-letter queue', fields);
    return failed(request, failure);
  }
  const failedAtMs = progress.failedAtMs ?? clock.now();
  try {
    await attempt(deadLetterRequest(request, request.deadLetterArn, failure));
  } catch (error) {
    if (isTransient(error) && clock.now() - failedAtMs < DEAD_LETTER_MAX_AGE_MS) {
      return {
        progress: { attempts: progress.attempts, failure, failedAtMs },
        delayMs: backoffMs(DEFAULT_RETRY_POLICY, 10, random),
      };
    }
    log.warn('a delivery failed for good and its dead-letter queue refused it', {
      ...fields,
      deadLetter: request.deadLetterArn,
      refusal: describe(error).code,
    });
    return failed(request, failure, false);
  }
  return failed(request, failure, true);
}

function failed(request: DeliveryRequest, failure: Failure, deadLettered?: boolean): Step {
  return {
    outcome: {
      request,
      delivered: false,
      attempts: failure.attempts,
      error: new AwsError(failure.code, failure.message),
      ...(deadLettered === undefined ? {} : { deadLettered }),
    },
  };
}

function describe(error: unknown): { code: string; text: string } {
  if (error instanceof AwsError) return { code: error.code, text: error.message };
  return { code: 'InternalFailure', text: error instanceof Error ? error.message : String(error) };
}
