// Conditional requests. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html

import { AwsError } from '#core/errors.ts';
import { noSuchKey, preconditionFailed } from './errors.ts';

/** What conditions look at. */
export interface Validators {
  etag: string;
  modifiedAtMs: number;
}

export interface ReadConditions {
  IfMatch?: string | undefined;
  IfNoneMatch?: string | undefined;
  IfModifiedSince?: Date | undefined;
  IfUnmodifiedSince?: Date | undefined;
}

/**
 * What the conditions of a GET or HEAD make of it: `proceed`, or `not-modified` (304). Throws PreconditionFailed.
 * A condition on the ETag decides alone; the one on the date beside it is not looked at.
 */
export function checkReadConditions(
  object: Validators,
  conditions: ReadConditions,
  nowMs: number,
): 'proceed' | 'not-modified' {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  if (IfMatch !== undefined) {
    if (!matches(IfMatch, object.etag)) throw preconditionFailed('If-Match');
  } else if (IfUnmodifiedSince && isModifiedSince(object, IfUnmodifiedSince)) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (IfNoneMatch !== undefined) {
    if (matches(IfNoneMatch, object.etag)) return 'not-modified';
    // A date in the future is no valid one (RFC 9110, 13.1.3).
  } else if (IfModifiedSince && IfModifiedSince.getTime() <= nowMs && !isModifiedSince(object, IfModifiedSince)) {
    return 'not-modified';
  }
  return 'proceed';
}

export interface CopySourceConditions {
  CopySourceIfMatch?: string | undefined;
  CopySourceIfNoneMatch?: string | undefined;
  CopySourceIfModifiedSince?: Date | undefined;
  CopySourceIfUnmodifiedSince?: Date | undefined;
}

/** The same for the source of a copy, where each failure is a 412. */
export function checkCopySourceConditions(object: Validators, conditions: CopySourceConditions, nowMs: number): void {
  const { CopySourceIfMatch, CopySourceIfNoneMatch } = conditions;
  const { CopySourceIfModifiedSince: ifModifiedSince, CopySourceIfUnmodifiedSince: ifUnmodifiedSince } = conditions;
  if (CopySourceIfMatch !== undefined) {
    if (!matches(CopySourceIfMatch, object.etag)) throw preconditionFailed('x-amz-copy-source-If-Match');
  } else if (ifUnmodifiedSince && isModifiedSince(object, ifUnmodifiedSince)) {
    throw preconditionFailed('x-amz-copy-source-If-Unmodified-Since');
  }
  if (CopySourceIfNoneMatch !== undefined) {
    if (matches(CopySourceIfNoneMatch, object.etag)) throw preconditionFailed('x-amz-copy-source-If-None-Match');
  } else if (ifModifiedSince && ifModifiedSince.getTime() <= nowMs && !isModifiedSince(object, ifModifiedSince)) {
    throw preconditionFailed('x-amz-copy-source-If-Modified-Since');
  }
}

export interface WriteConditions {
  IfMatch?: string | undefined;
  IfNoneMatch?: string | undefined;
}

/** Throws unless the object under the key (undefined: none) is as the writer expects it. */
export function checkWriteConditions(
  key: string,
  existing: Validators | undefined,
  { IfMatch, IfNoneMatch }: WriteConditions,
): void {
  if (IfNoneMatch !== undefined) {
    if (IfNoneMatch !== '*') {
      throw new AwsError('NotImplemented', 'A header you provided implies functionality that is not implemented', {
        status: 501,
        fields: { Header: 'If-None-Match', additionalMessage: 'We only accept * as a value.' },
      });
    }
    if (existing) throw preconditionFailed('If-None-Match');
  }
  if (IfMatch !== undefined) {
    if (!existing) throw noSuchKey(key);
    if (!matches(IfMatch, existing.etag)) throw preconditionFailed('If-Match');
  }
}

/** Whether a list of ETags (`"a", W/"b"`, with or without quotes, or `*`) has this one. */
function matches(condition: string, etag: string): boolean {
  return condition.split(',').some((item) => {
    const tag = item
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
    return tag === '*' || tag === etag;
  });
}

/** Dates in headers have no fraction of a second. */
function isModifiedSince({ modifiedAtMs }: Validators, date: Date): boolean {
  return Math.floor(modifiedAtMs / 1000) > Math.floor(date.getTime() / 1000);
}
