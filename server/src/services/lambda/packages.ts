// Which packages the documents of Lambda name: versions that were published from one another share theirs.

import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { FUNCTIONS, VERSIONS } from './documents.ts';
import { publishedVersions } from './function-table.ts';
import { LAYERS } from './layers/documents.ts';

/** The suffix of the ids of Lambda's blobs. */
export const BLOB_OWNER = 'lambda';

/** Of these packages, those that neither $LATEST nor a version of the function names in this transaction. */
export async function unnamedPackages(
  tx: Transaction,
  scope: Scope,
  name: string,
  packages: readonly string[],
): Promise<string[]> {
  const document = await tx.documents.get(FUNCTIONS, scope, name);
  const versions = document ? [document.latest, ...(await publishedVersions(tx.documents, scope, name))] : [];
  const named = new Set(versions.map(({ code }) => code.objectId));
  return [...new Set(packages)].filter((id) => !named.has(id));
}

/** Takes the packages that documents name out of `unnamed`: for the sweep after a crash. */
export async function strikeNamedPackages(
  { documents }: StateStore,
  unnamed: Set<string>,
  stopped: () => boolean,
): Promise<void> {
  for (const collection of [FUNCTIONS, VERSIONS, LAYERS] as const) {
    for await (const page of documents.scanPages<unknown>(collection)) {
      if (stopped()) return;
      for (const { value } of page) {
        const { latest, code } = value as { latest?: { code: { objectId: string } }; code?: { objectId: string } };
        unnamed.delete((latest?.code ?? code)!.objectId);
      }
    }
  }
}
