// Create, Get, List, Update and DeleteCapacityProvider, ListFunctionVersionsByCapacityProvider:
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateCapacityProvider.html
// The capacity is this machine: what is said of networks, instances and roles is kept, the limit of processors is honoured.

import type {
  CapacityProvider,
  CapacityProviderScalingConfig,
  CapacityProviderState,
  CreateCapacityProviderRequest,
  CreateCapacityProviderResponse,
  DeleteCapacityProviderRequest,
  DeleteCapacityProviderResponse,
  GetCapacityProviderRequest,
  GetCapacityProviderResponse,
  ListCapacityProvidersRequest,
  ListCapacityProvidersResponse,
  ListFunctionVersionsByCapacityProviderRequest,
  ListFunctionVersionsByCapacityProviderResponse,
  UpdateCapacityProviderRequest,
  UpdateCapacityProviderResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { DocumentReader, Scope } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkArchitectures } from '../architectures.ts';
import { showTime } from '../configuration.ts';
import { type CheckedMember, checkConstraints, constraintViolated } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS, VERSIONS } from '../documents.ts';
import { functionArn } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { checkTags } from '../tags.ts';
import {
  CAPACITY_PROVIDERS,
  type CapacityProviderDocument,
  capacityProviderArn,
  capacityProviderName,
  capacityProviderNotFound,
  type ProviderScaling,
} from './documents.ts';

