// A function's configuration: what clients may set, its defaults, and how Lambda shows it.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html

import type {
  CreateFunctionRequest,
  FunctionConfiguration,
  StateReasonCode,
  UpdateFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { LOG_LEVELS, SYSTEM_LOG_LEVELS } from '#engines/functions/log-level.ts';
import { checkConstraints, KMS_KEY } from './constraints.ts';
import type { VersionDocument } from './documents.ts';
import { applyDurableConfig, checkDurableConfig, showDurableConfig } from './durable-config.ts';
import { checkEnvironment } from './environment-limits.ts';
import { applyFileSystems, checkFileSystems, showFileSystems } from './file-systems.ts';
import { type FunctionReference, functionArn, LATEST } from './function-name.ts';
import { showImage } from './images.ts';
import {
  applyManagedInstances,
  checkManagedInstances,
  DEFAULT_MANAGED_MEMORY_MB,
  showManagedInstances,
} from './managed/configuration.ts';
import { checkTenancyConfig, showTenancy } from './tenancy.ts';

export type ConfigurationInput = CreateFunctionRequest & UpdateFunctionConfigurationRequest;

/** The part of a version that its configuration determines. */
export type Settings = Pick<
  VersionDocument,
  | 'runtime'
  | 'handler'
  | 'role'
  | 'description'
  | 'timeoutS'
  | 'memoryMb'
  | 'ephemeralStorageMb'
  | 'environment'
  | 'kmsKeyArn'
  | 'deadLetterArn'
  | 'tracing'
  | 'snapStart'
  | 'durable'
  | 'managed'
  | 'logging'
  | 'vpc'
  | 'layers'
  | 'fileSystems'
>;

const LONGEST_MANAGED_TIMEOUT_S = 5_400;
const LARGEST_MANAGED_MEMORY_MB = 32_768;
const ROLE = /arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+/;
const RESOURCE = /(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()/;

/** Checks the members that CreateFunction and UpdateFunctionConfiguration share. */
export function checkConfiguration(input: ConfigurationInput, operation: string, isManaged: boolean): void {
  checkConstraints([
    { at: 'role', value: input.Role, pattern: ROLE },
    { at: 'handler', value: input.Handler, max: 128, pattern: /[^\s]+/ },
    { at: 'description', value: input.Description, max: 256 },
    { at: 'timeout', value: input.Timeout, min: 1, max: isManaged ? LONGEST_MANAGED_TIMEOUT_S : 900 },
    { at: 'memorySize', value: input.MemorySize, min: 128, max: isManaged ? LARGEST_MANAGED_MEMORY_MB : 10_240 },
    { at: 'kMSKeyArn', value: input.KMSKeyArn, pattern: KMS_KEY },
    { at: 'deadLetterConfig.targetArn', value: input.DeadLetterConfig?.TargetArn, pattern: RESOURCE },
    { at: 'tracingConfig.mode', value: input.TracingConfig?.Mode, oneOf: ['Active', 'PassThrough'] },
    { at: 'snapStart.applyOn', value: input.SnapStart?.ApplyOn, oneOf: ['PublishedVersions', 'None'] },
    { at: 'ephemeralStorage.size', value: input.EphemeralStorage?.Size, min: 512, max: 10_240 },
    { at: 'imageConfig.workingDirectory', value: input.ImageConfig?.WorkingDirectory, max: 1_000 },
    { at: 'vpcConfig.subnetIds', values: input.VpcConfig?.SubnetIds, max: 16 },
    { at: 'vpcConfig.securityGroupIds', values: input.VpcConfig?.SecurityGroupIds, max: 5 },
    { at: 'loggingConfig.logFormat', value: input.LoggingConfig?.LogFormat, oneOf: ['JSON', 'Text'] },
    {
      at: 'loggingConfig.applicationLogLevel',
      value: input.LoggingConfig?.ApplicationLogLevel,
      oneOf: LOG_LEVELS,
    },
    { at: 'loggingConfig.systemLogLevel', value: input.LoggingConfig?.SystemLogLevel, oneOf: SYSTEM_LOG_LEVELS },
    {
      at: 'loggingConfig.logGroup',
      value: input.LoggingConfig?.LogGroup,
      min: 1,
      max: 512,
      pattern: /[.\-_/#A-Za-z0-9]+/,
    },
  ]);
  checkDurableConfig(input.DurableConfig);
  checkTenancyConfig(input.TenancyConfig);
  checkManagedInstances(input.CapacityProviderConfig);
  checkFileSystems(input.FileSystemConfigs, operation);
  if (input.Environment?.Variables) checkEnvironment(input.Environment.Variables);
  checkDeadLetterTarget(input.DeadLetterConfig?.TargetArn);
}

/** Levels belong to the format JSON, and go with it. */
function applyLogging(
  input: ConfigurationInput['LoggingConfig'],
  before: Settings['logging'],
  name: string,
): Settings['logging'] {
  const format = input?.LogFormat ?? before.format;
  const group = input?.LogGroup ?? (before.group || `/aws/lambda/${name}`);
  if (format === 'Text') {
    if (input?.ApplicationLogLevel !== undefined || input?.SystemLogLevel !== undefined) {
      throw new AwsError(
        'InvalidParameterValueException',
        'To set an application or system log level, you must first set LogFormat to JSON.',
      );
    }
    return { format, group };
  }
  return {
    format,
    group,
    applicationLevel: input?.ApplicationLogLevel ?? before.applicationLevel ?? 'INFO',
    systemLevel: input?.SystemLogLevel ?? before.systemLevel ?? 'INFO',
  };
}

function checkDeadLetterTarget(arn: string | undefined): void {
  if (!arn) return;
  const parts = parseArn(arn);
  if (parts && (parts.service === 'sqs' || parts.service === 'sns') && !arn.endsWith('.fifo')) return;
  throw new AwsError(
    'InvalidParameterValueException',
    `The provided dead letter config TargetArn ${arn} is invalid: it must be an SQS queue or an SNS topic, not FIFO.`,
  );
}

/** The settings after a request, over those before it (the defaults, for a new function). `layers` where it names some. */
export function applyConfiguration(
  input: ConfigurationInput,
  before: Settings,
  name: string,
  layers = before.layers,
): Settings {
  // An empty text takes it away, an empty configuration does not.
  const deadLetterArn = input.DeadLetterConfig?.TargetArn ?? before.deadLetterArn;
  const kmsKeyArn = input.KMSKeyArn ?? before.kmsKeyArn;
  const environment = input.Environment ? input.Environment.Variables : before.environment;
  const vpc = input.VpcConfig
    ? {
        subnetIds: input.VpcConfig.SubnetIds ?? [],
        securityGroupIds: input.VpcConfig.SecurityGroupIds ?? [],
        ipv6: input.VpcConfig.Ipv6AllowedForDualStack ?? false,
      }
    : before.vpc;
  const settings = {
    runtime: input.Runtime ?? before.runtime,
    handler: input.Handler ?? before.handler,
    role: input.Role ?? before.role,
    description: input.Description ?? before.description,
    timeoutS: input.Timeout ?? before.timeoutS,
    memoryMb: input.MemorySize ?? before.memoryMb,
    ephemeralStorageMb: input.EphemeralStorage?.Size ?? before.ephemeralStorageMb,
    tracing: input.TracingConfig?.Mode ?? before.tracing,
    snapStart: input.SnapStart?.ApplyOn ?? before.snapStart,
    logging: applyLogging(input.LoggingConfig, before.logging, name),
    ...applyDurableConfig(input.DurableConfig, before.durable),
    ...applyFileSystems(input.FileSystemConfigs, before.fileSystems),
    ...(environment ? { environment } : {}),
    ...(deadLetterArn ? { deadLetterArn } : {}),
    ...(kmsKeyArn ? { kmsKeyArn } : {}),
    ...(vpc ? { vpc } : {}),
    ...(layers && layers.length > 0 ? { layers } : {}),
  };
  const tenancy = input.TenancyConfig && { tenancy: input.TenancyConfig.TenantIsolationMode! };
  return {
    ...settings,
    ...applyManagedInstances(input.CapacityProviderConfig, before.managed, { ...settings, ...tenancy }),
  };
}

export const DEFAULT_SETTINGS: Settings = {
  runtime: '',
  handler: '',
  role: '',
  description: '',
  timeoutS: 3,
  memoryMb: 128,
  ephemeralStorageMb: 512,
  tracing: 'PassThrough',
  snapStart: 'None',
  logging: { format: 'Text', group: '' },
};

/** Of functions on Managed Instances. */
export const DEFAULT_MANAGED_SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  memoryMb: DEFAULT_MANAGED_MEMORY_MB,
  logging: { format: 'JSON', group: '' },
};

/** As GetFunctionConfiguration shows it; `qualifier` when the client named one. */
export function showConfiguration(
  reference: FunctionReference,
  version: VersionDocument,
  qualifier?: string,
): FunctionConfiguration {
  return {
    ...showListedConfiguration(reference, version, qualifier),
    State: version.state,
    ...(version.stateReason
      ? { StateReason: version.stateReason.reason, StateReasonCode: version.stateReason.code as StateReasonCode }
      : {}),
    ...(version.state === 'Pending'
      ? { StateReason: 'The function is being created.', StateReasonCode: 'Creating' as const }
      : version.updating
        ? {
            LastUpdateStatus: 'InProgress' as const,
            LastUpdateStatusReason: 'The function is being created.',
            // The SDK's list lacks the code that Lambda sends.
            LastUpdateStatusReasonCode: 'Creating' as never,
          }
        : { LastUpdateStatus: 'Successful' as const }),
    ...(version.image
      ? {}
      : {
          RuntimeVersionConfig: {
            RuntimeVersionArn: `arn:aws:lambda:${reference.scope.region}::runtime:${version.runtimeVersionHash}`,
          },
        }),
  };
}

/** ListFunctions leaves the states out. */
export function showListedConfiguration(
  reference: FunctionReference,
  version: VersionDocument,
  qualifier?: string,
): FunctionConfiguration {
  const { logging, vpc, environment } = version;
  return {
    FunctionName: reference.name,
    FunctionArn: functionArn(reference, qualifier ?? (version.version === LATEST ? undefined : version.version)),
    ...(version.image ? {} : { Runtime: version.runtime as FunctionConfiguration['Runtime'] }),
    Role: version.role,
    ...(version.image ? {} : { Handler: version.handler }),
    CodeSize: version.code.sizeBytes,
    Description: version.description,
    Timeout: version.timeoutS,
    MemorySize: version.memoryMb,
    LastModified: showTime(version.lastModifiedMs),
    CodeSha256: version.code.sha256,
    Version: version.version,
    ...(vpc
      ? {
          VpcConfig: {
            SubnetIds: vpc.subnetIds,
            SecurityGroupIds: vpc.securityGroupIds,
            VpcId: '',
            Ipv6AllowedForDualStack: vpc.ipv6,
          },
        }
      : {}),
    ...(version.deadLetterArn === undefined ? {} : { DeadLetterConfig: { TargetArn: version.deadLetterArn } }),
    ...(environment ? { Environment: { Variables: environment } } : {}),
    ...(version.kmsKeyArn === undefined ? {} : { KMSKeyArn: version.kmsKeyArn }),
    TracingConfig: { Mode: version.tracing },
    ...(version.layers
      ? { Layers: version.layers.map(({ arn, code }) => ({ Arn: arn, CodeSize: code.sizeBytes })) }
      : {}),
    ...showFileSystems(version.fileSystems),
    RevisionId: version.revisionId,
    PackageType: version.packageType,
    ...showImage(version),
    Architectures: version.architectures,
    EphemeralStorage: { Size: version.ephemeralStorageMb },
    SnapStart: {
      ApplyOn: version.snapStart,
      OptimizationStatus: version.snapStart === 'PublishedVersions' && version.version !== LATEST ? 'On' : 'Off',
    },
    LoggingConfig: {
      LogFormat: logging.format,
      ...(logging.applicationLevel === undefined ? {} : { ApplicationLogLevel: logging.applicationLevel }),
      ...(logging.systemLevel === undefined ? {} : { SystemLogLevel: logging.systemLevel }),
      LogGroup: logging.group,
    },
    ...showDurableConfig(version.durable),
    ...showTenancy(version.tenancy),
    ...showManagedInstances(version.managed),
  };
}

/** `2026-11-23T01:00:00.000+0000` */
export function showTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000');
}
