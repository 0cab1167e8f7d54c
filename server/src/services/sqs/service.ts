// Amazon SQS: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const SQS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-sqs'),
  signingName: 'sqs',
  protocols: ['awsJson1_0', 'awsQuery'],
  targetPrefix: 'AmazonSQS',
  queryVersion: '2012-11-05',
  xmlNamespace: 'http://queue.amazonaws.com/doc/2012-11-05/',
  awsQueryCompatible: true,
};

export function createSqsService(_dependencies: ServiceDependencies): Service {
  return { name: 'sqs', model: SQS_MODEL, operations: {} };
}
