// What AWS/Lambda tells about invocations.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html

import type { Meter } from '#core/meter.ts';
import type { FunctionVersion, InvocationResult } from './function-engine.ts';

type Dimensions = Record<string, string>;
type DimensionSets = [everywhere: Dimensions, byName: Dimensions, byResource: Dimensions, ...byVersion: Dimensions[]];

export interface InvocationSubject {
  version: Pick<FunctionVersion, 'functionName' | 'version' | 'account' | 'region'>;
  invokedFunctionArn: string;
}

export function recordStart(
  meter: Meter,
  subject: InvocationSubject,
  now: { function: number; all: number; unreserved: number },
): void {
  const record = recorder(meter, subject);
  const [everywhere, byName, byResource] = dimensionsOf(subject);
  record('ConcurrentExecutions', now.function, 'Count', [byName, byResource]);
  record('ConcurrentExecutions', now.all, 'Count', [everywhere]);
  record('UnreservedConcurrentExecutions', now.unreserved, 'Count', [everywhere]);
}

export function recordEnd(meter: Meter, subject: InvocationSubject, result: InvocationResult): void {
  const record = recorder(meter, subject);
  const dimensions = dimensionsOf(subject);
  record('Invocations', 1, 'Count', dimensions);
  record('Errors', result.functionError === undefined ? 0 : 1, 'Count', dimensions);
  record('Throttles', 0, 'Count', dimensions);
  record('Duration', hundredths(result.durationMs), 'Milliseconds', dimensions);
  const { postRuntimeExtensionsDurationMs: rest } = result;
  if (rest !== undefined) record('PostRuntimeExtensionsDuration', hundredths(rest), 'Milliseconds', dimensions);
}

export function recordThrottle(meter: Meter, subject: InvocationSubject): void {
  recorder(meter, subject)('Throttles', 1, 'Count', dimensionsOf(subject));
}

function recorder(meter: Meter, { version: { account, region } }: InvocationSubject) {
  const scope = { account, region };
  return (metricName: string, value: number, unit: string, dimensions: Dimensions[]) =>
    meter.record(scope, { namespace: 'AWS/Lambda', metricName, dimensions, value, unit });
}

/** Of all functions; of the function; of what was invoked, `name` or `name:qualifier`; of an alias, each version that it led to. */
function dimensionsOf({ version, invokedFunctionArn }: InvocationSubject): DimensionSets {
  const { functionName: FunctionName, version: ExecutedVersion } = version;
  const qualifier = invokedFunctionArn.split(':')[7];
  const Resource = qualifier === undefined ? FunctionName : `${FunctionName}:${qualifier}`;
  const dimensions: DimensionSets = [{}, { FunctionName }, { FunctionName, Resource }];
  if (qualifier !== undefined && qualifier !== ExecutedVersion) {
    dimensions.push({ FunctionName, Resource, ExecutedVersion });
  }
  return dimensions;
}

/** As precise as REPORT lines are; what differs in less is one value, not many. */
function hundredths(durationMs: number): number {
  return Math.round(durationMs * 100) / 100;
}
