// Which packages the documents of Lambda name: versions that were published from one another share theirs.

import type { Collection, DocumentReader, Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { FUNCTIONS, VERSIONS, type VersionDocument } from './documents.ts';
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
  return [...new Set(packages)].filter((id) => id !== '' && !named.has(id));
}

/** Whether a function or a version of one, in whatever account, names the package of a layer. */
export async function isPackageNamed(documents: DocumentReader, objectId: string): Promise<boolean> {
  for (const { value } of await documents.scan(FUNCTIONS)) if (packagesOf(value.latest).includes(objectId)) return true;
  for (const { value } of await documents.scan(VERSIONS)) if (packagesOf(value).includes(objectId)) return true;
  return false;
}

/** Takes the packages that documents name out of `unnamed`: for the sweep after a crash. */
export async function strikeNamedPackages(
  { documents }: StateStore,
  unnamed: Set<string>,
  stopped: () => boolean,
): Promise<void> {
  const strike = async <T>(collection: Collection<T>, packages: (value: T) => string[]) => {
    for await (const page of documents.scanPages(collection)) {
      if (stopped()) return;
      for (const { value } of page) for (const id of packages(value)) unnamed.delete(id);
    }
  };
  await strike(FUNCTIONS, ({ latest }) => packagesOf(latest));
  await strike(VERSIONS, packagesOf);
  await strike(LAYERS, ({ code }) => [code.objectId]);
}

function packagesOf({ code, layers = [] }: VersionDocument): string[] {
  return [code.objectId, ...layers.map((layer) => layer.code.objectId)];
}
