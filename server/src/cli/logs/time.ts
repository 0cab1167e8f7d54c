// Times as people give them on the command line.

import { UsageError } from './usage-error.ts';

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/**
 * `90s`, `15m`, `1h`, `2d`, `1w` before now; an ISO 8601 date or time (UTC without a zone); seconds or milliseconds
 * since the epoch. Milliseconds since the epoch; throws UsageError.
 */
export function parseTime(text: string, nowMs: number): number {
  const ago = /^(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(text.trim());
  if (ago) return Math.round(nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS]);
  if (text.trim() === 'now') return nowMs;
  if (/^\d{9,10}$/.test(text)) return Number(text) * 1000;
  if (/^\d{12,13}$/.test(text)) return Number(text);
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    text.trim(),
  );
  const timeMs = iso ? Date.parse(`${iso[1]}T${iso[2] ?? '00:00'}${iso[3] ?? 'Z'}`) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    throw new UsageError(
      `"${text}" is no time: give 15m, 1h or 2d (ago), 2026-11-23T10:00:00Z, or seconds since 1970.`,
    );
  }
  return timeMs;
}
