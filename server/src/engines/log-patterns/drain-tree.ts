// Drain (He, Zhu, Zheng, Lyu: "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017): a message's
// cluster is looked for under its number of words and its first words, among few candidates, by the share of equal words.
// Two changes against the paper, both for lines that begin with a time, a host or a thread: the tree goes by the first
// words that are not variable, and words that are variable by their looks (variables.ts) count for no likeness.

import { VARIABLE } from './variables.ts';

/** A word of a template that differed between the messages of a cluster. */
export const WILDCARD = '\u0002';

/** Words of the text that lead to a leaf. */
const LEVELS = 2;
const MOST_CHILDREN = 100;
const MOST_CANDIDATES = 1000;

export interface TreeCluster {
  /** Words; WILDCARD where they differ. Changed in place as messages join. */
  words: string[];
}

interface Node<Cluster> {
  children: Map<string, Node<Cluster>>;
  clusters: Cluster[];
}

export class DrainTree<Cluster extends TreeCluster> {
  readonly #root: Node<Cluster> = { children: new Map(), clusters: [] };
  readonly #similarity: number;

  /** `similarity`: share of the constant words, 0 to 1, that must be equal to join a cluster. */
  constructor(similarity: number) {
    this.#similarity = similarity;
  }

  /** The cluster that the words belong to, made more general to take them in; undefined when there is none. */
  match(words: readonly string[]): Cluster | undefined {
    const { clusters } = this.#leaf(words);
    const best = this.#mostSimilar(clusters, words);
    if (best) generalize(best.words, words);
    return best;
  }

  insert(cluster: Cluster): void {
    const { clusters } = this.#leaf(cluster.words);
    if (clusters.length < MOST_CANDIDATES) clusters.push(cluster);
  }

  #leaf(words: readonly string[]): Node<Cluster> {
    let node = child(this.#root, String(words.length));
    let level = 0;
    for (let i = 0; i < words.length && level < LEVELS; i++) {
      const word = words[i]!;
      if (!isConstant(word)) continue;
      node = child(node, word);
      level++;
    }
    return node;
  }

  #mostSimilar(clusters: readonly Cluster[], words: readonly string[]): Cluster | undefined {
    let best: Cluster | undefined;
    let bestShare = -1;
    let bestConstants = -1;
    for (const cluster of clusters) {
      let equal = 0;
      let constants = 0;
      for (let i = 0; i < words.length; i++) {
        const word = words[i]!;
        const template = cluster.words[i]!;
        if (word === VARIABLE && (template === VARIABLE || template === WILDCARD)) continue;
        constants++;
        if (word === template) equal++;
      }
      const share = constants === 0 ? 1 : equal / constants;
      if (share > bestShare || (share === bestShare && equal > bestConstants)) {
        best = cluster;
        bestShare = share;
        bestConstants = equal;
      }
    }
    return bestShare >= this.#similarity ? best : undefined;
  }
}

function isConstant(word: string): boolean {
  return word !== WILDCARD && !word.includes(VARIABLE);
}

function child<Cluster>(node: Node<Cluster>, key: string): Node<Cluster> {
  const known = node.children.get(key);
  if (known) return known;
  // The last place is for all further words.
  const full = node.children.size >= MOST_CHILDREN;
  const name = full ? WILDCARD : key;
  let made = node.children.get(name);
  if (!made) {
    made = { children: new Map(), clusters: [] };
    node.children.set(name, made);
  }
  return made;
}

function generalize(template: string[], words: readonly string[]): void {
  for (let i = 0; i < words.length; i++) if (template[i] !== words[i]) template[i] = WILDCARD;
}
