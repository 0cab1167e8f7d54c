// Code signing configurations, keyed by their id. A function names at most one, by its ARN.

import type { CodeSigningPolicy } from '@aws-sdk/client-lambda';
import { formatArn } from '#core/arn.ts';
import { defineCollection, type Scope } from '#storage/state/state.ts';

export interface CodeSigningDocument {
  id: string;
  description: string;
  /** Signing profile versions whose signatures count. */
  publishers: string[];
  untrustedArtifacts: CodeSigningPolicy;
  lastModifiedMs: number;
  tags?: Record<string, string>;
}

export const CODE_SIGNING_CONFIGS = defineCollection<CodeSigningDocument>('lambda.code-signing-configs');

export function codeSigningArn({ account, region }: Scope, id: string): string {
  return formatArn({ service: 'lambda', region, account, resource: `code-signing-config:${id}` });
}
