// Pages of queue URLs: ListQueues and ListDeadLetterSourceQueues.

import { invalidParameterValue, invalidValue, isWithin } from './errors.ts';
import type { Queue } from './queue.ts';

const MAX_RESULTS = 1_000;

/** Queues come sorted by name; the token is the name of the last one given. Without MaxResults there is no token. */
export function pageOf(
  queues: readonly Queue[],
  maxResults: number | undefined,
  nextToken: string | undefined,
): { page: readonly Queue[]; nextToken: string | undefined } {
  if (maxResults !== undefined && !isWithin(maxResults, 1, MAX_RESULTS)) {
    throw invalidValue(maxResults, 'MaxResults', `Must be an integer from 1 to ${MAX_RESULTS}.`);
  }
  const after = nextToken === undefined ? undefined : openToken(nextToken);
  const rest = after === undefined ? queues : queues.filter(({ name }) => name > after);
  const page = rest.slice(0, maxResults ?? MAX_RESULTS);
  const more = maxResults !== undefined && rest.length > page.length;
  return { page, nextToken: more ? Buffer.from(`1:${page.at(-1)!.name}`).toString('base64') : undefined };
}

function openToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString();
  if (!text.startsWith('1:')) throw invalidParameterValue('Invalid or expired next token.');
  return text.slice(2);
}
