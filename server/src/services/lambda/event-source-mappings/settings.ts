// What a client may set on a mapping, checked in AWS's words.
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html

import type {
  CreateEventSourceMappingRequest,
  FilterCriteria,
  ProvisionedPollerConfig,
  UpdateEventSourceMappingRequest,
} from '@aws-sdk/client-lambda';
import type { OperationCall } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { compileRecordFilter } from '#engines/consumers/record-filter.ts';
import { type CheckedMember, checkConstraints, KMS_KEY } from '../constraints.ts';
import type { Target } from '../function-table.ts';
import type { MappingDocument } from './documents.ts';
import { queueAttributes } from './sqs-source.ts';

export type MappingRequest = CreateEventSourceMappingRequest | UpdateEventSourceMappingRequest;
export type MappingSettings = Pick<
  MappingDocument,
  | 'batchSize'
  | 'windowS'
  | 'filters'
  | 'reportsItemFailures'
  | 'maximumConcurrency'
  | 'pollers'
  | 'metrics'
  | 'kmsKeyArn'
>;

const MOST_FILTERS = 10;
/** https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html */
const FEWEST_POLLERS = 2;
const DEFAULT_MOST_POLLERS = 200;
const LARGEST_BATCH = 10_000;
/** What SQS gives at once; larger batches are gathered. */
const LARGEST_BATCH_WITHOUT_WINDOW = 10;

/** Of the other event sources. */
const NOT_FOR_QUEUES = [
  'StartingPositionTimestamp',
  'ParallelizationFactor',
  'DestinationConfig',
  'MaximumRecordAgeInSeconds',
  'BisectBatchOnFunctionError',
  'MaximumRetryAttempts',
  'TumblingWindowInSeconds',
  'Topics',
  'Queues',
  'SourceAccessConfigurations',
  'AmazonManagedKafkaEventSourceConfig',
  'SelfManagedKafkaEventSourceConfig',
  'DocumentDBEventSourceConfig',
  'LoggingConfig',
] as const;

