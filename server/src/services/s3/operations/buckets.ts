// HeadBucket, GetBucketLocation, ListBuckets.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html

import type {
  BucketLocationConstraint,
  GetBucketLocationOutput,
  GetBucketLocationRequest,
  HeadBucketOutput,
  HeadBucketRequest,
  ListBucketsOutput,
  ListBucketsRequest,
} from '@aws-sdk/client-s3';
import { type Handler, RESPONSE_HEADERS } from '#wire/service.ts';
import { BUCKETS, type BucketDocument, GLOBAL } from '../documents.ts';
import { invalidArgument } from '../errors.ts';
import { makeToken, readToken } from '../listing/parameters.ts';
import { bucketArn } from '../notifications/event-record.ts';
import { canonicalUserId } from '../owner.ts';
import { openBucket, type S3 } from '../s3.ts';

const LARGEST_PAGE = 10_000;
/** Buckets of all accounts lie together: they are read in batches until a page is full. */
const BATCH = 1_000;

export function headBucket({ state }: S3): Handler<HeadBucketRequest, HeadBucketOutput> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    return {
      [RESPONSE_HEADERS]: { 'content-type': 'application/xml' },
      BucketRegion: bucket.region,
      BucketArn: bucketArn(bucket),
    };
  };
}

export function getBucketLocation({ state }: S3): Handler<GetBucketLocationRequest, GetBucketLocationOutput> {
  return async (input, context) => {
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    if (bucket.locationConstraint === undefined) return {};
    return { LocationConstraint: bucket.locationConstraint as BucketLocationConstraint };
  };
}

export function listBuckets({ state }: S3): Handler<ListBucketsRequest, ListBucketsOutput> {
  return async (input, context) => {
    const { MaxBuckets, ContinuationToken, Prefix, BucketRegion } = input;
    if (MaxBuckets !== undefined && (MaxBuckets < 1 || MaxBuckets > LARGEST_PAGE)) {
      throw invalidArgument(
        `Argument max-buckets must be an integer between 1 and ${LARGEST_PAGE}`,
        'max-buckets',
        MaxBuckets,
      );
    }
    const limit = MaxBuckets ?? LARGEST_PAGE;
    const after = ContinuationToken === undefined ? undefined : readToken(ContinuationToken);
    const found = await bucketsOf(state.documents, context.account, {
      prefix: Prefix,
      region: BucketRegion,
      after,
      limit,
    });
    const page = found.slice(0, limit);
    return {
      Owner: { ID: canonicalUserId(context.account) },
      Buckets: page.map((bucket) => ({
        Name: bucket.name,
        CreationDate: new Date(bucket.createdAtMs),
        BucketRegion: bucket.region,
        BucketArn: bucketArn(bucket),
      })),
      ...(found.length > limit ? { ContinuationToken: makeToken(page.at(-1)!.name) } : {}),
      ...(Prefix === undefined ? {} : { Prefix }),
    };
  };
}

/** Up to one more than `limit`, by name. */
async function bucketsOf(
  documents: S3['state']['documents'],
  account: string,
  options: { prefix: string | undefined; region: string | undefined; after: string | undefined; limit: number },
): Promise<BucketDocument[]> {
  const found: BucketDocument[] = [];
  let { after } = options;
  for (;;) {
    const batch = await documents.range(BUCKETS, GLOBAL, {
      limit: BATCH,
      ...(options.prefix ? { prefix: options.prefix } : {}),
      ...(after === undefined ? {} : { after }),
    });
    for (const { value } of batch) {
      if (value.account !== account || (options.region && value.region !== options.region)) continue;
      if (found.push(value) > options.limit) return found;
    }
    if (batch.length < BATCH) return found;
    after = batch.at(-1)!.key;
  }
}
