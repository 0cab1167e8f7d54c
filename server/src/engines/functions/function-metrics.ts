// What AWS/Lambda tells about invocations.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html

import type { Meter } from '#core/meter.ts';
import type { FunctionVersion, InvocationResult } from './function-engine.ts';

export interface InvocationSubject {
  version: Pick<FunctionVersion, 'functionName' | 'version' | 'account' | 'region'>;
  invokedFunctionArn: string;
}

export function recordStart(
  meter: Meter,
  subject: InvocationSubject,
  now: { function: number; all: number; unreserved: number },
): void {
  const { functionName } = subject.version;
  const concurrent = (dimensions: Record<string, string>[], value: number) =>
    meter.record(scopeOf(subject), {
      namespace: 'AWS/Lambda',
      metricName: 'ConcurrentExecutions',
      dimensions,
      value,
      unit: 'Count',
    });
  concurrent([{ FunctionName: functionName }, resourceOf(subject)], now.function);
  concurrent([{}], now.all);
  meter.record(scopeOf(subject), {
    namespace: 'AWS/Lambda',
    metricName: 'UnreservedConcurrentExecutions',
    dimensions: [{}],
    value: now.unreserved,
    unit: 'Count',
  });
}

export function recordEnd(meter: Meter, subject: InvocationSubject, result: InvocationResult): void {
  record(meter, subject, 'Invocations', 1, 'Count');
  record(meter, subject, 'Errors', result.functionError === undefined ? 0 : 1, 'Count');
  record(meter, subject, 'Throttles', 0, 'Count');
  record(meter, subject, 'Duration', result.durationMs, 'Milliseconds');
  const { postRuntimeExtensionsDurationMs } = result;
  if (postRuntimeExtensionsDurationMs !== undefined) {
    record(meter, subject, 'PostRuntimeExtensionsDuration', postRuntimeExtensionsDurationMs, 'Milliseconds');
  }
}

export function recordThrottle(meter: Meter, subject: InvocationSubject): void {
  record(meter, subject, 'Throttles', 1, 'Count');
}

function record(meter: Meter, subject: InvocationSubject, metricName: string, value: number, unit: string): void {
  const resource = resourceOf(subject);
  const { functionName, version } = subject.version;
  const dimensions: Record<string, string>[] = [{}, { FunctionName: functionName }, resource];
  // Of an alias, each version that it led to.
  const qualifier = subject.invokedFunctionArn.split(':')[7];
  if (qualifier !== undefined && qualifier !== version) dimensions.push({ ...resource, ExecutedVersion: version });
  meter.record(scopeOf(subject), { namespace: 'AWS/Lambda', metricName, dimensions, value, unit });
}

function scopeOf({ version: { account, region } }: InvocationSubject): { account: string; region: string } {
  return { account, region };
}

/** `name`, or `name:qualifier` when it was invoked with one. */
function resourceOf({ version, invokedFunctionArn }: InvocationSubject): Record<string, string> {
  const qualifier = invokedFunctionArn.split(':')[7];
  const name = version.functionName;
  return { FunctionName: name, Resource: qualifier === undefined ? name : `${name}:${qualifier}` };
}
