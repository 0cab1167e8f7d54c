// Amazon CloudWatch Logs: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import { constraintMessage } from '#wire/required-members.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';

const require = createRequire(import.meta.url);

export const LOGS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-cloudwatch-logs'),
  signingName: 'logs',
  protocols: ['awsJson1_1'],
  targetPrefix: 'Logs_20140328',
  missingMembers: (missing) => new AwsError('InvalidParameterException', constraintMessage(missing)),
};

export function createLogsService(_dependencies: ServiceDependencies): Service {
  return { name: 'logs', model: LOGS_MODEL, operations: {} };
}