const NAME =
  /(arn:aws[a-zA-Z-]*:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:capacity-provider:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+/;
const ROLE = /arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+/;
const KMS_KEY = /arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*/;
const INSTANCE_TYPE = /[a-zA-Z0-9.-]+/;
const STATES = ['Pending', 'Active', 'Failed', 'Deleting'] as const;
const MOST_PROVIDERS = 1_000;
const MOST_SUBNETS = 16;
const MOST_SECURITY_GROUPS = 5;
const MOST_POLICIES = 10;
const LARGEST_PAGE = 50;
const DEFAULT_SCALING: ProviderScaling = { maxVCpuCount: 400, mode: 'Auto' };

export function createCapacityProvider({ state, clock }: LambdaDependencies) {
  return async (
    input: CreateCapacityProviderRequest,
    context: RequestContext,
  ): Promise<CreateCapacityProviderResponse> => {
    const { scope, name } = readProvider(input.CapacityProviderName!, context);
    const { SubnetIds = [], SecurityGroupIds = [] } = input.VpcConfig!;
    const instances = input.InstanceRequirements ?? {};
    checkConstraints([
      {
        at: 'permissionsConfig.capacityProviderOperatorRoleArn',
        value: input.PermissionsConfig!.CapacityProviderOperatorRoleArn,
        pattern: ROLE,
      },
      { at: 'kmsKeyArn', value: input.KmsKeyArn, max: 10_000, pattern: KMS_KEY },
      ...typesChecked('allowedInstanceTypes', instances.AllowedInstanceTypes),
      ...typesChecked('excludedInstanceTypes', instances.ExcludedInstanceTypes),
    ]);
    checkSize('vpcConfig.subnetIds', SubnetIds, 1, MOST_SUBNETS);
    checkSize('vpcConfig.securityGroupIds', SecurityGroupIds, 0, MOST_SECURITY_GROUPS);
    checkArchitectures(instances.Architectures);
    if (instances.AllowedInstanceTypes?.length && instances.ExcludedInstanceTypes?.length) {
      throw invalid('AllowedInstanceTypes and ExcludedInstanceTypes cannot be specified together.');
    }
    const tags = input.Tags ?? {};
    checkTags(tags);
    const provider: CapacityProviderDocument = {
      name,
      subnetIds: SubnetIds,
      securityGroupIds: SecurityGroupIds,
      operatorRoleArn: input.PermissionsConfig!.CapacityProviderOperatorRoleArn!,
      instances: {
        architectures: instances.Architectures?.length ? instances.Architectures : ['x86_64'],
        ...(instances.AllowedInstanceTypes?.length ? { allowedTypes: instances.AllowedInstanceTypes } : {}),
        ...(instances.ExcludedInstanceTypes?.length ? { excludedTypes: instances.ExcludedInstanceTypes } : {}),
      },
      scaling: readScaling(input.CapacityProviderScalingConfig, DEFAULT_SCALING),
      ...(input.KmsKeyArn ? { kmsKeyArn: input.KmsKeyArn } : {}),
      tags,
      lastModifiedMs: clock.now(),
    };
    await state.transact(async (tx) => {
      const there = await tx.documents.range(CAPACITY_PROVIDERS, scope, { limit: MOST_PROVIDERS });
      if (there.some(({ key }) => key === name)) {
        throw new AwsError('ResourceConflictException', `Capacity provider already exists: ${name}`, USER);
      }
      if (there.length === MOST_PROVIDERS) {
        throw new AwsError(
          'CapacityProviderLimitExceededException',
          `The maximum number of capacity providers (${MOST_PROVIDERS}) has been exceeded.`,
          USER,
        );
      }
      await tx.documents.put(CAPACITY_PROVIDERS, scope, name, provider);
    });
    return { CapacityProvider: show(scope, provider, 'Pending') };
  };
}

export function getCapacityProvider({ state }: LambdaDependencies) {
  return async (input: GetCapacityProviderRequest, context: RequestContext): Promise<GetCapacityProviderResponse> => {
    const { scope, name } = readProvider(input.CapacityProviderName!, context);
    return { CapacityProvider: show(scope, await find(state.documents, scope, name), 'Active') };
  };
}

/** All are Active: the machine is there already. */
export function listCapacityProviders({ state }: LambdaDependencies) {
  return async (
    input: ListCapacityProvidersRequest,
    { account, region }: RequestContext,
  ): Promise<ListCapacityProvidersResponse> => {
    checkConstraints([
      { at: 'state', value: input.State, oneOf: STATES },
      { at: 'maxItems', value: input.MaxItems, min: 1, max: LARGEST_PAGE },
    ]);
    if (input.State !== undefined && input.State !== 'Active') return { CapacityProviders: [] };
    const scope = { account, region };
    const limit = input.MaxItems ?? LARGEST_PAGE;
    const found = await state.documents.range(CAPACITY_PROVIDERS, scope, {
      limit: limit + 1,
      ...(input.Marker ? { after: readMarker(input.Marker) } : {}),
    });
    const page = found.slice(0, limit);
    return {
      CapacityProviders: page.map(({ value }) => show(scope, value, 'Active')),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

export function updateCapacityProvider({ state, clock, managed }: LambdaDependencies) {
  return async (
    input: UpdateCapacityProviderRequest,
    context: RequestContext,
  ): Promise<UpdateCapacityProviderResponse> => {
    const { scope, name } = readProvider(input.CapacityProviderName!, context);
    const provider = await state.transact(async (tx) => {
      const before = await find(tx.documents, scope, name);
      const after = {
        ...before,
        scaling: readScaling(input.CapacityProviderScalingConfig, before.scaling),
        lastModifiedMs: clock.now(),
      };
      await tx.documents.put(CAPACITY_PROVIDERS, scope, name, after);
      return after;
    });
    await managed.providerChanged(scope, capacityProviderArn(scope, name));
    return { CapacityProvider: show(scope, provider, 'Active') };
  };
}

export function deleteCapacityProvider({ state }: LambdaDependencies) {
  return async (
    input: DeleteCapacityProviderRequest,
    context: RequestContext,
  ): Promise<DeleteCapacityProviderResponse> => {
    const { scope, name } = readProvider(input.CapacityProviderName!, context);
    const arn = capacityProviderArn(scope, name);
    const provider = await state.transact(async (tx) => {
      const there = await find(tx.documents, scope, name);
      const functions = await tx.documents.range(FUNCTIONS, scope);
      const isUsed =
        functions.some(({ value }) => value.latest.managed?.capacityProviderArn === arn) ||
        (await versionsOn(tx.documents, scope, arn)).length > 0;
      if (isUsed) {
        throw new AwsError(
          'ResourceConflictException',
          `Capacity provider ${name} cannot be deleted because functions use it.`,
          USER,
        );
      }
      await tx.documents.delete(CAPACITY_PROVIDERS, scope, name);
      return there;
    });
    return { CapacityProvider: show(scope, provider, 'Deleting') };
  };
}

export function listFunctionVersionsByCapacityProvider({ state }: LambdaDependencies) {
  return async (
    input: ListFunctionVersionsByCapacityProviderRequest,
    context: RequestContext,
  ): Promise<ListFunctionVersionsByCapacityProviderResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: LARGEST_PAGE }]);
    const { scope, name } = readProvider(input.CapacityProviderName!, context);
    await find(state.documents, scope, name);
    const arn = capacityProviderArn(scope, name);
    const limit = input.MaxItems ?? LARGEST_PAGE;
    const found = await versionsOn(state.documents, scope, arn, input.Marker ? readMarker(input.Marker) : undefined);
    const page = found.slice(0, limit);
    return {
      CapacityProviderArn: arn,
      FunctionVersions: page.map(({ key, value }) => ({
        FunctionArn: functionArn({ scope, name: key.slice(0, key.indexOf(':')) }, value.version),
        State: value.state,
      })),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

/** Those that were published. */
async function versionsOn(documents: DocumentReader, scope: Scope, arn: string, after?: string) {
  const versions = await documents.range(VERSIONS, scope, after === undefined ? {} : { after });
  return versions.filter(({ value }) => value.managed?.capacityProviderArn === arn);
}

async function find(documents: DocumentReader, scope: Scope, name: string): Promise<CapacityProviderDocument> {
  const provider = await documents.get(CAPACITY_PROVIDERS, scope, name);
  if (!provider) throw capacityProviderNotFound(capacityProviderArn(scope, name));
  return provider;
}

/** In the caller's account and region, which is the only place to look. */
function readProvider(text: string, { account, region }: RequestContext): { scope: Scope; name: string } {
  checkConstraints([{ at: 'capacityProviderName', value: text, min: 1, max: 140, pattern: NAME }]);
  const scope = { account, region };
  const name = capacityProviderName(text);
  if (text !== name && text !== capacityProviderArn(scope, name)) throw capacityProviderNotFound(text);
  return { scope, name };
}

function readScaling(config: CapacityProviderScalingConfig | undefined, before: ProviderScaling): ProviderScaling {
  if (!config) return before;
  const at = 'capacityProviderScalingConfig';
  checkConstraints([
    { at: `${at}.maxVCpuCount`, value: config.MaxVCpuCount, min: 2, max: 15_000 },
    { at: `${at}.scalingMode`, value: config.ScalingMode, oneOf: ['Auto', 'Manual'] },
    ...(config.ScalingPolicies ?? []).flatMap(({ PredefinedMetricType, TargetValue }, index): CheckedMember[] => [
      {
        at: `${at}.scalingPolicies.${index + 1}.member.predefinedMetricType`,
        value: PredefinedMetricType,
        oneOf: ['LambdaCapacityProviderAverageCPUUtilization'],
      },
      { at: `${at}.scalingPolicies.${index + 1}.member.targetValue`, value: TargetValue, min: 0, max: 100 },
    ]),
  ]);
  if (config.ScalingPolicies) checkSize(`${at}.scalingPolicies`, config.ScalingPolicies, 1, MOST_POLICIES);
  const mode = config.ScalingMode ?? before.mode;
  const policies =
    config.ScalingPolicies?.map(({ PredefinedMetricType, TargetValue }) => ({
      metric: PredefinedMetricType!,
      target: TargetValue!,
    })) ?? before.policies;
  if (mode === 'Auto' && config.ScalingPolicies) {
    throw invalid('ScalingPolicies can be specified with the scaling mode Manual only.');
  }
  return {
    maxVCpuCount: config.MaxVCpuCount ?? before.maxVCpuCount,
    mode,
    ...(mode === 'Manual' && policies ? { policies } : {}),
  };
}

function typesChecked(name: string, types: readonly string[] = []): CheckedMember[] {
  return types.map((value, index) => ({
    at: `instanceRequirements.${name}.${index + 1}.member`,
    value,
    min: 1,
    max: 30,
    pattern: INSTANCE_TYPE,
  }));
}

function checkSize(at: string, list: readonly unknown[], min: number, max: number): void {
  const shown = `[${list.map(String).join(', ')}]`;
  if (list.length > max) throw constraintViolated(at, shown, `Member must have length less than or equal to ${max}`);
  if (list.length < min) throw constraintViolated(at, shown, `Member must have length greater than or equal to ${min}`);
}

function show(scope: Scope, provider: CapacityProviderDocument, state: CapacityProviderState): CapacityProvider {
  const { instances, scaling, kmsKeyArn } = provider;
  return {
    CapacityProviderArn: capacityProviderArn(scope, provider.name),
    State: state,
    VpcConfig: { SubnetIds: provider.subnetIds, SecurityGroupIds: provider.securityGroupIds },
    PermissionsConfig: { CapacityProviderOperatorRoleArn: provider.operatorRoleArn },
    InstanceRequirements: {
      Architectures: instances.architectures as ('x86_64' | 'arm64')[],
      ...(instances.allowedTypes ? { AllowedInstanceTypes: instances.allowedTypes } : {}),
      ...(instances.excludedTypes ? { ExcludedInstanceTypes: instances.excludedTypes } : {}),
    },
    CapacityProviderScalingConfig: {
      MaxVCpuCount: scaling.maxVCpuCount,
      ScalingMode: scaling.mode,
      ...(scaling.policies
        ? {
            ScalingPolicies: scaling.policies.map(({ metric, target }) => ({
              PredefinedMetricType: metric as 'LambdaCapacityProviderAverageCPUUtilization',
              TargetValue: target,
            })),
          }
        : {}),
    },
    ...(kmsKeyArn === undefined ? {} : { KmsKeyArn: kmsKeyArn }),
    LastModified: showTime(provider.lastModifiedMs),
  };
}

const USER = { fields: { Type: 'User' } };

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, USER);
}
