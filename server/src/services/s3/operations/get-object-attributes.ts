// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html

import type {
  GetObjectAttributesOutput,
  GetObjectAttributesParts,
  GetObjectAttributesRequest,
  StorageClass,
} from '@aws-sdk/client-s3';
import { notImplemented } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { checksumMember, checksumMembers } from '../checksums/checksum.ts';
import type { ObjectDocument, PartDocument } from '../documents.ts';
import { invalidArgument } from '../errors.ts';
import { acceptLimit } from '../listing/parameters.ts';
import { partsOf, requireObject } from '../object-table.ts';
import { openBucket, type S3 } from '../s3.ts';
import { wholeSeconds } from '../timestamp.ts';

const ATTRIBUTES: readonly string[] = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

export function getObjectAttributes({ state }: S3): Handler<GetObjectAttributesRequest, GetObjectAttributesOutput> {
  return async (input, context) => {
    if (input.SSECustomerAlgorithm !== undefined) throw notImplemented('GetObjectAttributes', 'SSECustomerAlgorithm');
    const wanted = new Set<string>(input.ObjectAttributes);
    for (const name of wanted) {
      if (!ATTRIBUTES.includes(name)) {
        throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', name);
      }
    }
    const bucket = await openBucket(state.documents, input.Bucket, context, input.ExpectedBucketOwner);
    const object = await requireObject(state.documents, bucket, input.Key, input.VersionId);
    const hasParts = wanted.has('ObjectParts') && object.uploadId !== undefined;
    return {
      LastModified: wholeSeconds(object.modifiedAtMs),
      ...(wanted.has('ETag') ? { ETag: object.etag } : {}),
      ...(wanted.has('Checksum') && object.checksum ? { Checksum: wholeChecksum(object) } : {}),
      ...(hasParts ? { ObjectParts: pageOf(object, await partsOf(state.documents, bucket, object), input) } : {}),
      ...(wanted.has('StorageClass') ? { StorageClass: (object.storageClass ?? 'STANDARD') as StorageClass } : {}),
      ...(wanted.has('ObjectSize') ? { ObjectSize: object.size } : {}),
    };
  };
}

/** Here the number of parts is no part of a composite checksum. */
function wholeChecksum({ checksum }: ObjectDocument) {
  return checksumMembers(checksum && { ...checksum, value: checksum.value.replace(/-\d+$/, '') });
}

/** Parts are listed only where their checksums make up that of the object. */
function pageOf(
  { checksum }: ObjectDocument,
  parts: readonly PartDocument[],
  { MaxParts, PartNumberMarker }: GetObjectAttributesRequest,
): GetObjectAttributesParts {
  if (checksum?.type !== 'COMPOSITE') return { TotalPartsCount: parts.length };
  const limit = acceptLimit('max-parts', MaxParts);
  const marker = Number(PartNumberMarker ?? 0);
  const numbered = parts.map((part, i) => ({ part, number: i + 1 }));
  const after = numbered.filter(({ number }) => number > marker);
  const page = after.slice(0, limit);
  return {
    TotalPartsCount: parts.length,
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.number ?? marker),
    MaxParts: limit,
    IsTruncated: after.length > limit,
    Parts: page.map(({ part, number }) => ({
      PartNumber: number,
      Size: part.size,
      ...checksumMember(checksum.algorithm, part.checksum),
    })),
  };
}
