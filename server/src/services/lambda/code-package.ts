// A deployment package on its way in: from the request or from S3, checked, unpacked, kept.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html

import { buffer } from 'node:stream/consumers';
import type { FunctionCode } from '@aws-sdk/client-lambda';
import type { GetObjectOutput, GetObjectRequest } from '@aws-sdk/client-s3';
import type { Caller } from '#core/caller.ts';
import { AwsError, notImplemented } from '#core/errors.ts';
import {
  BrokenPackageError,
  CodeStore,
  LARGEST_UNZIPPED_BYTES,
  PackageTooLargeError,
} from '#engines/functions/function-engine.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { checkConstraints, KMS_KEY } from './constraints.ts';
import type { CodeReference } from './documents.ts';
import { BLOB_OWNER } from './packages.ts';

/** Of what is uploaded directly; more goes by way of S3. */
export const LARGEST_ZIP_BYTES = 52_428_800;

/** As AWS's messages show it. */
const S3_BUCKET = /[0-9A-Za-z.\-_]*(?<!\.)/;

type Dependencies = Pick<ServiceDependencies, 'call' | 'functions' | 'objects'>;

export type PackageSource = Pick<
  FunctionCode,
  'ZipFile' | 'S3Bucket' | 'S3Key' | 'S3ObjectVersion' | 'SourceKMSKeyArn'
>;

/** What the API's model says of the members; `at`: what they are members of. */
export function checkPackageSource(
  { S3Bucket, S3Key, S3ObjectVersion, SourceKMSKeyArn }: PackageSource,
  at: 'code.' | 'content.' | '',
): void {
  checkConstraints([
    { at: `${at}s3Bucket`, value: S3Bucket, min: 3, max: 63, pattern: S3_BUCKET },
    { at: `${at}s3Key`, value: S3Key, min: 1, max: 1_024 },
    { at: `${at}s3ObjectVersion`, value: S3ObjectVersion, min: 1, max: 1_024 },
    { at: `${at}sourceKMSKeyArn`, value: SourceKMSKeyArn, pattern: KMS_KEY },
  ]);
}

/** Loads and checks a package without keeping it: a dry run. */
export async function loadPackage(
  { call, functions }: Dependencies,
  source: PackageSource,
  caller: Caller,
  operation: string,
): Promise<Uint8Array> {
  const zip = await readSource(call, source, caller, operation);
  try {
    await functions.code.add(zip);
  } catch (error) {
    if (error instanceof BrokenPackageError) {
      throw new AwsError(
        'InvalidParameterValueException',
        'Could not unzip uploaded file. Please check your file, then try to upload again.',
        { cause: error },
      );
    }
    if (error instanceof PackageTooLargeError) {
      throw new AwsError(
        'InvalidParameterValueException',
        `Unzipped size must be smaller than ${LARGEST_UNZIPPED_BYTES} bytes`,
        { cause: error },
      );
    }
    throw error;
  }
  return zip;
}

/** Keeps a loaded package; whoever fails to commit a document that names it removes it again. */
export async function keepPackage({ objects }: Dependencies, zip: Uint8Array): Promise<CodeReference> {
  const { id } = await objects.write(zip, undefined, { owner: BLOB_OWNER });
  return { objectId: id, sizeBytes: zip.byteLength, sha256: CodeStore.hash(zip) };
}

async function readSource(
  call: ServiceDependencies['call'],
  source: PackageSource,
  caller: Caller,
  operation: string,
): Promise<Uint8Array> {
  const { ZipFile, S3Bucket, S3Key, S3ObjectVersion, SourceKMSKeyArn } = source;
  if (SourceKMSKeyArn) throw notImplemented(operation, 'Code.SourceKMSKeyArn');
  if (ZipFile !== undefined) {
    if (S3Bucket !== undefined || S3Key !== undefined) {
      throw invalid('Please do not provide other FunctionCode parameters when providing a ZipFile.');
    }
    if (ZipFile.byteLength === 0) throw invalid('Uploaded file must be a non-empty zip');
    if (ZipFile.byteLength > LARGEST_ZIP_BYTES) {
      throw new AwsError(
        'RequestEntityTooLargeException',
        `Zipped size must be smaller than ${LARGEST_ZIP_BYTES} bytes`,
        { status: 413 },
      );
    }
    return ZipFile;
  }
  if (S3Bucket === undefined || S3Key === undefined) throw invalid('Please provide a source for function code.');
  return readObject(call, { Bucket: S3Bucket, Key: S3Key, VersionId: S3ObjectVersion }, caller);
}

async function readObject(
  call: ServiceDependencies['call'],
  request: GetObjectRequest,
  caller: Caller,
): Promise<Uint8Array> {
  let output: GetObjectOutput;
  try {
    output = await call<GetObjectRequest, GetObjectOutput>('s3', 'GetObject', request, caller);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw new AwsError(
      'InvalidParameterValueException',
      `Error occurred while GetObject. S3 Error Code: ${error.code}. S3 Error Message: ${error.message}`,
      { cause: error },
    );
  }
  const body = output.Body as unknown as NodeJS.ReadableStream | Uint8Array;
  if ((output.ContentLength ?? 0) > LARGEST_UNZIPPED_BYTES) {
    if (!(body instanceof Uint8Array)) (body as { destroy?: () => void }).destroy?.();
    throw invalid(`Unzipped size must be smaller than ${LARGEST_UNZIPPED_BYTES} bytes`);
  }
  return body instanceof Uint8Array ? body : await buffer(body);
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}
