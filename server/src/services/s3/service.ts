// Amazon S3: table of operations.

import { createRequire } from 'node:module';
import { Garbage } from '#storage/objects/garbage.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { strikeNamedBlobs } from './blob-names.ts';
import { malformedXml } from './errors.ts';
import { Sequencer } from './notifications/sequencer.ts';
import { abortMultipartUpload } from './operations/abort-multipart-upload.ts';
import {
  getBucketNotificationConfiguration,
  putBucketNotificationConfiguration,
} from './operations/bucket-notification.ts';
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './operations/bucket-tagging.ts';
import { getBucketLocation, headBucket, listBuckets } from './operations/buckets.ts';
import { completeMultipartUpload } from './operations/complete-multipart-upload.ts';
import { copyObject } from './operations/copy-object.ts';
import { createBucket } from './operations/create-bucket.ts';
import { createMultipartUpload } from './operations/create-multipart-upload.ts';
import { deleteBucket } from './operations/delete-bucket.ts';
import { deleteObject, deleteObjects } from './operations/delete-object.ts';
import { getObject, headObject } from './operations/get-object.ts';
import { getObjectAttributes } from './operations/get-object-attributes.ts';
import { listMultipartUploads, listParts } from './operations/list-multipart-uploads.ts';
import { listObjects, listObjectsV2, listObjectVersions } from './operations/list-objects.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './operations/object-tagging.ts';
import { putObject } from './operations/put-object.ts';
import { unconfigured } from './operations/unconfigured.ts';
import { uploadPart, uploadPartCopy } from './operations/upload-part.ts';
import { BLOB_OWNER, type S3 } from './s3.ts';
import { UsageReporter } from './usage.ts';

const require = createRequire(import.meta.url);

export const S3_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-s3'),
  signingName: 's3',
  protocols: ['restXml'],
  xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
  missingMembers: () => malformedXml(),
};

/** What S3 needs of the dependencies that all services share. */
export type S3Dependencies = Pick<
  ServiceDependencies,
  'state' | 'objects' | 'clock' | 'meter' | 'log' | 'delivery' | 'call'
>;

export function createS3Service(dependencies: S3Dependencies): Service {
  const { state, objects, clock, meter, delivery, call } = dependencies;
  const log = dependencies.log.with({ service: 's3' });
  const s3: S3 = {
    state,
    objects,
    clock,
    log,
    delivery,
    call,
    garbage: new Garbage({
      state,
      objects,
      log,
      owner: BLOB_OWNER,
      strikeNamed: (unnamed, stopped) => strikeNamedBlobs(state, unnamed, stopped),
      processStartMs: performance.timeOrigin,
    }),
    usage: new UsageReporter({ state, clock, meter, log }),
    sequencer: new Sequencer(clock),
  };
  return {
    name: 's3',
    model: S3_MODEL,
    operations: {
      ...unconfigured(s3),
      AbortMultipartUpload: abortMultipartUpload(s3),
      CompleteMultipartUpload: completeMultipartUpload(s3),
      CopyObject: copyObject(s3),
      CreateBucket: createBucket(s3),
      CreateMultipartUpload: createMultipartUpload(s3),
      DeleteBucket: deleteBucket(s3),
      DeleteBucketTagging: deleteBucketTagging(s3),
      DeleteObject: deleteObject(s3),
      DeleteObjectTagging: deleteObjectTagging(s3),
      DeleteObjects: deleteObjects(s3),
      GetBucketLocation: getBucketLocation(s3),
      GetBucketNotificationConfiguration: getBucketNotificationConfiguration(s3),
      GetBucketTagging: getBucketTagging(s3),
      GetObject: getObject(s3),
      GetObjectAttributes: getObjectAttributes(s3),
      GetObjectTagging: getObjectTagging(s3),
      HeadBucket: headBucket(s3),
      HeadObject: headObject(s3),
      ListBuckets: listBuckets(s3),
      ListMultipartUploads: listMultipartUploads(s3),
      ListObjects: listObjects(s3),
      ListObjectsV2: listObjectsV2(s3),
      ListObjectVersions: listObjectVersions(s3),
      ListParts: listParts(s3),
      PutBucketNotificationConfiguration: putBucketNotificationConfiguration(s3),
      PutBucketTagging: putBucketTagging(s3),
      PutObject: putObject(s3),
      PutObjectTagging: putObjectTagging(s3),
      UploadPart: uploadPart(s3),
      UploadPartCopy: uploadPartCopy(s3),
    },
    async start() {
      await s3.garbage.start();
      await s3.usage.start();
    },
    async stop() {
      s3.usage.stop();
      await s3.garbage.stop(clock.now());
    },
    async reset() {
      s3.garbage.forget();
      s3.usage.forget();
    },
  };
}
