// Times and numbers as AWS shows them in results.

/** 2026-11-23 03:53:00.000 */
export function formatTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().replace('T', ' ').replace('Z', '');
}

/** With four decimals at most, as AWS shows what it computed. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e21 ? BigInt(value).toString() : String(value);
  const rounded = Math.round(value * 10_000) / 10_000;
  return Number.isFinite(rounded) ? String(rounded) : String(value);
}
