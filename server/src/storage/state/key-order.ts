// Keys are ordered by their UTF-8 bytes, which is the order of code points; JavaScript's own `<` compares UTF-16 units.

const LAST_BEFORE_SURROGATES = 0xd7ff;
const FIRST_AFTER_SURROGATES = 0xe000;
const LAST_CODE_POINT = 0x10ffff;

export function compareKeys(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The least key above every key with this prefix; undefined when there is none. */
export function prefixEnd(prefix: string): string | undefined {
  const codePoints = Array.from(prefix);
  for (;;) {
    const last = codePoints.pop();
    if (last === undefined) return undefined;
    const codePoint = last.codePointAt(0)!;
    if (codePoint === LAST_CODE_POINT) continue;
    const next = codePoint === LAST_BEFORE_SURROGATES ? FIRST_AFTER_SURROGATES : codePoint + 1;
    return codePoints.join('') + String.fromCodePoint(next);
  }
}
