// Keys of a transformed event, as `outer.inner`. Only own properties count, so no key reaches into prototypes.

export type JsonObject = { [key: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Undefined when there is nothing at the path. */
export function getAt(root: JsonObject, path: string): unknown {
  const found = locate(root, path);
  return found && ownValue(found.holder, found.key);
}

/** Makes the objects on the way; false, and nothing changed, when something else is in the way or a value is kept. */
export function setAt(root: JsonObject, path: string, value: unknown, overwrite = true): boolean {
  const keys = path.split('.');
  let holder = root;
  for (const key of keys.slice(0, -1)) {
    const inner = ownValue(holder, key);
    if (inner !== undefined && !isObject(inner)) return false;
    const next: JsonObject = inner ?? {};
    if (inner === undefined) define(holder, key, next);
    holder = next;
  }
  const last = keys.at(-1)!;
  if (!overwrite && Object.hasOwn(holder, last)) return false;
  define(holder, last, value);
  return true;
}

export function deleteAt(root: JsonObject, path: string): void {
  const found = locate(root, path);
  if (found) delete found.holder[found.key];
}

/** Of a plain key. */
export function define(holder: JsonObject, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
  } else holder[key] = value;
}

function locate(root: JsonObject, path: string): { holder: JsonObject; key: string } | undefined {
  if (Object.hasOwn(root, path)) return { holder: root, key: path };
  const keys = path.split('.');
  let holder = root;
  for (const key of keys.slice(0, -1)) {
    const inner = ownValue(holder, key);
    if (!isObject(inner)) return undefined;
    holder = inner;
  }
  const key = keys.at(-1)!;
  return Object.hasOwn(holder, key) ? { holder, key } : undefined;
}

function ownValue(holder: JsonObject, key: string): unknown {
  return Object.hasOwn(holder, key) ? holder[key] : undefined;
}
