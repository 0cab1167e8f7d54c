// AWS Lambda: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const LAMBDA_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-lambda'),
  signingName: 'lambda',
  protocols: ['restJson1'],
  // A 50 MB package travels as base64.
  largestBodyBytes: 72 * 1024 * 1024,
};

export function createLambdaService(_dependencies: ServiceDependencies): Service {
  return { name: 'lambda', model: LAMBDA_MODEL, operations: {} };
}
