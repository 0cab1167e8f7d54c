// What Lambda keeps: one document a function, with its unpublished version inside. Published versions, aliases and what
// hangs on a qualifier are documents of their own, keyed `name:qualifier`; no name holds a colon.

import type {
  ApplicationLogLevel,
  Architecture,
  LogFormat,
  PackageType,
  SystemLogLevel,
  TracingMode,
} from '@aws-sdk/client-lambda';
import type { FileSystem, ImageDefaults, ImageOverrides } from '#engines/functions/function-engine.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { ManagedInstances } from './managed/documents.ts';
import type { PolicyStatement } from './resource-policy.ts';

export interface FunctionDocument {
  name: string;
  /** Of the unpublished version. */
  latest: VersionDocument;
  tags: Record<string, string>;
  /** Set by PutFunctionConcurrency. */
  reservedConcurrency?: number;
  /** The number that was last given to a published version; none is given twice. */
  lastVersion?: number;
  /** Set by PutFunctionRecursionConfig; Terminate by default. */
  recursiveLoop?: 'Allow' | 'Terminate';
  codeSigningConfigArn?: string;
}

/** Code and configuration of one version. */
export interface VersionDocument {
  version: string;
  /** Empty, as the handler, for a container image. */
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
  /** Set when the function is created, for good. */
  tenancy?: 'PER_TENANT';
  /** Of functions on Managed Instances. */
  managed?: ManagedInstances;
  /** Of durable functions. */
  durable?: { timeoutS: number; retentionDays: number; kmsKeyArn?: string };
  logging: {
    format: LogFormat;
    group: string;
    /** Of the format JSON. */
    applicationLevel?: ApplicationLogLevel;
    systemLevel?: SystemLogLevel;
  };
  vpc?: { subnetIds: string[]; securityGroupIds: string[]; ipv6: boolean };
  fileSystems?: FileSystem[];
  code: CodeReference;
  /** Of a function from a container image. */
  image?: ImageDocument;
  layers?: FunctionLayer[];
  runtimeVersionHash: string;
  lastModifiedMs: number;
  revisionId: string;
  /** The RevisionId under which its environments run, where that is an earlier one. */
  runningRevision?: string;
  state: 'Pending' | 'Active' | 'ActiveNonInvocable' | 'Deactivating' | 'Deactivated' | 'Failed';
  /** Of a version that failed. */
  stateReason?: { code: string; reason: string };
  updating: boolean;
  /** Of a published version: tells whether $LATEST has changed since. */
  fingerprint?: string;
}

export interface ImageDocument {
  /** As the function's author named it. */
  uri: string;
  /** With the digest that the tag stood for. */
  resolvedUri: string;
  /** Of its files and configuration. */
  id: string;
  defaults: ImageDefaults;
  /** Set by ImageConfig. */
  overrides?: ImageOverrides;
}

export interface CodeReference {
  /** Of the package in the object store; empty where there is none: for images and directories. */
  objectId: string;
  sizeBytes: number;
  /** As in CodeSha256: base64, hexadecimal for an image. */
  sha256: string;
  /** Where the code lies, and is run from as it is then; there is no package. */
  directory?: string;
}

/** A layer as a function names it: it keeps the package, also when the layer is deleted. */
export interface FunctionLayer {
  arn: string;
  code: CodeReference;
}

export const FUNCTIONS = defineCollection<FunctionDocument>('lambda.functions');

/** Published versions, keyed so that they stand in the order of their numbers. */
export const VERSIONS = defineCollection<VersionDocument>('lambda.versions');

const VERSION_DIGITS = 10;

export function versionKey(name: string, version: string): string {
  return `${name}:${version.padStart(VERSION_DIGITS, '0')}`;
}

export interface AliasDocument {
  alias: string;
  description: string;
  /** The version that it points to. */
  version: string;
  /** A second version and its share of the invocations, in [0, 1]. */
  routing?: { version: string; weight: number };
  revisionId: string;
}

export const ALIASES = defineCollection<AliasDocument>('lambda.aliases');

/** Resource policies, keyed by the function's name or `name:qualifier`. Their revision is that of what they belong to. */
export interface PolicyDocument {
  statements: PolicyStatement[];
}

/** Invoked as $LATEST or without a qualifier, a function has the policy of its own name. */
export function policyKey({ name, qualifier }: { name: string; qualifier?: string }): string {
  return qualifier === undefined || qualifier === '$LATEST' ? name : `${name}:${qualifier}`;
}

export const POLICIES = defineCollection<PolicyDocument>('lambda.policies');
