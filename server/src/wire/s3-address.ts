// S3 addresses a bucket by path (`/bucket/key`) or by host (`bucket.s3.localhost`, `bucket.localhost`).

import { decodePercent } from './rest-router.ts';

export interface S3Address {
  bucket: string | undefined;
  /** Percent-encoded path from the slash before the key: `/`, `/key`. */
  path: string;
}

const BUCKET_BEFORE_S3 = /^(.+)\.s3(?:[.-][a-z0-9-]+)*\.(?:localhost|amazonaws\.com)(?::\d+)?$/i;
/** What SDKs make of an endpoint at `localhost` unless told to use paths. */
const BUCKET_BEFORE_LOCALHOST = /^(?!s3\b)([^:]+)\.localhost(?::\d+)?$/i;

export function readS3Address(host: string, rawPath: string): S3Address {
  const byHost = BUCKET_BEFORE_S3.exec(host) ?? BUCKET_BEFORE_LOCALHOST.exec(host);
  if (byHost) return { bucket: byHost[1]!, path: rawPath };
  const slash = rawPath.indexOf('/', 1);
  const bucket = decodePercent(slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash));
  return { bucket: bucket === '' ? undefined : bucket, path: slash < 0 ? '/' : rawPath.slice(slash) };
}
