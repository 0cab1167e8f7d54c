// What clients ask for as provisioned concurrency, keyed `name:qualifier`.

import { type DocumentReader, defineCollection, type Scope } from '#storage/state/state.ts';

export interface ProvisionedDocument {
  /** A version or an alias. */
  qualifier: string;
  requested: number;
  lastModifiedMs: number;
}

export const PROVISIONED = defineCollection<ProvisionedDocument>('lambda.provisioned-concurrency');

/** How many environments all versions and aliases of a function ask for, `except` one of them. */
export async function requestedInAll(
  documents: DocumentReader,
  scope: Scope,
  name: string,
  except?: string,
): Promise<number> {
  const configurations = await documents.range(PROVISIONED, scope, { prefix: `${name}:` });
  return configurations
    .filter(({ value }) => value.qualifier !== except)
    .reduce((total, { value }) => total + value.requested, 0);
}
