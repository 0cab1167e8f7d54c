// What one PutLogEvents takes.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html

export const MOST_EVENTS = 10_000;
export const LARGEST_BATCH_BYTES = 1_048_576;
/** What AWS counts for an event beside its message. */
export const EVENT_OVERHEAD_BYTES = 26;
