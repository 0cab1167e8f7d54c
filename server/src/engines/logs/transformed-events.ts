// Events of a group with a transformer: the transformed version stands beside the message in the table. Queries find fields in
// it, and what asks for it (applyOnTransformedLogs) sees it instead of the event; all that gives events back gives the original.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Transformation.html

import type { Transformer } from '#engines/log-transforms/transformer.ts';
import type { LogGroup } from './log-group.ts';
import { LogLines, numbersOf } from './log-lines.ts';
import type { LogEventInput } from './log-store.ts';
import { maskedMessage } from './protected-events.ts';

export interface TransformedEvent extends LogEventInput {
  /** A JSON object, or why there is none. */
  transformed: string;
}

/** Kept in the place of the transformed version: `@transformationError`. No JSON object begins like it. */
const FAILED = 'A processor of the transformer cannot work on this log event.';

export function transformEvents(
  events: readonly LogEventInput[],
  transformer: Transformer,
  group: LogGroup,
  stream: string,
  nowMs: number,
): TransformedEvent[] {
  const { account: accountId, region: regionName } = group.scope;
  const origin = { logGroupName: group.name, logStreamName: stream, accountId, regionName, nowMs };
  return events.map(({ timestamp, message }) => ({
    timestamp,
    message,
    transformed: transformer.transform(message, origin) ?? FAILED,
  }));
}

/** Whether it is a transformed version, and not empty or the reason why there is none. */
export function isTransformed(text: string): boolean {
  return text.startsWith('{');
}

/** The transformed versions as what looks at events sees them: masked, and without those that failed. */
export function transformedLines(group: LogGroup, stored: readonly TransformedEvent[], nowMs: number): LogLines {
  const events: LogEventInput[] = [];
  const numbers: number[] = [];
  const all = numbersOf(stored);
  for (const [i, { timestamp, transformed }] of stored.entries()) {
    if (!isTransformed(transformed)) continue;
    events.push({ timestamp, message: maskedMessage(group, transformed, nowMs) });
    numbers.push(all[i]!);
  }
  return new LogLines(events, { events, numbers, total: stored.length, others: new Map() });
}
