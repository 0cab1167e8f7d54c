// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

import type { CreateBucketOutput, CreateBucketRequest } from '@aws-sdk/client-s3';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkBucketName } from '../bucket-name.ts';
import { BUCKETS, type BucketDocument, GLOBAL, scopeOf, type Tags, USAGE } from '../documents.ts';
import { invalidArgument } from '../errors.ts';
import { bucketArn } from '../notifications/event-record.ts';
import type { S3 } from '../s3.ts';
import { acceptTagging, MAX_BUCKET_TAGS } from '../tags.ts';
import { emptyUsage } from '../usage.ts';

const DEFAULT_REGION = 'us-east-1';
const ACLS = ['private', 'public-read', 'public-read-write', 'authenticated-read'];

export function createBucket({ state, clock, usage }: S3): Handler<CreateBucketRequest, CreateBucketOutput> {
  return async (input, context) => {
    const name = input.Bucket!;
    checkBucketName(name);
    refuseUnsupported(input);
    const { region, locationConstraint } = acceptLocation(input, context);
    const tags = acceptTags(input);
    const bucket: BucketDocument = {
      name,
      account: context.account,
      region,
      createdAtMs: clock.now(),
      ...(locationConstraint === undefined ? {} : { locationConstraint }),
      ...(tags ? { tags } : {}),
    };
    await state.transact(async (tx) => {
      const existing = await tx.documents.get(BUCKETS, GLOBAL, name);
      if (existing) return refuseOrAccept(existing, bucket);
      await tx.documents.put(BUCKETS, GLOBAL, name, bucket);
      await tx.documents.put(USAGE, scopeOf(bucket), name, emptyUsage());
    });
    usage.changed(bucket);
    return {
      Location: region === DEFAULT_REGION ? `/${name}` : `http://${name}.s3.amazonaws.com/`,
      BucketArn: bucketArn(bucket),
    };
  };
}

/** In us-east-1 creating one's own bucket again succeeds and changes nothing, as it always did. */
function refuseOrAccept(existing: BucketDocument, wanted: BucketDocument): void {
  if (existing.account !== wanted.account) {
    throw new AwsError(
      'BucketAlreadyExists',
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
      { status: 409, fields: { BucketName: wanted.name } },
    );
  }
  if (existing.region === DEFAULT_REGION && wanted.region === DEFAULT_REGION) return;
  throw new AwsError(
    'BucketAlreadyOwnedByYou',
    'Your previous request to create the named bucket succeeded and you already own it.',
    { status: 409, fields: { BucketName: wanted.name } },
  );
}

/** A region's own endpoint creates buckets there only; that of us-east-1 creates them anywhere. */
function acceptLocation(
  { CreateBucketConfiguration: configuration }: CreateBucketRequest,
  context: RequestContext,
): { region: string; locationConstraint?: string } {
  const constraint: string | undefined = configuration?.LocationConstraint || undefined;
  const endpointRegion = context.region;
  if (constraint === undefined) {
    if (endpointRegion === DEFAULT_REGION) return { region: DEFAULT_REGION };
    throw new AwsError(
      'IllegalLocationConstraintException',
      'The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.',
      { status: 400 },
    );
  }
  const region = constraint === 'EU' ? 'eu-west-1' : constraint;
  if (region === DEFAULT_REGION || !/^[a-z]{2,3}(-[a-z]+)+-\d$/.test(region)) {
    throw new AwsError('InvalidLocationConstraint', 'The specified location-constraint is not valid', {
      status: 400,
      fields: { LocationConstraint: constraint },
    });
  }
  if (endpointRegion !== DEFAULT_REGION && endpointRegion !== region) {
    throw new AwsError(
      'IllegalLocationConstraintException',
      `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
      { status: 400 },
    );
  }
  return { region, locationConstraint: constraint };
}

function acceptTags({ CreateBucketConfiguration: configuration }: CreateBucketRequest): Tags | undefined {
  if (!configuration?.Tags || configuration.Tags.length === 0) return undefined;
  return acceptTagging({ TagSet: configuration.Tags }, MAX_BUCKET_TAGS);
}

function refuseUnsupported(input: CreateBucketRequest): void {
  const { ACL: acl, ObjectOwnership: ownership, CreateBucketConfiguration: configuration } = input;
  if (acl !== undefined && !ACLS.includes(acl)) throw invalidArgument('Invalid canned ACL', 'x-amz-acl', acl);
  const grants = [input.GrantFullControl, input.GrantRead, input.GrantReadACP, input.GrantWrite, input.GrantWriteACP];
  if ((acl !== undefined && acl !== 'private') || grants.some((grant) => grant !== undefined)) {
    throw new AwsError(
      'InvalidBucketAclWithObjectOwnership',
      "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
      { status: 400 },
    );
  }
  if (ownership !== undefined && ownership !== 'BucketOwnerEnforced') {
    throw notImplemented('CreateBucket', `ObjectOwnership ${ownership}`);
  }
  if (input.ObjectLockEnabledForBucket) throw notImplemented('CreateBucket', 'ObjectLockEnabledForBucket');
  if (configuration?.Location || configuration?.Bucket) throw notImplemented('CreateBucket', 'directory buckets');
  const namespace: string | undefined = input.BucketNamespace;
  if (namespace !== undefined && namespace !== 'global') throw notImplemented('CreateBucket', 'BucketNamespace');
}
