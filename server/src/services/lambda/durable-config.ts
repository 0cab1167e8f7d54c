// DurableConfig makes a function durable, for good: https://docs.aws.amazon.com/lambda/latest/dg/durable-configuration.html

import type { DurableConfig, FunctionConfiguration } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { LONGEST_DURATION_S } from '#engines/durable-executions/limits.ts';
import { checkConstraints, KMS_KEY } from './constraints.ts';
import type { VersionDocument } from './documents.ts';

const DEFAULT_TIMEOUT_S = 86_400;
const DEFAULT_RETENTION_DAYS = 14;

type Durable = NonNullable<VersionDocument['durable']>;

export function checkDurableConfig(config: DurableConfig | undefined): void {
  checkConstraints([
    { at: 'durableConfig.executionTimeout', value: config?.ExecutionTimeout, min: 1, max: LONGEST_DURATION_S },
    { at: 'durableConfig.retentionPeriodInDays', value: config?.RetentionPeriodInDays, min: 1, max: 90 },
    { at: 'durableConfig.kMSKeyArn', value: config?.KMSKeyArn, pattern: KMS_KEY },
  ]);
}

/** Throws where an update would make a function durable that was not created so. */
export function checkStaysDurable(config: DurableConfig | undefined, before: VersionDocument): void {
  if (!config || before.durable) return;
  throw new AwsError(
    'InvalidParameterValueException',
    'You cannot enable durable execution on an existing function. Durable execution can only be enabled when the function is created.',
    { fields: { Type: 'User' } },
  );
}

export function applyDurableConfig(
  config: DurableConfig | undefined,
  before: Durable | undefined,
): { durable?: Durable } {
  if (!config) return before ? { durable: before } : {};
  const kmsKeyArn = config.KMSKeyArn ?? before?.kmsKeyArn;
  return {
    durable: {
      timeoutS: config.ExecutionTimeout ?? before?.timeoutS ?? DEFAULT_TIMEOUT_S,
      retentionDays: config.RetentionPeriodInDays ?? before?.retentionDays ?? DEFAULT_RETENTION_DAYS,
      ...(kmsKeyArn ? { kmsKeyArn } : {}),
    },
  };
}

export function showDurableConfig(durable: Durable | undefined): Pick<FunctionConfiguration, 'DurableConfig'> {
  if (!durable) return {};
  const { timeoutS, retentionDays, kmsKeyArn } = durable;
  return {
    DurableConfig: {
      ExecutionTimeout: timeoutS,
      RetentionPeriodInDays: retentionDays,
      ...(kmsKeyArn === undefined ? {} : { KMSKeyArn: kmsKeyArn }),
    },
  };
}
