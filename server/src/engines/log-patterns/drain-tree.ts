// Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017): where a message
// belongs is looked for under its number of words and its first words, among few candidates, by the share of equal words.
// Changes against the paper: the tree goes by the first words that are not values (lines begin with a time, a host or a
// thread), values count for no likeness, and what is found is a family of patterns (message-family.ts).

import { MessageFamily, type Variant } from './message-family.ts';
import { Vocabulary, WILDCARD, type Word } from './word.ts';

/** Words of the text that lead to a leaf. */
const LEVELS = 2;
const MOST_CHILDREN = 100;
const MOST_CANDIDATES = 250;
/** Share of equal words for which a message belongs to a family. */
const LIKENESS = 0.5;

interface Node<V extends Variant> {
  children: Map<string, Node<V>>;
  families: MessageFamily<V>[];
}

export class DrainTree<V extends Variant> {
  readonly #root: Node<V> = { children: new Map(), families: [] };
  readonly #vocabulary = new Vocabulary();
  readonly #merge: (from: V, into: V) => void;

  /** `merge` is told when a pattern turned out to be the same as another: its messages are that one's. */
  constructor(merge: (from: V, into: V) => void) {
    this.#merge = merge;
  }

  /** The pattern of these words, made by `make` when it is new. */
  place(texts: readonly string[], make: () => V | undefined): V | undefined {
    const words = texts.map((text) => this.#vocabulary.word(text));
    const { families } = this.#leaf(words);
    let family = mostAlike(families, words);
    if (!family) {
      family = new MessageFamily(words, this.#merge);
      if (families.length < MOST_CANDIDATES) families.push(family);
    }
    const known = family.take(words);
    if (known) return known;
    const made = make();
    if (made) family.add(made);
    return made?.mergedInto ?? made;
  }

  /** Takes in a template that was found before. */
  restore(texts: readonly string[], pattern: V): void {
    const words = texts.map((text) => this.#vocabulary.word(text));
    const { families } = this.#leaf(words);
    let family = families.find((it) => it.likeness(words).share >= LIKENESS && it.admits(words));
    if (!family) {
      family = new MessageFamily(words, this.#merge);
      families.push(family);
    }
    family.restore(words, pattern);
  }

  #leaf(words: readonly Word[]): Node<V> {
    let node = child(this.#root, String(words.length));
    const json = words[0]?.text === '{';
    let level = 0;
    for (let i = 0; i < words.length && level < LEVELS; i++) {
      const name = json && !isJsonKey(words, i) ? undefined : branch(words, i);
      if (name === undefined) continue;
      node = child(node, name);
      level++;
    }
    return node;
  }
}

function mostAlike<V extends Variant>(families: readonly MessageFamily<V>[], words: readonly Word[]) {
  let best: MessageFamily<V> | undefined;
  let bestShare = LIKENESS;
  let bestSame = -1;
  for (const family of families) {
    const { share, same } = family.likeness(words);
    if (share < bestShare || (share === bestShare && same <= bestSame)) continue;
    best = family;
    bestShare = share;
    bestSame = same;
  }
  return best;
}

/** What the tree branches by at this word; undefined where it does not. */
function branch(words: readonly Word[], index: number): string | undefined {
  const { text, kind, key } = words[index]!;
  if (key !== '') return key;
  // A qualified name that begins a line is a logger's or a setting's.
  return kind === 'text' || kind === 'state' || (kind === 'compound' && index === 0) ? text : undefined;
}

/** Only what a document's fields are called tells its kind. */
function isJsonKey(words: readonly Word[], index: number): boolean {
  return words[index + 1]?.text === '"' && words[index + 2]?.text === ':';
}

function child<V extends Variant>(node: Node<V>, key: string): Node<V> {
  const known = node.children.get(key);
  if (known) return known;
  // The last place is for all further words.
  const full = node.children.size >= MOST_CHILDREN;
  const name = full ? WILDCARD : key;
  let made = node.children.get(name);
  if (!made) {
    made = { children: new Map(), families: [] };
    node.children.set(name, made);
  }
  return made;
}
