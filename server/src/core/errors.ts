// Errors as AWS clients see them. A handler throws AwsError with AWS's own code and message;
// wire/ alone turns it into a status and an encoding.

export interface AwsErrorOptions {
  /** HTTP status; without it wire/ takes the one of the official error schema, else 400. */
  status?: number;
  /** Modelled members of the error shape beyond the message (`retryAfterSeconds`, `BucketName`, …). */
  fields?: Record<string, unknown>;
  cause?: unknown;
}

export class AwsError extends Error {
  /** The shape name of the official schema (`ResourceNotFoundException`), or the bare wire code (`NoSuchKey`). */
  readonly code: string;
  readonly status: number | undefined;
  readonly fields: Record<string, unknown>;

  constructor(code: string, message: string, options: AwsErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.status = options.status;
    this.fields = options.fields ?? {};
  }
}

/** What AWS's service declares and Brume has not built: HTTP 501, never silent success. */
export function notImplemented(operation: string, detail?: string): AwsError {
  const what = detail ? `${operation}: ${detail}` : operation;
  return new AwsError('NotImplemented', `Brume does not implement ${what} yet.`, { status: 501 });
}

/** A broken invariant of Brume itself; answers InternalFailure, never an AWS 4xx. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`BUG: ${message}`);
}
