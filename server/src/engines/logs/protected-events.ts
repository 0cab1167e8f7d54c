// Data protection at a group's edges: what is masked of stored events on their way out, and what the policy finds in
// events as they come. The table keeps messages as they were put, for those who may unmask them.

import type { DataProtection } from '#engines/data-protection/data-protection.ts';
import type { LogGroup } from './log-group.ts';
import type { LogEventInput } from './log-store.ts';

/** Events that came before the policy are not masked, as on AWS. */
export function maskedMessage(group: LogGroup, message: string, ingestionTimeMs: number): string {
  let masked = message;
  for (const { protection, sinceMs } of group.protections) {
    if (ingestionTimeMs >= sinceMs) masked = protection.mask(masked);
  }
  return masked;
}

export interface Inspection {
  /** The events as anyone may see them. */
  masked: LogEventInput[];
  /** Events with sensitive data. */
  withFindings: number;
  /** What the audit destination gets: an event for each of those. */
  report: LogEventInput[];
}

export function inspect(
  group: LogGroup,
  { mask, find }: DataProtection,
  events: readonly LogEventInput[],
  nowMs: number,
): Inspection {
  const inspection: Inspection = { masked: [], withFindings: 0, report: [] };
  for (const { timestamp, message } of events) {
    const findings = find(message);
    if (findings.length === 0) {
      inspection.masked.push({ timestamp, message });
      continue;
    }
    inspection.withFindings++;
    inspection.masked.push({ timestamp, message: mask(message) });
    const byName = Map.groupBy(findings, ({ identifier }) => identifier);
    const record = {
      auditTimestamp: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      resourceArn: `${group.arn}:*`,
      dataIdentifiers: [...byName].map(([name, found]) => ({
        name,
        count: found.length,
        detections: found.map(({ start, end }) => ({ start, end })),
      })),
    };
    inspection.report.push({ timestamp: nowMs, message: JSON.stringify(record) });
  }
  return inspection;
}
