// What Lambda keeps: one document a function, with its unpublished version inside. Published versions and aliases will be
// documents of their own with the same configuration, keyed `name:qualifier`.

import type { Architecture, LogFormat, PackageType, TracingMode } from '@aws-sdk/client-lambda';
import { defineCollection } from '#storage/state/state.ts';
import type { PolicyStatement } from './resource-policy.ts';

export interface FunctionDocument {
  name: string;
  /** Of the unpublished version. */
  latest: VersionDocument;
  tags: Record<string, string>;
  /** Set by PutFunctionConcurrency. */
  reservedConcurrency?: number;
}

/** Code and configuration of one version. */
export interface VersionDocument {
  version: string;
  /** Absent for what is not run by a managed runtime. */
  runtime: string;
  handler: string;
  role: string;
  description: string;
  timeoutS: number;
  memoryMb: number;
  ephemeralStorageMb: number;
  packageType: PackageType;
  architectures: Architecture[];
  environment?: Record<string, string>;
  kmsKeyArn?: string;
  deadLetterArn?: string;
  tracing: TracingMode;
  snapStart: 'PublishedVersions' | 'None';
  logging: { format: LogFormat; group: string };
  vpc?: { subnetIds: string[]; securityGroupIds: string[]; ipv6: boolean };
  code: CodeReference;
  runtimeVersionHash: string;
  lastModifiedMs: number;
  revisionId: string;
  state: 'Pending' | 'Active';
  updating: boolean;
}

export interface CodeReference {
  /** Of the package in the object store. */
  objectId: string;
  sizeBytes: number;
  /** Base64, as in CodeSha256. */
  sha256: string;
}

export const FUNCTIONS = defineCollection<FunctionDocument>('lambda.functions');

/** Resource policies, keyed by the function's name or `name:qualifier`. */
export interface PolicyDocument {
  revisionId: string;
  statements: PolicyStatement[];
}

export const POLICIES = defineCollection<PolicyDocument>('lambda.policies');
