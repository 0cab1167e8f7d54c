import { randomHex } from '#core/ids.ts';

/** Every invocation has a trace id; nothing is sampled unless the caller decided so. */
export function newTraceHeader(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000).toString(16);
  return `Root=1-${seconds}-${randomHex(24)};Parent=${randomHex(16)};Sampled=0`;
}
