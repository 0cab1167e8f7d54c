// AWS STS: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const STS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-sts'),
  signingName: 'sts',
  protocols: ['awsQuery'],
  queryVersion: '2011-06-15',
  xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  global: true,
};

export function createStsService(_dependencies: ServiceDependencies): Service {
  return { name: 'sts', model: STS_MODEL, operations: {} };
}
