/** A configuration that CloudWatch Logs refuses. */
export class TransformConfigError extends Error {}

/** A processor cannot work on this event, which is then not transformed. */
export class TransformError extends Error {}
