// Where processors read and where they may write.

import { getAt, type JsonObject, setAt } from './key-path.ts';
import { TransformConfigError, TransformError } from './transform-error.ts';
import type { TransformedEvent } from './transformer.ts';

const DEEPEST_KEY = 3;

/** Throws TransformConfigError; gives the paths back. */
export function checkPath(path: string): string {
  const keys = path.split('.');
  if (keys.length > DEEPEST_KEY) {
    throw new TransformConfigError(`The key '${path}' is nested deeper than ${DEEPEST_KEY} levels.`);
  }
  if (keys.includes('')) throw new TransformConfigError(`Invalid key: '${path}'`);
  return path;
}

/** The text that a parser reads; undefined when the event has no text there. */
export function textAt({ root, message }: TransformedEvent, source: string | undefined): string | undefined {
  if (source === undefined || source === '@message') return message;
  const value = getAt(root, source);
  return typeof value === 'string' ? value : undefined;
}

/** The object that a parser writes into. Throws TransformError when something else stands there. */
export function objectAt(root: JsonObject, destination: string | undefined): JsonObject {
  if (destination === undefined) return root;
  const known = getAt(root, destination);
  if (typeof known === 'object' && known !== null && !Array.isArray(known)) return known as JsonObject;
  const made: JsonObject = {};
  if (!setAt(root, destination, made)) throw new TransformError(`${destination} is not an object`);
  return made;
}
