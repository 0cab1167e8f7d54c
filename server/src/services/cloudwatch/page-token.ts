// Tokens that continue a listing: what they hold, as base64url of JSON. A foreign text is an invalid token.

import { invalidNextToken } from './errors.ts';

export function writeToken(content: unknown): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/** Undefined without a token. */
export function readToken<T>(
  token: string | undefined,
  isContent: (content: unknown) => content is T,
  invalid: () => Error = invalidNextToken,
): T | undefined {
  if (token === undefined) return undefined;
  try {
    const content: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (isContent(content) && writeToken(content) === token) return content;
  } catch {
    // Not JSON: falls through to the error that every foreign token gets.
  }
  throw invalid();
}

export function isText(content: unknown): content is string {
  return typeof content === 'string';
}

export function isInteger(content: unknown): content is number {
  return Number.isSafeInteger(content);
}
