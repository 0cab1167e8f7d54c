// What the three batch operations have in common: the checks of the request as a whole, and a result an entry.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html

import type { BatchResultErrorEntry } from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';

const MAX_ENTRIES = 10;

/** Throws what AWS answers when the batch itself is wrong. `entryName` is the model's name of an entry. */
export function checkBatch(entries: readonly { Id?: string | undefined }[] | undefined, entryName: string): void {
  if (!entries?.length) {
    throw new AwsError('EmptyBatchRequest', `There should be at least one ${entryName} in the request.`);
  }
  if (entries.length > MAX_ENTRIES) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MAX_ENTRIES}. You have sent ${entries.length}.`,
    );
  }
  const seen = new Set<string>();
  for (const { Id = '' } of entries) {
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(Id)) {
      throw new AwsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
    if (seen.has(Id)) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${Id} repeated.`);
    seen.add(Id);
  }
}

/** An entry that failed by the caller's doing; anything but an AwsError is no such thing and is thrown on. */
export function failedEntry(id: string | undefined, error: unknown): BatchResultErrorEntry {
  if (!(error instanceof AwsError)) throw error;
  return { Id: id, SenderFault: true, Code: error.code, Message: error.message };
}
