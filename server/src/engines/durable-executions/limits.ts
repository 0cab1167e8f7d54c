// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution

export const MOST_OPERATIONS = 3_000;
export const MOST_BYTES = 100 * 1024 * 1024;
/** Of an operation, of a callback's result, of an execution that nobody waits for. */
export const LARGEST_PAYLOAD_BYTES = 1_048_576;
/** Input and result of an execution that was invoked synchronously. */
export const LARGEST_SYNCHRONOUS_PAYLOAD_BYTES = 6_291_456;
export const LARGEST_ERROR_BYTES = 1_048_576;
/** Synchronous invocations end within this, so that a caller never waits in vain. */
export const LONGEST_SYNCHRONOUS_S = 900;
/** Of a wait, a retry's delay, an execution: 366 days. */
export const LONGEST_DURATION_S = 31_622_400;
/** Within this a checkpoint with the same client token is the same checkpoint. */
export const CLIENT_TOKEN_MS = 15 * 60_000;

/** Invocations of one function at once, those that a caller waits for not counted. */
export const MOST_IN_FLIGHT = 32;
/** After an invocation that failed; doubled with each. */
export const FIRST_BACKOFF_MS = 1_000;
export const LONGEST_BACKOFF_MS = 5 * 60_000;

/** The part of an execution's operations that an invocation brings along; the function asks for the rest. */
export const MOST_INITIAL_OPERATIONS = 1_000;
export const MOST_INITIAL_BYTES = 4 * 1024 * 1024;
