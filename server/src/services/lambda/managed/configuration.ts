// CapacityProviderConfig of a function: its versions run on Managed Instances, whose environments are kept started.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances.html

import type { CapacityProviderConfig, FunctionConfiguration } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { DocumentReader, Scope } from '#storage/state/state.ts';
import { checkConstraints, constraintViolated } from '../constraints.ts';
import type { VersionDocument } from '../documents.ts';
import {
  CAPACITY_PROVIDERS,
  capacityProviderArn,
  capacityProviderName,
  capacityProviderNotFound,
  type ManagedInstances,
} from './documents.ts';

const PROVIDER_ARN =
  /arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+/;
/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-runtimes.html */
const RUNTIMES = /^(python3\.1[3-9]|nodejs2[2-9]\.x|java(2[1-9])|dotnet([89]|10)|provided\.al2023)$/;
export const DEFAULT_MANAGED_MEMORY_MB = 2_048;
const DEFAULT_MEMORY_GIB_PER_VCPU = 2;
/** For each processor. */
const DEFAULT_CONCURRENCY: Readonly<Record<string, number>> = { nodejs: 64, python: 16 };
const DEFAULT_CONCURRENCY_ELSEWHERE = 32;

type Settings = Pick<VersionDocument, 'runtime' | 'memoryMb' | 'logging' | 'snapStart' | 'tenancy'>;

export function checkManagedInstances(config: CapacityProviderConfig | undefined): void {
  if (!config) return;
  const at = 'capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig';
  const instances = config.LambdaManagedInstancesCapacityProviderConfig;
  checkConstraints([
    { at: `${at}.capacityProviderArn`, value: instances?.CapacityProviderArn, min: 1, max: 140, pattern: PROVIDER_ARN },
    {
      at: `${at}.perExecutionEnvironmentMaxConcurrency`,
      value: instances?.PerExecutionEnvironmentMaxConcurrency,
      min: 1,
      max: 1_600,
    },
  ]);
  // Said with decimals, as the model has it.
  const ratio = instances?.ExecutionEnvironmentMemoryGiBPerVCpu;
  if (ratio !== undefined && !(ratio >= 2 && ratio <= 8)) {
    const constraint =
      ratio > 8
        ? 'Member must have value less than or equal to 8.0'
        : 'Member must have value greater than or equal to 2.0';
    throw constraintViolated(`${at}.executionEnvironmentMemoryGiBPerVCpu`, String(ratio), constraint);
  }
}

/** What a function's settings come to with a request; throws where they cannot be had on Managed Instances. */
export function applyManagedInstances(
  config: CapacityProviderConfig | undefined,
  before: ManagedInstances | undefined,
  settings: Settings,
): { managed?: ManagedInstances } {
  const asked = config?.LambdaManagedInstancesCapacityProviderConfig;
  if (!asked && !before) return {};
  checkManagedSettings(settings);
  const memoryGiBPerVCpu =
    asked?.ExecutionEnvironmentMemoryGiBPerVCpu ?? before?.memoryGiBPerVCpu ?? DEFAULT_MEMORY_GIB_PER_VCPU;
  return {
    managed: {
      capacityProviderArn: asked?.CapacityProviderArn ?? before!.capacityProviderArn,
      memoryGiBPerVCpu,
      concurrency:
        asked?.PerExecutionEnvironmentMaxConcurrency ??
        before?.concurrency ??
        defaultConcurrency(settings, memoryGiBPerVCpu),
    },
  };
}

function checkManagedSettings({ runtime, memoryMb, logging, snapStart, tenancy }: Settings): void {
  // Images have none.
  if (runtime !== '' && !RUNTIMES.test(runtime)) {
    throw invalid(`Runtime Enum ${runtime} does not support specified feature: Lambda Managed Instances`);
  }
  if (memoryMb < DEFAULT_MANAGED_MEMORY_MB) {
    throw invalid(
      `MemorySize must be at least ${DEFAULT_MANAGED_MEMORY_MB} MB for Lambda Managed Instances functions.`,
    );
  }
  if (logging.format !== 'JSON') throw invalid('Lambda Managed Instances functions support the JSON log format only.');
  if (snapStart === 'PublishedVersions')
    throw invalid('SnapStart is not supported for Lambda Managed Instances functions.');
  if (tenancy) throw invalid('Tenant isolation is not supported for Lambda Managed Instances functions.');
}

/** Functions are on Managed Instances from the beginning, or never. */
export function checkStaysManaged(
  config: CapacityProviderConfig | undefined,
  before: ManagedInstances | undefined,
): void {
  if (config && !before) throw invalid("CapacityProviderConfig isn't supported for Lambda Default functions.");
}

/** For what Managed Instances have no use for: their environments are there anyway. */
export function refuseManaged({ managed }: Pick<VersionDocument, 'managed'>, feature: string): void {
  if (managed) throw invalid(`${feature} is not supported for Lambda Managed Instances functions.`);
}

/** Throws ResourceNotFoundException where the function's capacity provider is not of this account and region, or not there. */
export async function checkProviderThere(
  documents: DocumentReader,
  scope: Scope,
  config: CapacityProviderConfig | undefined,
): Promise<void> {
  const arn = config?.LambdaManagedInstancesCapacityProviderConfig?.CapacityProviderArn;
  if (arn === undefined) return;
  const name = capacityProviderName(arn);
  if (arn === capacityProviderArn(scope, name) && (await documents.get(CAPACITY_PROVIDERS, scope, name))) return;
  throw capacityProviderNotFound(arn);
}

export function showManagedInstances(
  managed: ManagedInstances | undefined,
): Pick<FunctionConfiguration, 'CapacityProviderConfig'> {
  if (!managed) return {};
  return {
    CapacityProviderConfig: {
      LambdaManagedInstancesCapacityProviderConfig: {
        CapacityProviderArn: managed.capacityProviderArn,
        PerExecutionEnvironmentMaxConcurrency: managed.concurrency,
        ExecutionEnvironmentMemoryGiBPerVCpu: managed.memoryGiBPerVCpu,
      },
    },
  };
}

/** Of one environment. */
export function vCpusOf({ memoryMb, managed }: Pick<VersionDocument, 'memoryMb' | 'managed'>): number {
  return memoryMb / 1_024 / managed!.memoryGiBPerVCpu;
}

function defaultConcurrency({ runtime, memoryMb }: Settings, memoryGiBPerVCpu: number): number {
  const perVCpu = DEFAULT_CONCURRENCY[/^[a-z]+/.exec(runtime)?.[0] ?? ''] ?? DEFAULT_CONCURRENCY_ELSEWHERE;
  return Math.max(1, Math.floor((perVCpu * memoryMb) / 1_024 / memoryGiBPerVCpu));
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
