// What a bucket answers about the features that it was never configured for. Brume cannot configure them yet, so
// these answers are true of every bucket; tools such as Terraform read them all.

import type { GetBucketAclOutput, GetPublicAccessBlockOutput } from '@aws-sdk/client-s3';
import { AwsError } from '#core/errors.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import type { BucketDocument } from '../documents.ts';
import { ENCRYPTION } from '../metadata.ts';
import { requireObject } from '../object-table.ts';
import { canonicalUserId } from '../owner.ts';
import { openBucket, type S3 } from '../s3.ts';

interface BucketInput {
  Bucket?: string;
  ExpectedBucketOwner?: string;
  Key?: string;
  VersionId?: string;
}

export function unconfigured({ state }: S3): Record<string, Handler> {
  const answer =
    (output: (bucket: BucketDocument) => object): Handler =>
    async (input: BucketInput, context: RequestContext) =>
      output(await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner));
  const absent = (code: string, message: string): Handler =>
    answer(({ name }) => {
      throw new AwsError(code, message, { status: 404, fields: { BucketName: name } });
    });
  return {
    GetBucketAccelerateConfiguration: answer(() => ({})),
    GetBucketAcl: answer(ownersAcl),
    GetBucketCors: absent('NoSuchCORSConfiguration', 'The CORS configuration does not exist'),
    GetBucketEncryption: answer(() => ({
      ServerSideEncryptionConfiguration: {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: ENCRYPTION }, BucketKeyEnabled: false }],
      },
    })),
    GetBucketLifecycleConfiguration: absent(
      'NoSuchLifecycleConfiguration',
      'The lifecycle configuration does not exist',
    ),
    GetBucketLogging: answer(() => ({})),
    GetBucketOwnershipControls: answer(() => ({
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    })),
    GetBucketPolicy: absent('NoSuchBucketPolicy', 'The bucket policy does not exist'),
    GetBucketPolicyStatus: absent('NoSuchBucketPolicy', 'The bucket policy does not exist'),
    GetBucketReplication: absent(
      'ReplicationConfigurationNotFoundError',
      'The replication configuration was not found',
    ),
    GetBucketRequestPayment: answer(() => ({ Payer: 'BucketOwner' })),
    GetBucketVersioning: answer(() => ({})),
    GetBucketWebsite: absent(
      'NoSuchWebsiteConfiguration',
      'The specified bucket does not have a website configuration',
    ),
    GetObjectAcl: async (input: BucketInput, context) => {
      const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
      await requireObject(state.documents, bucket, input.Key, input.VersionId);
      return ownersAcl(bucket);
    },
    GetObjectLockConfiguration: absent(
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
    ),
    GetPublicAccessBlock: answer(allBlocked),
    PutBucketAcl: answer(refuseAcl),
    PutObjectAcl: async (input: BucketInput, context) => {
      const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
      await requireObject(state.documents, bucket, input.Key, input.VersionId);
      return refuseAcl();
    },
  };
}

function ownersAcl({ account }: BucketDocument): GetBucketAclOutput {
  const ID = canonicalUserId(account);
  return { Owner: { ID }, Grants: [{ Grantee: { ID, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }] };
}

/** Every bucket has BucketOwnerEnforced, under which ACLs cannot be set, not even to what they are. */
function refuseAcl(): never {
  throw new AwsError('AccessControlListNotSupported', 'The bucket does not allow ACLs', { status: 400 });
}

/** Nothing in Brume is public. */
function allBlocked(): GetPublicAccessBlockOutput {
  return {
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    },
  };
}
