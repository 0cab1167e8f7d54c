// https://docs.aws.amazon.com/lambda/latest/dg/durable-monitoring.html#durable-monitoring-execution-metrics

import type { Meter } from '#core/meter.ts';
import type { ExecutionDocument, ExecutionReference } from './documents.ts';
import type { EndStatus } from './draft.ts';

const COUNTED: Readonly<Record<EndStatus, string>> = {
  SUCCEEDED: 'DurableExecutionSucceeded',
  FAILED: 'DurableExecutionFailed',
  TIMED_OUT: 'DurableExecutionTimedOut',
  STOPPED: 'DurableExecutionStopped',
};

export function recordExecutionStart(meter: Meter, reference: ExecutionReference, version: string): void {
  record(meter, reference, version, 'DurableExecutionStarted', 1, 'Count');
}

export function recordExecutionEnd(meter: Meter, reference: ExecutionReference, document: ExecutionDocument): void {
  const { version, status, startedAtMs, endedAtMs, operations, bytes } = document;
  record(meter, reference, version, COUNTED[status as EndStatus], 1, 'Count');
  record(meter, reference, version, 'DurableExecutionDuration', endedAtMs! - startedAtMs, 'Milliseconds');
  record(meter, reference, version, 'DurableExecutionOperations', operations, 'Count');
  record(meter, reference, version, 'DurableExecutionStorageWrittenBytes', bytes, 'Bytes');
}

/** How many of the account's executions run now. */
export function recordRunning(meter: Meter, { scope }: Pick<ExecutionReference, 'scope'>, running: number): void {
  meter.record(scope, {
    namespace: 'AWS/Lambda',
    metricName: 'ApproximateRunningDurableExecutions',
    dimensions: [{}],
    value: running,
    unit: 'Count',
  });
}

function record(
  meter: Meter,
  { scope, functionName }: ExecutionReference,
  version: string,
  metricName: string,
  value: number,
  unit: string,
): void {
  meter.record(scope, {
    namespace: 'AWS/Lambda',
    metricName,
    dimensions: [
      {},
      { FunctionName: functionName },
      { FunctionName: functionName, Resource: `${functionName}:${version}` },
    ],
    value,
    unit,
  });
}
