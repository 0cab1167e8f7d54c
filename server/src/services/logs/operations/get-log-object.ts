// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogObject.html

import type {
  GetLogObjectRequest,
  GetLogObjectResponse,
  GetLogObjectResponseStream,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import { endOfPart, parseObjectPointer } from '#engines/logs/large-objects.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter } from '../constraints.ts';
import type { Logs } from '../logs.ts';

/** Of the stream's events, in UTF-16 units. */
const LARGEST_PART = 64 * 1024;

export function getLogObject({ store }: Logs): Handler<GetLogObjectRequest, GetLogObjectResponse> {
  return async ({ logObjectPointer, unmask = false }, context) => {
    new Constraints().text('logObjectPointer', logObjectPointer, { min: 1, max: 512 }).check();
    const pointer = parseObjectPointer(logObjectPointer!);
    if (!pointer) throw invalidParameter('The specified log object pointer is invalid.');
    await store.groups.load();
    const group = store.groups.findById(pointer.groupId);
    const isOwn = group?.scope.account === context.account && group.scope.region === context.region;
    const text = isOwn ? await store.largeObjects.get(group, pointer, unmask, context.signal) : undefined;
    if (text === undefined) {
      throw new AwsError('ResourceNotFoundException', 'The specified log object does not exist.');
    }
    return { fieldStream: partsOf(text) };
  };
}

async function* partsOf(text: string): AsyncGenerator<GetLogObjectResponseStream> {
  for (let start = 0; start < text.length; ) {
    const end = endOfPart(text, start + LARGEST_PART);
    yield { fields: { data: Buffer.from(text.slice(start, end)) } };
    start = end;
  }
}
