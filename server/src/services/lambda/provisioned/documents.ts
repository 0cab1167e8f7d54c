// What clients ask for as provisioned concurrency, keyed `name:qualifier`.

import { defineCollection } from '#storage/state/state.ts';

export interface ProvisionedDocument {
  /** A version or an alias. */
  qualifier: string;
  requested: number;
  lastModifiedMs: number;
}

export const PROVISIONED = defineCollection<ProvisionedDocument>('lambda.provisioned-concurrency');
