// What goes wrong with durable executions, in the API's words.

import { AwsError } from '#core/errors.ts';
import { type ExecutionReference, runningKey } from './documents.ts';
import { invalid } from './update-rules.ts';

export function invalidToken(): AwsError {
  return invalid('Invalid Checkpoint Token');
}

export function alreadyStarted(name: string): AwsError {
  return new AwsError(
    'DurableExecutionAlreadyStartedException',
    `A durable execution with the name ${name} has already been started with a different payload.`,
    { fields: { Type: 'User' } },
  );
}

export function callbackClosed(): AwsError {
  return new AwsError('CallbackTimeoutException', 'The callback has timed out or has already been completed.', {
    fields: { Type: 'User' },
  });
}

class ExecutionGone extends AwsError {
  readonly key: string;

  constructor(reference: ExecutionReference) {
    super('ResourceNotFoundException', `Durable execution not found: ${reference.id}`, { fields: { Type: 'User' } });
    this.key = runningKey(reference);
  }
}

export function notFound(reference: ExecutionReference): AwsError {
  return new ExecutionGone(reference);
}

/** Whether the execution (this one, where it is named) has been deleted. */
export function isGone(error: unknown, reference?: ExecutionReference): boolean {
  return error instanceof ExecutionGone && (!reference || error.key === runningKey(reference));
}
