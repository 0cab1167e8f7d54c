// CreateEventSourceMapping, GetEventSourceMapping, ListEventSourceMappings, UpdateEventSourceMapping, DeleteEventSourceMapping:
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html

import type {
  CreateEventSourceMappingRequest,
  DeleteEventSourceMappingRequest,
  EventSourceMappingConfiguration,
  GetEventSourceMappingRequest,
  ListEventSourceMappingsRequest,
  ListEventSourceMappingsResponse,
  UpdateEventSourceMappingRequest,
} from '@aws-sdk/client-lambda';
import { parseArn } from '#core/arn.ts';
import { AwsError, notImplemented } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Scope } from '#storage/state/state.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { type FunctionReference, functionArn, readFunctionName } from '../function-name.ts';
import type { Target } from '../function-table.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { checkTags } from '../tags.ts';
import { refuseTenancy } from '../tenancy.ts';
import { functionOf, MAPPINGS, type MappingDocument, mappingArn } from './documents.ts';
import { isFifo, Pollers } from './pollers.ts';
import { applySettings, checkQueue, checkRequest, invalidMapping, type MappingSettings } from './settings.ts';

const ARN = /arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)/;
/** Clients may ask for up to 10,000, but get no more than this at once. */
const LARGEST_PAGE = 100;
const DEFAULTS: MappingSettings = { batchSize: 10, windowS: 0, reportsItemFailures: false };

export interface EventSourceMappings {
  operations: Record<string, Handler>;
  start(): Promise<void>;
  stop(): Promise<void>;
  reset(): Promise<void>;
}

