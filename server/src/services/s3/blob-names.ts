// Which blobs S3's documents name: for the sweep that removes those that none does.

import type { Collection, Scope, StateStore } from '#storage/state/state.ts';
import { BUCKETS, GLOBAL, OBJECTS, PARTS_OF_OBJECTS, UPLOADED_PARTS } from './documents.ts';

/** Documents that a sweep reads at a time; the lists of parts are larger. */
const PAGE = 1_000;
const PARTS_PAGE = 20;

/** Takes the blobs that objects and uploads name out of `unnamed`. */
export async function strikeNamedBlobs(state: StateStore, unnamed: Set<string>, stopped: () => boolean): Promise<void> {
  const pages = async <T>(collection: Collection<T>, scope: Scope, size: number, visit: (value: T) => void) => {
    let after: string | undefined;
    while (!stopped()) {
      const page = await state.documents.range(collection, scope, {
        limit: size,
        ...(after === undefined ? {} : { after }),
      });
      for (const { value } of page) visit(value);
      if (page.length < size) return;
      after = page.at(-1)!.key;
      // Room for others between two pages.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  /** All that have buckets. */
  const scopes = new Map<string, Scope>();
  await pages(BUCKETS, GLOBAL, PAGE, ({ account, region }) => {
    scopes.set(`${account} ${region}`, { account, region });
  });
  for (const scope of scopes.values()) {
    await pages(OBJECTS, scope, PAGE, ({ blob }) => unnamed.delete(blob ?? ''));
    await pages(UPLOADED_PARTS, scope, PAGE, ({ blob }) => unnamed.delete(blob ?? ''));
    await pages(PARTS_OF_OBJECTS, scope, PARTS_PAGE, (parts) => {
      for (const { blob } of parts) unnamed.delete(blob ?? '');
    });
  }
}
