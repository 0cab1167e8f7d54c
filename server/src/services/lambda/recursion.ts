// Recursive loops: the trace header carries how often an event came back to a function. It travels through the SDKs in the
// function, which send the header of the invocation along, and with what S3, SNS and SQS deliver. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
//
// `Lineage=requests:hash:loops`: the hash is of the function where counting began; `loops` counts the returns to it,
// `requests` the hops between. A lineage that never comes back to its function is begun anew at another.

import { hash } from 'node:crypto';
import { AwsError } from '#core/errors.ts';
import type { Meter } from '#core/meter.ts';
import type { FunctionReference } from './function-name.ts';
import { newTraceHeader } from './trace-header.ts';

/** Invocations of one function in a loop; the next one is stopped. */
const MOST_INVOCATIONS = 16;
/** Hops without a return, after which the counting begins anew. */
const MOST_HOPS = 16;
const LINEAGE = /^Lineage=(\d{1,5}):([0-9a-f]{8}):(\d{1,3})$/;

export interface TracedInvocation {
  /** What the function gets, and sends along. */
  traceHeader: string;
  /** More invocations than a loop may have. */
  isRunaway: boolean;
}

/** The trace header of an invocation of this function that came with `received`. */
export function traced(received: string | undefined, functionArn: string, nowMs: number): TracedInvocation {
  const own = hash('sha256', functionArn).slice(0, 8);
  if (received === undefined) return { traceHeader: `${newTraceHeader(nowMs)};Lineage=0:${own}:0`, isRunaway: false };
  const fields = received.split(';').filter((field) => field !== '');
  const match = fields.map((field) => LINEAGE.exec(field.trim())).find((found) => found !== null);
  let [requests, origin, loops] = match ? [Number(match[1]) + 1, match[2]!, Number(match[3])] : [0, own, 0];
  if (match && origin === own) [requests, loops] = [0, loops + 1];
  else if (requests > MOST_HOPS) [requests, origin, loops] = [0, own, 0];
  const rest = fields.filter((field) => !field.trim().startsWith('Lineage='));
  return {
    traceHeader: [...rest, `Lineage=${requests}:${origin}:${loops}`].join(';'),
    isRunaway: origin === own && loops >= MOST_INVOCATIONS,
  };
}

/** Of the headers that came with the messages of a batch, the one that has gone round most often. */
export function furthest(headers: readonly (string | undefined)[]): string | undefined {
  let found: string | undefined;
  let most = -1;
  for (const header of headers) {
    const match = header
      ?.split(';')
      .map((field) => LINEAGE.exec(field.trim()))
      .find((lineage) => lineage);
    const turns = match ? Number(match[3]) * (MOST_HOPS + 1) + Number(match[1]) + 1 : 0;
    if (header !== undefined && turns > most) [found, most] = [header, turns];
  }
  return found;
}

/** Counts an invocation that was stopped. */
export function recordRecursion(meter: Meter, { scope, name, qualifier }: FunctionReference): void {
  const Resource = qualifier === undefined ? name : `${name}:${qualifier}`;
  meter.record(scope, {
    namespace: 'AWS/Lambda',
    metricName: 'RecursiveInvocationsDropped',
    dimensions: [{}, { FunctionName: name }, { FunctionName: name, Resource }],
    value: 1,
    unit: 'Count',
  });
}

export function recursiveInvocation(): AwsError {
  return new AwsError(
    'RecursiveInvocationException',
    "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation.",
    { status: 400, fields: { Type: 'User' } },
  );
}
