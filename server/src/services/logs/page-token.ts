// Tokens of listings: the sort key of the last item given.

import { AwsError } from '#core/errors.ts';
import { Constraints, type InvalidInputCode } from './constraints.ts';

export type SortKey = readonly (string | number)[];

export function pageToken(key: SortKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Throws the error that the operation's model has when the token is not one of this listing. */
export function openPageToken(
  token: string,
  kinds: readonly ('string' | 'number')[],
  code?: InvalidInputCode,
): SortKey {
  new Constraints().text('nextToken', token, { min: 1 }).check(code);
  try {
    const key: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(key) && key.length === kinds.length && key.every((part, i) => typeof part === kinds[i]))
      return key;
  } catch {}
  throw invalidToken(code);
}

export function invalidToken(code: InvalidInputCode = 'InvalidParameterException'): AwsError {
  return new AwsError(code, 'The specified nextToken is invalid.');
}

/** Up to `limit` of the items, sorted by one text, that come after the token. */
export function pageByName<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  limit: number,
  token: string | undefined,
  code?: InvalidInputCode,
): { page: Item[]; nextToken: string | undefined } {
  const after = token === undefined ? undefined : (openPageToken(token, ['string'], code)[0] as string);
  const start = after === undefined ? 0 : firstAfter(items, nameOf, after);
  const page = items.slice(start, start + limit);
  const more = start + limit < items.length;
  return { page, nextToken: more ? pageToken([nameOf(page.at(-1)!)]) : undefined };
}

/** Binary search: the items are sorted. */
function firstAfter<Item>(items: readonly Item[], nameOf: (item: Item) => string, after: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (nameOf(items[middle]!) <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
