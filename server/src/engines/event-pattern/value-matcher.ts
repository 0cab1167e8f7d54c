// One match value of a pattern, as a test of a single scalar of the event.

import { BlockList, isIP } from 'node:net';

/** A scalar of an event. Objects and arrays are never tested themselves. */
export type Scalar = string | number | boolean | null;

export type ValueMatcher = (value: Scalar) => boolean;

/** `null`, `true`, `false` and text are equal to themselves, numbers by value (300 is 300.0). */
export function equalTo(expected: Scalar): ValueMatcher {
  return (value) => value === expected;
}

export function oneOf(expected: readonly Scalar[]): ValueMatcher {
  const set = new Set(expected);
  return (value) => set.has(value);
}

/** Any scalar that none of them matches. */
export function noneOf(matchers: readonly ValueMatcher[]): ValueMatcher {
  return (value) => !matchers.some((matches) => matches(value));
}

export function startingWith(prefix: string, ignoreCase = false): ValueMatcher {
  const wanted = ignoreCase ? fold(prefix) : prefix;
  return onText((text) => (ignoreCase ? fold(text) : text).startsWith(wanted));
}

export function endingWith(suffix: string, ignoreCase = false): ValueMatcher {
  const wanted = ignoreCase ? fold(suffix) : suffix;
  return onText((text) => (ignoreCase ? fold(text) : text).endsWith(wanted));
}

export function equalIgnoringCase(expected: string): ValueMatcher {
  const wanted = fold(expected);
  return onText((text) => fold(text) === wanted);
}

/** `pieces` are the literal texts around the asterisks: at least two. Linear in the text for each piece. */
export function wildcard(pieces: readonly string[]): ValueMatcher {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const middle = pieces.slice(1, -1);
  return onText((text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let at = first.length;
    for (const piece of middle) {
      at = text.indexOf(piece, at);
      if (at < 0 || at + piece.length > end) return false;
      at += piece.length;
    }
    return true;
  });
}

export interface NumericRange {
  bottom: number;
  openBottom: boolean;
  top: number;
  openTop: boolean;
}

export function within({ bottom, openBottom, top, openTop }: NumericRange): ValueMatcher {
  return (value) =>
    typeof value === 'number' &&
    (openBottom ? value > bottom : value >= bottom) &&
    (openTop ? value < top : value <= top);
}

/** An address block, or undefined when the text is none. */
export function inBlock(cidr: string): ValueMatcher | undefined {
  const [address = '', bits = '', ...rest] = cidr.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) {
    return undefined;
  }
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(address, Number(bits), family);
  return onText((text) => isIP(text) === version && block.check(text, family));
}

function onText(matches: (text: string) => boolean): ValueMatcher {
  return (value) => typeof value === 'string' && matches(value);
}

function fold(text: string): string {
  return text.toLowerCase();
}
