// The RevisionId of a function, version or alias as its resource policy has it: one and the same, so that a change of the
// policy changes it too.

import { uuid } from '#core/ids.ts';
import type { DocumentReader, Transaction } from '#storage/state/state.ts';
import { ALIASES, FUNCTIONS, VERSIONS, versionKey } from './documents.ts';
import { type FunctionReference, functionNotFound, LATEST } from './function-name.ts';
import { withNewRevision } from './revision.ts';

const VERSION_NUMBER = /^\d+$/;

/** Throws ResourceNotFoundException when it is gone. */
export async function revisionOf(documents: DocumentReader, reference: FunctionReference): Promise<string> {
  const { scope, name, qualifier = LATEST } = reference;
  const found =
    qualifier === LATEST
      ? (await documents.get(FUNCTIONS, scope, name))?.latest
      : VERSION_NUMBER.test(qualifier)
        ? await documents.get(VERSIONS, scope, versionKey(name, qualifier))
        : await documents.get(ALIASES, scope, `${name}:${qualifier}`);
  if (!found) throw functionNotFound(reference);
  return found.revisionId;
}

/** Gives it a new one. Within `FunctionTable.write`, which forgets what was read of the function before. */
export async function renewRevision(tx: Transaction, reference: FunctionReference): Promise<void> {
  const { scope, name, qualifier = LATEST } = reference;
  if (qualifier === LATEST) {
    const document = (await tx.documents.get(FUNCTIONS, scope, name))!;
    await tx.documents.put(FUNCTIONS, scope, name, { ...document, latest: withNewRevision(document.latest) });
  } else if (VERSION_NUMBER.test(qualifier)) {
    const version = (await tx.documents.get(VERSIONS, scope, versionKey(name, qualifier)))!;
    await tx.documents.put(VERSIONS, scope, versionKey(name, qualifier), withNewRevision(version));
  } else {
    const key = `${name}:${qualifier}`;
    const alias = (await tx.documents.get(ALIASES, scope, key))!;
    await tx.documents.put(ALIASES, scope, key, { ...alias, revisionId: uuid() });
  }
}
