// What a word of a masked message is by its looks, as far as that tells constant text from values: words of letters are
// mostly what a programmer wrote, whereas paths, host names and whatever has digits are values.

import { VARIABLE } from './variables.ts';

/** A part of a template's word that differs between messages. */
export const WILDCARD = '\u0002';
/** A word of a template in the place of any number of words, none too. */
export const GAP = '\u0006';

/**
 * `marks`: punctuation only. `value`: a variable part with punctuation at most. `path`: letters with what is variable, a
 * path, an address. `compound`: letters joined by dots or underscores, which are names as often as values. `state`: capitals,
 * a participle or a truth value, which are seldom values. `text`: any other word.
 */
export type WordKind = 'marks' | 'value' | 'path' | 'compound' | 'state' | 'text';

export interface Word {
  text: string;
  /** Of the whole word, or of what follows its key. */
  kind: WordKind;
  /** `user=` of `user=root`, with the mark; empty for other words. */
  key: string;
}

const MOST_REMEMBERED = 20_000;
/** `user=`, `LOGIN(uid=`, `time:`, and what is led by dots to its value. */
const KEY =
  /^(?:[^\u0001\u0002=/\\@]*[A-Za-z_][^\u0001\u0002=/\\@]*=|["'([{<]*[A-Za-z_]\w*:(?=[^:])|[A-Za-z][\w-]*\.{2,})/;
const PATH = new RegExp(`[/\\\\@${VARIABLE}${WILDCARD}]`);
const COMPOUND = /\p{L}[._]\p{L}/u;
const CAPITALS = /^[^\p{L}]*\p{Lu}[\p{Lu}_]+[^\p{L}]*$/u;
const PARTICIPLE = /^[^\p{L}]*\p{L}{2,}(ed|ing)\b/u;
const TRUTH = /^[^\p{L}]*(true|false|yes|no|null|none|on|off)[^\p{L}]*$/iu;

/** Looks words up, and remembers them: few of them come again and again. */
export class Vocabulary {
  readonly #words = new Map<string, Word>();

  word(text: string): Word {
    let word = this.#words.get(text);
    if (!word) {
      if (this.#words.size >= MOST_REMEMBERED) this.#words.clear();
      word = wordOf(text);
      this.#words.set(text, word);
    }
    return word;
  }
}

export function wordOf(text: string): Word {
  const key = KEY.exec(text)?.[0] ?? '';
  // A mark that ends a word tells no value from a key.
  if (key === '' || key.length === text.length) return { text, kind: kindOf(text), key: '' };
  return { text, kind: kindOf(text.slice(key.length)), key };
}

function kindOf(text: string): WordKind {
  if (!/\p{L}/u.test(text)) return /[\u0001\u0002\u0006\d]/.test(text) ? 'value' : 'marks';
  if (PATH.test(text)) return 'path';
  if (CAPITALS.test(text) || PARTICIPLE.test(text) || TRUTH.test(text)) return 'state';
  return COMPOUND.test(text) && !text.endsWith(':') ? 'compound' : 'text';
}

const OPENING = /[\s=:([{<"',|]/;
const CLOSING = /[)\]}>"',;:|]/;

/** The most special template word that both fit: `user=` WILDCARD. */
export function generalizeWord(a: string, b: string): string {
  const most = Math.min(a.length, b.length);
  let prefix = 0;
  for (let i = 0; i < most && a[i] === b[i]; i++) {
    if (a[i] === WILDCARD) break;
    if (OPENING.test(a[i]!)) prefix = i + 1;
  }
  let suffix = 0;
  for (let i = 1; i <= most - prefix && a.at(-i) === b.at(-i); i++) {
    if (a.at(-i) === WILDCARD || !CLOSING.test(a.at(-i)!)) break;
    suffix = i;
  }
  return `${a.slice(0, prefix)}${WILDCARD}${a.slice(a.length - suffix)}`;
}

export function fitsWord(template: string, text: string): boolean {
  const at = template.indexOf(WILDCARD);
  if (at < 0) return template === text;
  return (
    text.length >= template.length - 1 &&
    text.startsWith(template.slice(0, at)) &&
    text.endsWith(template.slice(at + 1))
  );
}
