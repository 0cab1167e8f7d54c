// Amazon SNS: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const SNS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-sns'),
  signingName: 'sns',
  protocols: ['awsQuery'],
  queryVersion: '2010-03-31',
  xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
};

export function createSnsService(_dependencies: ServiceDependencies): Service {
  return { name: 'sns', model: SNS_MODEL, operations: {} };
}
