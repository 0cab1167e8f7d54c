// What hangs on a function, or on a version or an alias of it, and goes with it.

import type { Collection, Scope, Transaction } from '#storage/state/state.ts';
import { POLICIES } from './documents.ts';
import { EVENT_INVOKE_CONFIGS } from './event-invoke/documents.ts';
import { FUNCTION_URLS } from './function-urls/documents.ts';
import { FUNCTION_SCALING } from './managed/documents.ts';
import { PROVISIONED } from './provisioned/documents.ts';
import { RUNTIME_MANAGEMENT } from './settings/runtime-management.ts';

/** Keyed `name:qualifier`; a function's own under its bare name where there is such a thing. */
const QUALIFIED: readonly Collection<unknown>[] = [
  EVENT_INVOKE_CONFIGS,
  FUNCTION_SCALING,
  FUNCTION_URLS,
  POLICIES,
  PROVISIONED,
  RUNTIME_MANAGEMENT,
];

/** Deletes what hangs on this qualifier; without one, on the function and all its qualifiers. */
export async function deleteQualified(tx: Transaction, scope: Scope, name: string, qualifier?: string): Promise<void> {
  for (const collection of QUALIFIED) {
    if (qualifier !== undefined) await tx.documents.delete(collection, scope, `${name}:${qualifier}`);
    else {
      await tx.documents.delete(collection, scope, name);
      await tx.documents.deleteRange(collection, scope, { prefix: `${name}:` });
    }
  }
}
