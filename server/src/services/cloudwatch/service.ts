// Amazon CloudWatch: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const CLOUDWATCH_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-cloudwatch'),
  signingName: 'monitoring',
  protocols: ['rpcV2Cbor', 'awsJson1_0', 'awsQuery'],
  targetPrefix: 'GraniteServiceVersion20100801',
  queryVersion: '2010-08-01',
  xmlNamespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/',
  awsQueryCompatible: true,
  missingMembers: ([first]) =>
    new AwsError('MissingRequiredParameterException', `The parameter ${first!.name} is required.`),
};

export function createCloudWatchService(_dependencies: ServiceDependencies): Service {
  return { name: 'cloudwatch', model: CLOUDWATCH_MODEL, operations: {} };
}
