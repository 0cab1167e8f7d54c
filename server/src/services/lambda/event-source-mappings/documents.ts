// What Lambda keeps of an event source mapping: one document each, keyed by its UUID.

import { formatArn } from '#core/arn.ts';
import { defineCollection, type Scope } from '#storage/state/state.ts';
import type { FunctionReference } from '../function-name.ts';

export interface MappingDocument {
  uuid: string;
  functionName: string;
  qualifier?: string;
  eventSourceArn: string;
  enabled: boolean;
  state: 'Creating' | 'Enabling' | 'Enabled' | 'Disabling' | 'Disabled' | 'Updating' | 'Deleting';
  lastModifiedMs: number;
  batchSize: number;
  windowS: number;
  /** Patterns; a record passes by one of them. */
  filters?: string[];
  reportsItemFailures: boolean;
  maximumConcurrency?: number;
  /** Provisioned mode. */
  pollers?: { minimum: number; maximum: number };
  metrics?: string[];
  kmsKeyArn?: string;
  tags: Record<string, string>;
}

export const MAPPINGS = defineCollection<MappingDocument>('lambda.event-source-mappings');

export function mappingArn(scope: Scope, uuid: string): string {
  return formatArn({ service: 'lambda', ...scope, resource: `event-source-mapping:${uuid}` });
}

export function functionOf(scope: Scope, { functionName, qualifier }: MappingDocument): FunctionReference {
  return { scope, name: functionName, ...(qualifier === undefined ? {} : { qualifier }) };
}
