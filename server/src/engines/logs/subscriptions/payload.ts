// The record that a subscriber gets: JSON, gzipped, in base64 under `awslogs.data` where it goes to Lambda.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export interface ForwardedEvent {
  id: string;
  timestamp: number;
  message: string;
  /** What a space-delimited pattern names in it, and the system fields that the filter emits. */
  extractedFields?: Record<string, string>;
}

export interface SubscriptionRecord {
  messageType: 'DATA_MESSAGE' | 'CONTROL_MESSAGE';
  owner: string;
  logGroup: string;
  logStream: string;
  subscriptionFilters: string[];
  logEvents: ForwardedEvent[];
}

const compress = promisify(gzip);

export interface EncodedRecord {
  /** For Lambda. */
  payload: string;
  compressedBytes: number;
}

export async function encodeRecord(record: SubscriptionRecord): Promise<EncodedRecord> {
  const data = await compress(JSON.stringify(record));
  return {
    payload: JSON.stringify({ awslogs: { data: data.toString('base64') } }),
    compressedBytes: data.length,
  };
}

/** What a log destination gets when a subscription begins, so that a target that cannot be reached is known at once. */
export function controlRecord(timestamp: number): SubscriptionRecord {
  return {
    messageType: 'CONTROL_MESSAGE',
    owner: 'CloudwatchLogs',
    logGroup: '',
    logStream: '',
    subscriptionFilters: [],
    logEvents: [{ id: '', timestamp, message: 'CWL CONTROL MESSAGE: Checking health of destination.' }],
  };
}
