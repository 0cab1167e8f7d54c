// Lambda Managed Instances: capacity providers, and what was asked for as the scaling of function versions on them.

import { formatArn, parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { defineCollection, type Scope } from '#storage/state/state.ts';

export interface CapacityProviderDocument {
  name: string;
  subnetIds: string[];
  securityGroupIds: string[];
  operatorRoleArn: string;
  instances: { architectures: string[]; allowedTypes?: string[]; excludedTypes?: string[] };
  scaling: ProviderScaling;
  kmsKeyArn?: string;
  tags: Record<string, string>;
  lastModifiedMs: number;
}

export interface ProviderScaling {
  /** Of all environments together that it keeps. */
  maxVCpuCount: number;
  mode: 'Auto' | 'Manual';
  policies?: { metric: string; target: number }[];
}

/** Keyed by name. */
export const CAPACITY_PROVIDERS = defineCollection<CapacityProviderDocument>('lambda.capacity-providers');

/** Numbers of environments; absent where nothing was said. */
export interface FunctionScalingDocument {
  minimum?: number;
  maximum?: number;
}

/** Keyed `name:version`. */
export const FUNCTION_SCALING = defineCollection<FunctionScalingDocument>('lambda.function-scaling');

/** Where a function's versions run, in its documents. */
export interface ManagedInstances {
  capacityProviderArn: string;
  /** Invocations at once, of one environment. */
  concurrency: number;
  memoryGiBPerVCpu: number;
}

export function capacityProviderArn({ account, region }: Scope, name: string): string {
  return formatArn({ service: 'lambda', region, account, resource: `capacity-provider:${name}` });
}

/** The name in an ARN, or the name itself. */
export function capacityProviderName(nameOrArn: string): string {
  return parseArn(nameOrArn)?.resource.replace('capacity-provider:', '') ?? nameOrArn;
}

export function capacityProviderNotFound(arn: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Capacity provider not found: ${arn}`, { fields: { Type: 'User' } });
}
