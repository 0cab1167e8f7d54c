// Tags of objects and buckets. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html

import type { Tag, Tagging } from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import type { Tags } from './documents.ts';
import { invalidArgument, malformedXml } from './errors.ts';

export const MAX_OBJECT_TAGS = 10;
export const MAX_BUCKET_TAGS = 50;
const MAX_KEY_CHARACTERS = 128;
const MAX_VALUE_CHARACTERS = 256;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Checks a `Tagging` document; throws InvalidTag and BadRequest. */
export function acceptTagging(tagging: Tagging | undefined, limit: number): Tags {
  if (!tagging?.TagSet) throw malformedXml();
  return acceptTags(
    tagging.TagSet.map(({ Key, Value }) => [Key ?? '', Value ?? '']),
    limit,
  );
}

/** Reads the `x-amz-tagging` header: `a=1&b=2`, URL-encoded. */
export function acceptTaggingHeader(header: string | undefined): Tags | undefined {
  if (header === undefined || header === '') return undefined;
  const tags: Tags = header.split('&').map((pair) => {
    const at = pair.indexOf('=');
    try {
      return at < 0 ? [decode(pair), ''] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
    } catch {
      throw unreadableHeader(header);
    }
  });
  if (new Set(tags.map(([key]) => key)).size < tags.length) throw unreadableHeader(header);
  const accepted = acceptTags(tags, MAX_OBJECT_TAGS);
  return accepted.length === 0 ? undefined : accepted;
}

export function tagSet(tags: Tags | undefined): Tag[] {
  return (tags ?? []).map(([Key, Value]) => ({ Key, Value }));
}

function acceptTags(tags: Tags, limit: number): Tags {
  if (tags.length > limit) {
    const what = limit === MAX_OBJECT_TAGS ? 'Object tags' : 'Bucket tag count';
    throw new AwsError('BadRequest', `${what} cannot be greater than ${limit}`, { status: 400 });
  }
  const seen = new Set<string>();
  for (const [key, value] of tags) {
    if (key === '' || key.length > MAX_KEY_CHARACTERS || !CHARACTERS.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid', key);
    }
    if (value.length > MAX_VALUE_CHARACTERS || !CHARACTERS.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid', key, value);
    }
    if (key.startsWith('aws:')) throw invalidTag('System tags cannot be added/updated by requester', key);
    if (seen.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key', key);
    seen.add(key);
  }
  return [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function invalidTag(message: string, key: string, value?: string): AwsError {
  return new AwsError('InvalidTag', message, {
    status: 400,
    fields: { TagKey: key, ...(value === undefined ? {} : { TagValue: value }) },
  });
}

function unreadableHeader(header: string): AwsError {
  return invalidArgument(
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    'x-amz-tagging',
    header,
  );
}
