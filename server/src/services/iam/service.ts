// AWS IAM: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const IAM_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-iam'),
  signingName: 'iam',
  protocols: ['awsQuery'],
  queryVersion: '2010-05-08',
  xmlNamespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  global: true,
};

export function createIamService(_dependencies: ServiceDependencies): Service {
  return { name: 'iam', model: IAM_MODEL, operations: {} };
}
