// FileSystemConfigs: an access point of a file system, which the function sees below /mnt. There is no EFS in Brume: an access
// point is a directory of the data directory, made when it is first mounted, the same for all functions that name it.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-filesystem-efs.html

import type { FileSystemConfig, FunctionConfiguration } from '@aws-sdk/client-lambda';
import { notImplemented } from '#core/errors.ts';
import { checkConstraints, constraintViolated } from './constraints.ts';
import type { VersionDocument } from './documents.ts';

const ACCESS_POINT =
  /arn:aws[a-zA-Z-]*:elasticfilesystem:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}:access-point\/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system\/fs-[0-9a-f]{17,40}\/access-point\/fsap-[0-9a-f]{17,40}/;
const LOCAL_MOUNT_PATH = /\/mnt\/[a-zA-Z0-9-_.]+/;
const MOST_FILE_SYSTEMS = 1;

export function checkFileSystems(configs: readonly FileSystemConfig[] | undefined, operation: string): void {
  if (!configs) return;
  if (configs.length > MOST_FILE_SYSTEMS) {
    throw constraintViolated(
      'fileSystemConfigs',
      `[${configs.map(({ Arn, LocalMountPath }) => `FileSystemConfig(arn=${Arn}, localMountPath=${LocalMountPath})`).join(', ')}]`,
      `Member must have length less than or equal to ${MOST_FILE_SYSTEMS}`,
    );
  }
  for (const [index, { Arn, LocalMountPath }] of configs.entries()) {
    const at = `fileSystemConfigs.${index + 1}.member`;
    checkConstraints([
      { at: `${at}.arn`, value: Arn, max: 256, pattern: ACCESS_POINT },
      { at: `${at}.localMountPath`, value: LocalMountPath, max: 160, pattern: LOCAL_MOUNT_PATH },
    ]);
    // The pattern lets names through that lead elsewhere.
    if (/^\/mnt\/\.\.?$/.test(LocalMountPath!)) {
      throw constraintViolated(`${at}.localMountPath`, LocalMountPath!, 'Member must be the name of a directory');
    }
    if (Arn!.includes(':s3files:')) throw notImplemented(operation, `FileSystemConfigs of S3 Files (${Arn})`);
  }
}

export function applyFileSystems(
  configs: readonly FileSystemConfig[] | undefined,
  before: VersionDocument['fileSystems'],
): Pick<VersionDocument, 'fileSystems'> {
  const after = configs ? configs.map(({ Arn, LocalMountPath }) => ({ arn: Arn!, path: LocalMountPath! })) : before;
  return after?.length ? { fileSystems: after } : {};
}

export function showFileSystems(
  fileSystems: VersionDocument['fileSystems'],
): Pick<FunctionConfiguration, 'FileSystemConfigs'> {
  if (!fileSystems) return {};
  return { FileSystemConfigs: fileSystems.map(({ arn, path }) => ({ Arn: arn, LocalMountPath: path })) };
}
