// The tags of code signing configurations, for the operations on tags.

import { parseArn } from '#core/arn.ts';
import type { StateStore } from '#storage/state/state.ts';
import { notFound, readId, scopeOf } from './configs.ts';
import { CODE_SIGNING_CONFIGS } from './documents.ts';

type Tags = Record<string, string>;

export function isCodeSigningConfig(arn: string): boolean {
  return parseArn(arn)?.resource.startsWith('code-signing-config:') ?? false;
}

/** Throws ResourceNotFoundException when there is no such configuration. */
export async function codeSigningTags(state: StateStore, arn: string): Promise<Tags> {
  const document = await state.documents.get(CODE_SIGNING_CONFIGS, scopeOf(parseArn(arn)!), readId(arn));
  if (!document) throw notFound(arn);
  return document.tags ?? {};
}

export async function changeCodeSigningTags(
  state: StateStore,
  arn: string,
  change: (tags: Tags) => Tags,
): Promise<void> {
  const [scope, id] = [scopeOf(parseArn(arn)!), readId(arn)];
  await state.transact(async (tx) => {
    const document = await tx.documents.get(CODE_SIGNING_CONFIGS, scope, id);
    if (!document) throw notFound(arn);
    await tx.documents.put(CODE_SIGNING_CONFIGS, scope, id, { ...document, tags: change(document.tags ?? {}) });
  });
}
