// Amazon S3: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const S3_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-s3'),
  signingName: 's3',
  protocols: ['restXml'],
  xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
  missingMembers: () =>
    new AwsError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
      {
        status: 400,
      },
    ),
};

export function createS3Service(_dependencies: ServiceDependencies): Service {
  return { name: 's3', model: S3_MODEL, operations: {} };
}