export function createEventSourceMappings(dependencies: LambdaDependencies): EventSourceMappings {
  const { state, clock, call } = dependencies;
  const pollers = new Pollers(dependencies);
  const show = (scope: Scope, mapping: MappingDocument) =>
    showMapping(scope, mapping, pollers.lastResult(mapping.uuid));

  async function create(
    request: CreateEventSourceMappingRequest,
    context: RequestContext,
  ): Promise<EventSourceMappingConfiguration> {
    checkConstraints([{ at: 'eventSourceArn', value: request.EventSourceArn, pattern: ARN }]);
    checkRequest(request);
    const scope = scopeOf(context);
    const reference = readFunctionName(request.FunctionName!, scope);
    const eventSourceArn = readSource(request);
    const settings = applySettings(DEFAULTS, request, isFifo(eventSourceArn));
    const tags = request.Tags ?? {};
    checkTags(tags);
    const target = await findTarget(dependencies, reference);
    refuseTenancy(target.version, 'Event source mapping');
    await checkQueue(call, eventSourceArn, target);
    const enabled = request.Enabled ?? true;
    const mapping: MappingDocument = {
      uuid: uuid(),
      functionName: reference.name,
      ...(reference.qualifier === undefined ? {} : { qualifier: reference.qualifier }),
      eventSourceArn,
      enabled,
      state: 'Creating',
      lastModifiedMs: clock.now(),
      ...settings,
      tags,
    };
    await state.transact(async (tx) => {
      for (const { value } of await tx.documents.range(MAPPINGS, scope)) refuseSecond(value, mapping);
      await tx.documents.put(MAPPINGS, scope, mapping.uuid, mapping);
    });
    pollers.change(scope, mapping.uuid);
    return show(scope, mapping);
  }

  async function get(
    { UUID }: GetEventSourceMappingRequest,
    context: RequestContext,
  ): Promise<EventSourceMappingConfiguration> {
    const scope = scopeOf(context);
    const mapping = await state.documents.get(MAPPINGS, scope, UUID!);
    if (!mapping) throw mappingNotFound();
    return show(scope, mapping);
  }

  async function list(
    request: ListEventSourceMappingsRequest,
    context: RequestContext,
  ): Promise<ListEventSourceMappingsResponse> {
    checkConstraints([
      { at: 'eventSourceArn', value: request.EventSourceArn, pattern: ARN },
      { at: 'maxItems', value: request.MaxItems, min: 1, max: 10_000 },
    ]);
    const scope = scopeOf(context);
    const wanted = request.FunctionName === undefined ? undefined : readFunctionName(request.FunctionName, scope);
    const limit = Math.min(request.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const after = request.Marker ? readMarker(request.Marker) : undefined;
    const found = (await state.documents.range(MAPPINGS, scope, after === undefined ? {} : { after })).filter(
      ({ value }) =>
        (request.EventSourceArn === undefined || value.eventSourceArn === request.EventSourceArn) &&
        (wanted === undefined || isOf(value, wanted)),
    );
    const page = found.slice(0, limit);
    return {
      EventSourceMappings: page.map(({ value }) => show(scope, value)),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  }

  async function update(
    request: UpdateEventSourceMappingRequest,
    context: RequestContext,
  ): Promise<EventSourceMappingConfiguration> {
    checkRequest(request);
    const scope = scopeOf(context);
    const asked = request.FunctionName === undefined ? undefined : readFunctionName(request.FunctionName, scope);
    const mappingId = request.UUID!;
    const inTime = await pollers.settled(mappingId);
    const current = await state.documents.get(MAPPINGS, scope, mappingId);
    if (!current) throw mappingNotFound();
    if (!inTime) throw mappingInUse('update');
    const settings = applySettings(current, request, isFifo(current.eventSourceArn));
    const reference = asked ?? functionOf(scope, current);
    // A mapping whose function or queue has gone can still be disabled.
    if (asked || request.Enabled !== false) {
      const target = await findTarget(dependencies, reference);
      refuseTenancy(target.version, 'Event source mapping');
      await checkQueue(call, current.eventSourceArn, target);
    }
    const enabled = request.Enabled ?? current.enabled;
    const turned = enabled ? ('Enabling' as const) : ('Disabling' as const);
    const mapping: MappingDocument = {
      uuid: mappingId,
      functionName: reference.name,
      ...(reference.qualifier === undefined ? {} : { qualifier: reference.qualifier }),
      eventSourceArn: current.eventSourceArn,
      enabled,
      state: enabled === current.enabled ? 'Updating' : turned,
      lastModifiedMs: clock.now(),
      ...settings,
      tags: current.tags,
    };
    await state.transact(async (tx) => {
      const latest = await tx.documents.get(MAPPINGS, scope, mappingId);
      if (!latest) throw mappingNotFound();
      for (const { value } of await tx.documents.range(MAPPINGS, scope)) refuseSecond(value, mapping);
      await tx.documents.put(MAPPINGS, scope, mappingId, { ...mapping, tags: latest.tags });
    });
    pollers.change(scope, mappingId);
    return show(scope, mapping);
  }

  async function remove(
    { UUID }: DeleteEventSourceMappingRequest,
    context: RequestContext,
  ): Promise<EventSourceMappingConfiguration> {
    const scope = scopeOf(context);
    const mappingId = UUID!;
    const inTime = await pollers.settled(mappingId);
    const mapping = await state.transact(async (tx) => {
      const current = await tx.documents.get(MAPPINGS, scope, mappingId);
      if (!current) throw mappingNotFound();
      if (!inTime) throw mappingInUse('delete');
      const next: MappingDocument = {
        ...current,
        enabled: false,
        state: 'Deleting',
        lastModifiedMs: clock.now(),
      };
      await tx.documents.put(MAPPINGS, scope, mappingId, next);
      return next;
    });
    const shown = show(scope, mapping);
    pollers.change(scope, mappingId);
    return shown;
  }

  return {
    operations: {
      CreateEventSourceMapping: create,
      DeleteEventSourceMapping: remove,
      GetEventSourceMapping: get,
      ListEventSourceMappings: list,
      UpdateEventSourceMapping: update,
    },
    start: () => pollers.start(),
    stop: () => pollers.stop(),
    reset: () => pollers.reset(),
  };
}

function showMapping(
  scope: Scope,
  mapping: MappingDocument,
  lastResult: string | undefined,
): EventSourceMappingConfiguration {
  const { name, qualifier } = functionOf(scope, mapping);
  return {
    UUID: mapping.uuid,
    BatchSize: mapping.batchSize,
    MaximumBatchingWindowInSeconds: mapping.windowS,
    EventSourceArn: mapping.eventSourceArn,
    FunctionArn: functionArn({ scope, name }, qualifier),
    LastModified: new Date(mapping.lastModifiedMs),
    State: mapping.state,
    StateTransitionReason: 'USER_INITIATED',
    FunctionResponseTypes: mapping.reportsItemFailures ? ['ReportBatchItemFailures'] : [],
    EventSourceMappingArn: mappingArn(scope, mapping.uuid),
    ...(lastResult === undefined ? {} : { LastProcessingResult: lastResult }),
    ...(mapping.filters ? { FilterCriteria: { Filters: mapping.filters.map((Pattern) => ({ Pattern })) } } : {}),
    ...(mapping.maximumConcurrency === undefined
      ? {}
      : { ScalingConfig: { MaximumConcurrency: mapping.maximumConcurrency } }),
    ...(mapping.pollers
      ? {
          ProvisionedPollerConfig: {
            MinimumPollers: mapping.pollers.minimum,
            MaximumPollers: mapping.pollers.maximum,
          },
        }
      : {}),
    ...(mapping.metrics ? { MetricsConfig: { Metrics: mapping.metrics as 'EventCount'[] } } : {}),
    ...(mapping.kmsKeyArn === undefined ? {} : { KMSKeyArn: mapping.kmsKeyArn }),
  };
}

/** The queue's ARN; other sources come with the services that they belong to. */
function readSource({ EventSourceArn, SelfManagedEventSource }: CreateEventSourceMappingRequest): string {
  if (SelfManagedEventSource) throw notImplemented('CreateEventSourceMapping', 'SelfManagedEventSource');
  const service = EventSourceArn === undefined ? undefined : parseArn(EventSourceArn)?.service;
  switch (service) {
    case 'sqs':
      return EventSourceArn!;
    case 'kinesis':
    case 'dynamodb':
    case 'kafka':
    case 'mq':
    case 'rds':
      throw notImplemented('CreateEventSourceMapping', `EventSourceArn of ${service} (${EventSourceArn})`);
    default:
      throw invalidMapping('Unrecognized event source.');
  }
}

async function findTarget({ table, activation }: LambdaDependencies, reference: FunctionReference): Promise<Target> {
  if (!(await table.find(reference.scope, reference.name))) throw invalidMapping('Function does not exist');
  await activation.settled(reference);
  return table.resolve(reference);
}

function refuseSecond(existing: MappingDocument, mapping: MappingDocument): void {
  if (existing.uuid === mapping.uuid || existing.eventSourceArn !== mapping.eventSourceArn) return;
  if (existing.functionName !== mapping.functionName || existing.qualifier !== mapping.qualifier) return;
  throw new AwsError(
    'ResourceConflictException',
    `An event source mapping with SQS arn (" ${mapping.eventSourceArn} ") and function (" ${mapping.functionName} ") already exists. Please update or delete the existing mapping with UUID ${existing.uuid}`,
    { fields: { Type: 'User' } },
  );
}

/** Without a qualifier, the mappings of all versions and aliases. */
function isOf(mapping: MappingDocument, { name, qualifier }: FunctionReference): boolean {
  return mapping.functionName === name && (qualifier === undefined || mapping.qualifier === qualifier);
}

function scopeOf({ account, region }: RequestContext): Scope {
  return { account, region };
}

function mappingNotFound(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', {
    fields: { Type: 'User' },
  });
}

function mappingInUse(action: string): AwsError {
  return new AwsError('ResourceInUseException', `Cannot ${action} the event source mapping because it is in use.`, {
    fields: { Type: 'User' },
  });
}
