// Messages of one length that are mostly alike, and the patterns among them. Where messages differ in a value (a number, a
// path, a host), one pattern takes all. Where they differ in a word, each word makes a pattern of its own (`enabled` and
// `disabled`, `GET` and `POST`), until there are too many for that: then they are values as well.

import { fitsWord, GAP, generalizeWord, WILDCARD, type Word, wordOf } from './word.ts';

/** Words at one place that still are patterns of their own: few, and more where they look like states. */
const MOST_TEXTS = 3;
const MOST_STATES = 24;
const MOST_VARIANTS = 64;

export interface Variant {
  /** Template; WILDCARD for what differs, VARIABLE for parts that look variable. Changed in place. */
  words: string[];
  /** Set when it turned out to be the same as another. */
  mergedInto?: this;
}

interface Place {
  /** Of the first message, or with a WILDCARD. */
  word: Word;
  wild: boolean;
  /** All that stood here, while that is not wild and more than one. */
  known: Map<string, Word> | undefined;
}

export class MessageFamily<V extends Variant> {
  readonly #places: Place[];
  readonly #variants: V[] = [];
  readonly #merge: (from: V, into: V) => void;

  /** `merge` is told when a variant is the same as another from now on. */
  constructor(words: readonly Word[], merge: (from: V, into: V) => void) {
    this.#places = words.map((word) => ({ word, wild: isWild(word.text), known: undefined }));
    this.#merge = merge;
  }

  /** Share of the words that tell something that are the same, 0 to 1; and how many those are. */
  likeness(words: readonly Word[]): { share: number; same: number } {
    let same = 0;
    let different = 0;
    for (let i = 0; i < words.length; i++) {
      const { word: known, wild, known: others } = this.#places[i]!;
      const word = words[i]!;
      if (wild ? fitsWord(known.text, word.text) : word.text === known.text || others?.has(word.text)) {
        if (word.key !== '' || word.kind === 'text' || word.kind === 'state') same++;
      } else if (word.key !== known.key) different++;
      else if (word.key !== '') same++;
      else if (wild || isValue(word) || isValue(known)) continue;
      else different++;
    }
    return { share: same + different === 0 ? 1 : same / (same + different), same };
  }

  /** Whether a template of before can be a variant here without changing what the others are. */
  admits(template: readonly Word[]): boolean {
    return this.#places.every(({ word, wild }, i) =>
      wild ? word.text === template[i]!.text : !isWild(template[i]!.text),
    );
  }

  /** Takes in a template of before. */
  restore(template: readonly Word[], variant: V): void {
    for (const [i, place] of this.#places.entries()) {
      if (place.wild || place.word.text === template[i]!.text) continue;
      place.known ??= new Map([[place.word.text, place.word]]);
      place.known.set(template[i]!.text, template[i]!);
    }
    this.#variants.push(variant);
  }

  /** The variant that the words belong to, when there is one. */
  take(words: readonly Word[]): V | undefined {
    let narrowed = false;
    for (let i = 0; i < words.length; i++) narrowed = this.#see(i, words[i]!) || narrowed;
    if (narrowed) this.#unite();
    return this.#variants.find((variant) => this.#belongs(words, variant));
  }

  add(variant: V): void {
    for (const [i, place] of this.#places.entries()) if (place.wild) variant.words[i] = place.word.text;
    this.#variants.push(variant);
    if (this.#variants.length <= MOST_VARIANTS) return;
    const busiest = this.#places.reduce((a, b) => ((b.known?.size ?? 0) > (a.known?.size ?? 0) ? b : a));
    this.#makeWild(busiest);
    this.#unite();
  }

  /** Whether a place has become wild, or wilder. */
  #see(index: number, word: Word): boolean {
    const place = this.#places[index]!;
    if (place.wild) {
      if (fitsWord(place.word.text, word.text)) return false;
      place.word = wordOf(generalizeWord(place.word.text, word.text));
      return true;
    }
    if (word.text === place.word.text || place.known?.has(word.text)) return false;
    place.known ??= new Map([[place.word.text, place.word]]);
    place.known.set(word.text, word);
    if (!this.#areValues(place.known)) return false;
    this.#makeWild(place);
    return true;
  }

  #areValues(words: ReadonlyMap<string, Word>): boolean {
    const all = [...words.values()];
    // What has a key of its own is no other value of the same thing.
    const sameKey = all.every(({ key }) => key === all[0]!.key);
    const kinds = new Set(all.map(({ kind }) => kind));
    if (sameKey && !kinds.has('marks') && (kinds.has('value') || (kinds.has('path') && !kinds.has('text'))))
      return true;
    return words.size > (kinds.size === 1 && kinds.has('state') ? MOST_STATES : MOST_TEXTS);
  }

  #makeWild(place: Place): void {
    const texts = [...(place.known?.keys() ?? [place.word.text])];
    place.word = wordOf(texts.length > 1 ? texts.reduce(generalizeWord) : WILDCARD);
    place.wild = true;
    place.known = undefined;
  }

  /** After a place has become wild: variants that differed there only are one. */
  #unite(): void {
    const byTemplate = new Map<string, V>();
    for (const variant of this.#variants.splice(0)) {
      for (const [i, place] of this.#places.entries()) if (place.wild) variant.words[i] = place.word.text;
      const template = variant.words.join(' ');
      const same = byTemplate.get(template);
      if (same) {
        variant.mergedInto = same;
        this.#merge(variant, same);
      } else {
        byTemplate.set(template, variant);
        this.#variants.push(variant);
      }
    }
  }

  #belongs(words: readonly Word[], variant: V): boolean {
    for (let i = 0; i < words.length; i++) {
      const { wild, known } = this.#places[i]!;
      if (!wild && known && words[i]!.text !== variant.words[i]) return false;
    }
    return true;
  }
}

/** Whether the word says little about what the message is. */
function isValue({ kind }: Word): boolean {
  return kind === 'value' || kind === 'path' || kind === 'compound';
}

function isWild(text: string): boolean {
  return text.includes(WILDCARD) || text.endsWith(GAP);
}
