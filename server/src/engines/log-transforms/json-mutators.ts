// addKeys, copyValue, deleteKeys, listToMap, moveKeys, renameKeys.

import type { AddKeys, CopyValue, DeleteKeys, ListToMap, MoveKeys, RenameKeys } from '@aws-sdk/client-cloudwatch-logs';
import { define, deleteAt, getAt, isObject, type JsonObject, setAt } from './key-path.ts';
import { checkPath, objectAt } from './source.ts';
import { TransformConfigError } from './transform-error.ts';
import type { CompiledProcessor, TransformedEvent } from './transformer.ts';

export function compileAddKeys({ entries }: AddKeys): CompiledProcessor {
  for (const { key } of entries!) checkPath(key!);
  return ({ root }) => {
    for (const { key, value, overwriteIfExists = false } of entries!) setAt(root, key!, value, overwriteIfExists);
  };
}

export function compileCopyValue({ entries }: CopyValue): CompiledProcessor {
  for (const { source, target } of entries!) {
    checkPath(source!);
    checkPath(target!);
  }
  return (event) => {
    for (const { source, target, overwriteIfExists = false } of entries!) {
      const value = metadataOf(event, source!) ?? getAt(event.root, source!);
      if (value !== undefined) setAt(event.root, target!, structuredClone(value), overwriteIfExists);
    }
  };
}

export function compileDeleteKeys({ withKeys }: DeleteKeys): CompiledProcessor {
  for (const key of withKeys!) checkPath(key);
  return ({ root }) => {
    for (const key of withKeys!) deleteAt(root, key);
  };
}

/** Into a target that is an object the key moves under its own name. */
export function compileMoveKeys({ entries }: MoveKeys): CompiledProcessor {
  for (const { source, target } of entries!) {
    checkPath(source!);
    checkPath(target!);
  }
  return ({ root }) => {
    for (const { source, target, overwriteIfExists = false } of entries!) {
      const value = getAt(root, source!);
      // Not into itself: an object cannot hold itself.
      if (value === undefined || `${target!}.`.startsWith(`${source!}.`)) continue;
      const inside = isObject(getAt(root, target!));
      const path = inside ? `${target}.${source!.split('.').at(-1)}` : target!;
      if (setAt(root, path, value, overwriteIfExists)) deleteAt(root, source!);
    }
  };
}

/** The new name stands for the whole key: `a.b` renamed to `c` is `c` at the root. */
export function compileRenameKeys({ entries }: RenameKeys): CompiledProcessor {
  for (const { key, renameTo } of entries!) {
    checkPath(key!);
    checkPath(renameTo!);
  }
  return ({ root }) => {
    for (const { key, renameTo, overwriteIfExists = false } of entries!) {
      const value = getAt(root, key!);
      if (value === undefined || `${renameTo!}.`.startsWith(`${key!}.`)) continue;
      if (setAt(root, renameTo!, value, overwriteIfExists)) deleteAt(root, key!);
    }
  };
}

export function compileListToMap(settings: ListToMap): CompiledProcessor {
  const { source, key, valueKey, target, flatten = false, flattenedElement } = settings;
  checkPath(source!);
  if (target !== undefined) checkPath(target);
  if (flatten && flattenedElement === undefined) {
    throw new TransformConfigError('flattenedElement is required when flatten is true.');
  }
  return ({ root }) => {
    const list = getAt(root, source!);
    if (!Array.isArray(list)) return;
    const found = new Map<string, unknown[]>();
    for (const item of list) {
      if (!isObject(item)) continue;
      const name = getAt(item, key!);
      const value = valueKey === undefined ? item : getAt(item, valueKey);
      if ((typeof name !== 'string' && typeof name !== 'number') || value === undefined) continue;
      found.set(String(name), [...(found.get(String(name)) ?? []), value]);
    }
    const into: JsonObject = objectAt(root, target);
    for (const [name, values] of found) {
      define(into, name, flatten ? (flattenedElement === 'first' ? values[0] : values.at(-1)) : values);
    }
  };
}

function metadataOf({ origin }: TransformedEvent, key: string): string | undefined {
  switch (key) {
    case '@logGroupName':
      return origin.logGroupName;
    case '@logGroupStream':
    case '@logStreamName':
      return origin.logStreamName;
    case '@accountId':
      return origin.accountId;
    case '@regionName':
      return origin.regionName;
    default:
      return undefined;
  }
}
