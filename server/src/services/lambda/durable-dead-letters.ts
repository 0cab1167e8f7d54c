// The events of asynchronous invocations whose durable execution came to nothing go to the function's dead-letter queue.
// https://docs.aws.amazon.com/lambda/latest/dg/durable-best-practices.html#durable-error-handling-best-practices

import type { Delivery } from '#engines/delivery/delivery.ts';
import {
  type ExecutionDocument,
  type ExecutionReference,
  executionKey,
  PAYLOADS,
  payloadKey,
} from '#engines/durable-executions/documents.ts';
import type { Transaction } from '#storage/state/state.ts';
import { DEAD_LETTER_LABEL, deadLetterAttributes } from './asynchronous-invocations.ts';
import { FUNCTIONS, VERSIONS, versionKey } from './documents.ts';
import { functionArn, LATEST } from './function-name.ts';

/** In the transaction in which an execution ends. */
export async function sendToDeadLetterQueue(
  tx: Transaction,
  delivery: Delivery,
  execution: ExecutionReference,
  document: ExecutionDocument,
): Promise<void> {
  if (document.status === 'SUCCEEDED' || document.synchronous || document.parent) return;
  const { scope, functionName } = execution;
  const version =
    document.version === LATEST
      ? (await tx.documents.get(FUNCTIONS, scope, functionName))?.latest
      : await tx.documents.get(VERSIONS, scope, versionKey(functionName, document.version));
  if (version?.deadLetterArn === undefined) return;
  await delivery.enqueue(tx, [
    {
      targetArn: version.deadLetterArn,
      payload: (await tx.documents.get(PAYLOADS, scope, payloadKey(execution, 'input'))) ?? '{}',
      sourceService: 'lambda.amazonaws.com',
      sourceArn: functionArn({ scope, name: functionName }),
      sourceAccount: scope.account,
      region: scope.region,
      label: DEAD_LETTER_LABEL,
      ...(document.traceHeader === undefined ? {} : { traceHeader: document.traceHeader }),
      messageAttributes: deadLetterAttributes(
        document.requestId ?? executionKey(execution),
        '200',
        document.error?.ErrorMessage ?? document.error?.ErrorType ?? document.status,
      ),
    },
  ]);
}
