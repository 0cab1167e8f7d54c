// Pages of a hundred: ListTopics, ListSubscriptions and ListSubscriptionsByTopic.

import { invalidParameter } from './errors.ts';

const PAGE = 100;

/** Items come in ascending order of their key; the token holds the key of the last one given. */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  token: string | undefined,
): { page: T[]; nextToken: string | undefined } {
  const after = token === undefined || token === '' ? undefined : openToken(token);
  const rest = after === undefined ? items : items.filter((item) => keyOf(item) > after);
  const page = rest.slice(0, PAGE);
  const more = rest.length > PAGE;
  return { page, nextToken: more ? Buffer.from(`1:${keyOf(page.at(-1)!)}`).toString('base64') : undefined };
}

function openToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString();
  if (!text.startsWith('1:')) throw invalidParameter('NextToken');
  return text.slice(2);
}