const DESTINATION =
  /$|kafka:\/\/([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)/;
const KAFKA_NAME = /[a-zA-Z0-9-/*:_+=.@-]*/;

function ofKafka(
  at: string,
  config: MappingRequest['AmazonManagedKafkaEventSourceConfig'] | MappingRequest['SelfManagedKafkaEventSourceConfig'],
): CheckedMember[] {
  const registry = config?.SchemaRegistryConfig;
  return [
    { at: `${at}.consumerGroupId`, value: config?.ConsumerGroupId, min: 1, max: 200, pattern: KAFKA_NAME },
    {
      at: `${at}.schemaRegistryConfig.schemaRegistryURI`,
      value: registry?.SchemaRegistryURI,
      min: 1,
      max: 10_000,
      pattern: KAFKA_NAME,
    },
    {
      at: `${at}.schemaRegistryConfig.eventRecordFormat`,
      value: registry?.EventRecordFormat,
      oneOf: ['JSON', 'SOURCE'],
    },
  ];
}

function ofDocumentDb(config: MappingRequest['DocumentDBEventSourceConfig']): CheckedMember[] {
  const at = 'documentDBEventSourceConfig';
  return [
    { at: `${at}.databaseName`, value: config?.DatabaseName, min: 1, max: 63, pattern: /[^ /.$\x22]*/ },
    {
      at: `${at}.collectionName`,
      value: config?.CollectionName,
      min: 1,
      max: 57,
      pattern: /(^(?!(system\x2e)))(^[_a-zA-Z0-9])([^$]*)/,
    },
    { at: `${at}.fullDocument`, value: config?.FullDocument, oneOf: ['UpdateLookup', 'Default'] },
  ];
}

/** Members that an update does not have. */
function ofCreation({ Topics, Queues }: CreateEventSourceMappingRequest): CheckedMember[] {
  const topic = { min: 1, max: 249, pattern: /[^.]([a-zA-Z0-9\-_.]+)/ };
  return [
    { at: 'topics', values: Topics, min: 1, max: 1, each: topic },
    { at: 'queues', values: Queues, min: 1, max: 1, each: { min: 1, max: 1_000, pattern: /[\s\S]*/ } },
  ];
}

export function checkRequest(request: MappingRequest): void {
  checkConstraints([
    {
      at: 'startingPosition',
      value: (request as CreateEventSourceMappingRequest).StartingPosition,
      oneOf: ['LATEST', 'AT_TIMESTAMP', 'TRIM_HORIZON'],
    },
    { at: 'batchSize', value: request.BatchSize, min: 1, max: LARGEST_BATCH },
    { at: 'maximumBatchingWindowInSeconds', value: request.MaximumBatchingWindowInSeconds, min: 0, max: 300 },
    { at: 'scalingConfig.maximumConcurrency', value: request.ScalingConfig?.MaximumConcurrency, min: 2, max: 1_000 },
    {
      at: 'provisionedPollerConfig.minimumPollers',
      value: request.ProvisionedPollerConfig?.MinimumPollers,
      min: 1,
      max: 200,
    },
    {
      at: 'provisionedPollerConfig.maximumPollers',
      value: request.ProvisionedPollerConfig?.MaximumPollers,
      min: 1,
      max: 10_000,
    },
    { at: 'kMSKeyArn', value: request.KMSKeyArn, pattern: KMS_KEY },
    ...(request.FilterCriteria?.Filters ?? []).map(
      ({ Pattern }, index): CheckedMember => ({
        at: `filterCriteria.filters.${index + 1}.member.pattern`,
        value: Pattern,
        max: 4_096,
      }),
    ),
    {
      at: 'functionResponseTypes',
      values: request.FunctionResponseTypes,
      max: 1,
      each: { oneOf: ['ReportBatchItemFailures'] },
    },
    {
      at: 'metricsConfig.metrics',
      values: request.MetricsConfig?.Metrics,
      max: 3,
      each: { oneOf: ['EventCount', 'ErrorCount', 'KafkaMetrics'] },
    },
    { at: 'parallelizationFactor', value: request.ParallelizationFactor, min: 1, max: 10 },
    { at: 'maximumRecordAgeInSeconds', value: request.MaximumRecordAgeInSeconds, min: -1, max: 604_800 },
    { at: 'maximumRetryAttempts', value: request.MaximumRetryAttempts, min: -1, max: 10_000 },
    { at: 'tumblingWindowInSeconds', value: request.TumblingWindowInSeconds, min: 0, max: 900 },
    ...(['OnSuccess', 'OnFailure'] as const).map(
      (outcome): CheckedMember => ({
        at: `destinationConfig.${outcome === 'OnSuccess' ? 'onSuccess' : 'onFailure'}.destination`,
        value: request.DestinationConfig?.[outcome]?.Destination,
        max: 350,
        pattern: DESTINATION,
      }),
    ),
    {
      at: 'loggingConfig.systemLogLevel',
      value: request.LoggingConfig?.SystemLogLevel,
      oneOf: ['DEBUG', 'INFO', 'WARN'],
    },
    ...ofKafka('amazonManagedKafkaEventSourceConfig', request.AmazonManagedKafkaEventSourceConfig),
    ...ofKafka('selfManagedKafkaEventSourceConfig', request.SelfManagedKafkaEventSourceConfig),
    ...ofDocumentDb(request.DocumentDBEventSourceConfig),
    ...ofCreation(request as CreateEventSourceMappingRequest),
  ]);
}

/** The settings after a request was applied to those that a queue's mapping has. */
export function applySettings(current: MappingSettings, request: MappingRequest, fifo: boolean): MappingSettings {
  if ((request as CreateEventSourceMappingRequest).StartingPosition !== undefined) {
    throw invalidMapping('StartingPosition is not valid for SQS event sources.');
  }
  for (const name of NOT_FOR_QUEUES) {
    if ((request as CreateEventSourceMappingRequest)[name] !== undefined) {
      throw invalidMapping(`Unsupported ${name} parameter for given event source mapping type.`);
    }
  }
  const metrics = request.MetricsConfig ? (request.MetricsConfig.Metrics ?? []) : current.metrics;
  if (metrics?.some((metric) => metric !== 'EventCount')) {
    throw invalidMapping('Unsupported MetricsConfig parameter for given event source mapping type.');
  }
  const batchSize = request.BatchSize ?? current.batchSize;
  const windowS = request.MaximumBatchingWindowInSeconds ?? current.windowS;
  if (fifo && windowS > 0) throw invalidMapping('Batching window is not supported for FIFO queues');
  if (fifo && batchSize > LARGEST_BATCH_WITHOUT_WINDOW) {
    throw invalidMapping(`Batch size must not be greater than ${LARGEST_BATCH_WITHOUT_WINDOW} for FIFO queues`);
  }
  if (batchSize > LARGEST_BATCH_WITHOUT_WINDOW && windowS === 0) {
    throw invalidMapping(
      `Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than ${LARGEST_BATCH_WITHOUT_WINDOW}`,
    );
  }
  const filters = request.FilterCriteria ? readFilters(request.FilterCriteria) : current.filters;
  const maximumConcurrency = request.ScalingConfig
    ? request.ScalingConfig.MaximumConcurrency
    : current.maximumConcurrency;
  const pollers = request.ProvisionedPollerConfig ? readPollers(request.ProvisionedPollerConfig) : current.pollers;
  if (pollers && maximumConcurrency !== undefined) {
    throw invalidMapping('MaximumConcurrency and ProvisionedPollerConfig cannot be used together.');
  }
  const kmsKeyArn = request.KMSKeyArn === undefined ? current.kmsKeyArn : request.KMSKeyArn || undefined;
  return {
    batchSize,
    windowS,
    reportsItemFailures: request.FunctionResponseTypes
      ? request.FunctionResponseTypes.length > 0
      : current.reportsItemFailures,
    ...(filters?.length ? { filters } : {}),
    ...(maximumConcurrency === undefined ? {} : { maximumConcurrency }),
    ...(pollers === undefined ? {} : { pollers }),
    ...(metrics === undefined ? {} : { metrics }),
    ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
  };
}

/** An empty configuration ends provisioned mode. The texts are Brume's. */
function readPollers(config: ProvisionedPollerConfig): MappingDocument['pollers'] {
  if (config.PollerGroupName) throw invalidMapping('PollerGroupName is not supported for SQS event sources.');
  if (config.MinimumPollers === undefined && config.MaximumPollers === undefined) return undefined;
  const minimum = config.MinimumPollers ?? FEWEST_POLLERS;
  const maximum = config.MaximumPollers ?? Math.max(minimum, DEFAULT_MOST_POLLERS);
  if (minimum < FEWEST_POLLERS || maximum < FEWEST_POLLERS) {
    throw invalidMapping(`MinimumPollers and MaximumPollers must be at least ${FEWEST_POLLERS} for SQS event sources.`);
  }
  if (minimum > maximum) throw invalidMapping('MinimumPollers must not be greater than MaximumPollers.');
  return { minimum, maximum };
}

/** The queue has to be there, and to hide messages as long as the function may take. */
export async function checkQueue(call: OperationCall, queueArn: string, { version }: Target): Promise<void> {
  let attributes: Record<string, string>;
  try {
    attributes = await queueAttributes(call, queueArn);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const code = error.code === 'QueueDoesNotExist' ? 'AWS.SimpleQueueService.NonExistentQueue' : error.code;
    throw invalidMapping(
      `Error occurred while ReceiveMessage. SQS Error Code: ${code}. SQS Error Message: ${error.message}`,
    );
  }
  const visibilityS = Number(attributes.VisibilityTimeout);
  if (visibilityS < version.timeoutS) {
    throw invalidMapping(
      `Queue visibility timeout: ${visibilityS} seconds is less than Function timeout: ${version.timeoutS} seconds`,
    );
  }
}

export function invalidMapping(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}

function readFilters({ Filters = [] }: FilterCriteria): string[] {
  if (Filters.length > MOST_FILTERS) {
    throw invalidMapping(`The number of filters must not be greater than ${MOST_FILTERS}.`);
  }
  const patterns = Filters.map(({ Pattern }) => Pattern ?? '');
  try {
    compileRecordFilter(patterns, 'body');
  } catch {
    throw invalidMapping('Invalid filter pattern definition.');
  }
  return patterns;
}
