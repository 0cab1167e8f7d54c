// Tags of IAM resources: up to 50, keys compared without case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html

import type { Tag } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import { checkCount, checkText } from '../constraints.ts';
import { type PageRequest, pageOf } from './pages.ts';

export interface TagDocument {
  key: string;
  value: string;
}

const MOST_TAGS = 50;

/** The tags of a request, checked. */
export function readTags(tags: readonly Tag[] | undefined): TagDocument[] {
  if (!tags) return [];
  checkCount('tags', tags, MOST_TAGS);
  const seen = new Set<string>();
  return tags.map((tag, i) => {
    const key = tag.Key ?? '';
    const value = tag.Value ?? '';
    checkTagKey(`tags.${i + 1}.member.key`, key);
    checkText(`tags.${i + 1}.member.value`, value, { max: 256, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*' });
    if (seen.has(key.toLowerCase())) {
      throw new AwsError(
        'InvalidInputException',
        'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
      );
    }
    seen.add(key.toLowerCase());
    return { key, value };
  });
}

/** A key given again, in any case, takes the new spelling and value. */
export function addTags(existing: readonly TagDocument[], added: readonly TagDocument[]): TagDocument[] {
  const merged = new Map(existing.map((tag) => [tag.key.toLowerCase(), tag]));
  for (const tag of added) merged.set(tag.key.toLowerCase(), tag);
  if (merged.size > MOST_TAGS) {
    throw new AwsError('LimitExceededException', 'The number of tags has reached the maximum limit.');
  }
  return [...merged.values()];
}

export function removeTags(existing: readonly TagDocument[], keys: readonly string[]): TagDocument[] {
  checkCount('tagKeys', keys, MOST_TAGS);
  keys.forEach((key, i) => {
    checkTagKey(`tagKeys.${i + 1}.member`, key);
  });
  const removed = new Set(keys.map((key) => key.toLowerCase()));
  return existing.filter((tag) => !removed.has(tag.key.toLowerCase()));
}

export function tagShapes(tags: readonly TagDocument[]): Tag[] {
  return tags.map(({ key, value }) => ({ Key: key, Value: value }));
}

function checkTagKey(path: string, key: string): void {
  checkText(path, key, { min: 1, max: 128, pattern: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+' });
  if (key.toLowerCase().startsWith('aws:')) {
    throw new AwsError('InvalidInputException', 'System tags cannot be added/updated/deleted.');
  }
}

/** Sorted by key, as the List…Tags operations answer. */
export function pageOfTags(
  tags: readonly TagDocument[],
  request: PageRequest,
): { Tags: Tag[]; IsTruncated: boolean; Marker?: string } {
  const sorted = tags.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const { items, ...page } = pageOf(sorted, ({ key }) => key, request);
  return { Tags: tagShapes(items), ...page };
}
