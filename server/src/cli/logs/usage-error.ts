/** What was asked for cannot be done; the message says why and what would work. */
export class UsageError extends Error {}
