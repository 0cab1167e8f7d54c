// AWS STS: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { assumeRole } from './operations/assume-role.ts';
import { getAccessKeyInfo } from './operations/get-access-key-info.ts';
import { getCallerIdentity } from './operations/get-caller-identity.ts';
import { getSessionToken } from './operations/get-session-token.ts';

const require = createRequire(import.meta.url);

export const STS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-sts'),
  signingName: 'sts',
  protocols: ['awsQuery'],
  queryVersion: '2011-06-15',
  xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  global: true,
};

export function createStsService(dependencies: ServiceDependencies): Service {
  return {
    name: 'sts',
    model: STS_MODEL,
    operations: {
      AssumeRole: assumeRole(dependencies),
      GetAccessKeyInfo: getAccessKeyInfo(dependencies),
      GetCallerIdentity: getCallerIdentity(dependencies),
      GetSessionToken: getSessionToken(dependencies),
    },
  };
}
