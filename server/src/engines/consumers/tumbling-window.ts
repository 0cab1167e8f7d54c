// Tumbling windows: spans of equal length that follow one another; a function's answer to one batch of a window comes back to
// it with the next. https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html

export interface TumblingWindow {
  startMs: number;
  endMs: number;
  /** What the function returned last; `{}` at first. */
  state: unknown;
  /** No records come any more. */
  isFinal: boolean;
  /** Ended because its state grew too large. */
  isTerminatedEarly: boolean;
}

/** Of the state, as JSON. */
export const LARGEST_WINDOW_STATE_BYTES = 1024 * 1024;

export function windowStartOf(atMs: number, lengthMs: number): number {
  return lengthMs > 0 ? Math.floor(atMs / lengthMs) * lengthMs : 0;
}

/** The `state` of a response; `{}` when there is none. */
export function nextWindowState(response: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(response).toString('utf8')) as { state?: unknown } | null)?.state ?? {};
  } catch {
    return {};
  }
}

export function isTooLarge(state: unknown): boolean {
  return Buffer.byteLength(JSON.stringify(state)) > LARGEST_WINDOW_STATE_BYTES;
}
