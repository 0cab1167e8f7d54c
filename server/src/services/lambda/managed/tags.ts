// The tags of capacity providers, for the operations on tags.

import { parseArn } from '#core/arn.ts';
import type { StateStore } from '#storage/state/state.ts';
import { CAPACITY_PROVIDERS, capacityProviderName, capacityProviderNotFound } from './documents.ts';

type Tags = Record<string, string>;

export function isCapacityProvider(arn: string): boolean {
  return parseArn(arn)?.resource.startsWith('capacity-provider:') ?? false;
}

/** Throws ResourceNotFoundException when there is no such capacity provider. */
export async function providerTags(state: StateStore, arn: string): Promise<Tags> {
  const { account, region } = parseArn(arn)!;
  const provider = await state.documents.get(CAPACITY_PROVIDERS, { account, region }, capacityProviderName(arn));
  if (!provider) throw capacityProviderNotFound(arn);
  return provider.tags;
}

export async function changeProviderTags(state: StateStore, arn: string, change: (tags: Tags) => Tags): Promise<void> {
  const { account, region } = parseArn(arn)!;
  const [scope, name] = [{ account, region }, capacityProviderName(arn)];
  await state.transact(async (tx) => {
    const provider = await tx.documents.get(CAPACITY_PROVIDERS, scope, name);
    if (!provider) throw capacityProviderNotFound(arn);
    await tx.documents.put(CAPACITY_PROVIDERS, scope, name, { ...provider, tags: change(provider.tags) });
  });
}
