// Searches a text for one of a regular expression's alternatives in one pass, however the expression is made: a
// non-deterministic automaton, made deterministic as far as texts lead. (Backtracking takes a power of the text's
// length for a few .* in a row, and events are up to 1 MB.) K. Thompson, Regular Expression Search Algorithm, 1968.

import { NOT_ASCII, type RegexAlternatives, type RegexItem, SYMBOLS, type SymbolSet } from './regex.ts';

export interface RegexMatcher {
  test(text: string): boolean;
}

/** Deterministic states that are kept; beyond that the cache is begun anew. */
const MOST_STATES = 1_000;

export function compileAlternatives(alternatives: RegexAlternatives): RegexMatcher {
  const literal = literalOf(alternatives);
  if (literal !== undefined) return { test: (text) => text.includes(literal) };
  return new Automaton(alternatives);
}

/** The text that a single alternative of single characters spells. */
function literalOf(alternatives: RegexAlternatives): string | undefined {
  if (alternatives.length !== 1) return undefined;
  let text = '';
  for (const item of alternatives[0]!) {
    if (item.kind !== 'symbols' || item.min !== 1 || item.max !== 1) return undefined;
    const first = item.symbols.indexOf(1);
    if (first < 0 || first === NOT_ASCII || item.symbols.indexOf(1, first + 1) >= 0) return undefined;
    text += String.fromCharCode(first);
  }
  return text;
}

/** A place in the expression: what it takes to leave it, and where that leads. */
type Node =
  | { kind: 'consume'; classes: Uint8Array; next: number }
  | { kind: 'fork'; next: readonly number[] }
  | { kind: 'start' | 'end'; next: number }
  | { kind: 'accept' };

class State {
  /** Consuming nodes, in rising order. */
  readonly nodes: Int32Array;
  readonly accepts: boolean;
  /** Whether it accepts when the text ends here. */
  readonly acceptsAtEnd: boolean;
  /** The following state by class of symbol. */
  readonly next: (State | undefined)[];

  constructor(nodes: Int32Array, accepts: boolean, acceptsAtEnd: boolean, classes: number) {
    this.nodes = nodes;
    this.accepts = accepts;
    this.acceptsAtEnd = acceptsAtEnd;
    this.next = new Array(classes).fill(undefined);
  }
}

class Automaton implements RegexMatcher {
  readonly #nodes: Node[] = [{ kind: 'accept' }];
  readonly #entry: number;
  /** Class of each symbol: symbols that no item tells apart share one. */
  readonly #classOf: Uint8Array;
  readonly #classes: number;
  readonly #initial: State;
  #states = new Map<string, State>();

  constructor(alternatives: RegexAlternatives) {
    const items = alternatives.flat();
    const { classOf, classes, samples } = classify(items);
    this.#classOf = classOf;
    this.#classes = classes;
    const entries = alternatives.map((sequence) => this.#addSequence(sequence, samples));
    this.#entry = this.#add({ kind: 'fork', next: entries });
    this.#initial = this.#stateOf([this.#entry], true);
  }

  test(text: string): boolean {
    let state = this.#initial;
    if (state.accepts) return true;
    const classOf = this.#classOf;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      let code = text.charCodeAt(i);
      if (code >= NOT_ASCII) {
        // A pair of surrogates is one character.
        if (code >= 0xd800 && code < 0xdc00 && i + 1 < length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
        code = NOT_ASCII;
      }
      const symbol = classOf[code]!;
      state = state.next[symbol] ?? this.#step(state, symbol);
      if (state.accepts) return true;
    }
    return state.acceptsAtEnd;
  }

  #add(node: Node): number {
    return this.#nodes.push(node) - 1;
  }

  /** Built from the end; gives the node where the sequence begins. */
  #addSequence(sequence: readonly RegexItem[], samples: Uint8Array): number {
    let next = 0;
    for (const item of [...sequence].reverse()) {
      if (item.kind !== 'symbols') next = this.#add({ kind: item.kind, next });
      else next = this.#addRepeated(classFlags(item.symbols, samples), item.min, item.max, next);
    }
    return next;
  }

  #addRepeated(classes: Uint8Array, min: number, max: number, after: number): number {
    let next = after;
    if (max === Number.POSITIVE_INFINITY) {
      const loop = this.#nodes.length;
      const fork = { kind: 'fork' as const, next: [loop + 1, after] };
      this.#add(fork);
      this.#add({ kind: 'consume', classes, next: loop });
      next = loop;
    } else {
      for (let i = min; i < max; i++) {
        const consume = this.#add({ kind: 'consume', classes, next });
        next = this.#add({ kind: 'fork', next: [consume, after] });
      }
    }
    for (let i = 0; i < min; i++) next = this.#add({ kind: 'consume', classes, next });
    return next;
  }

  #step(state: State, symbol: number): State {
    if (this.#states.size > MOST_STATES) this.#forget();
    const following: number[] = [this.#entry];
    for (const index of state.nodes) {
      const node = this.#nodes[index] as Node & { kind: 'consume' };
      if (node.classes[symbol]) following.push(node.next);
    }
    const next = this.#stateOf(following, false);
    state.next[symbol] = next;
    return next;
  }

  #stateOf(entries: readonly number[], atStart: boolean): State {
    const reached = this.#close(entries, atStart, false);
    const nodes = Int32Array.from(reached.keys().filter((index) => this.#nodes[index]!.kind === 'consume')).sort();
    const accepts = reached.has(0);
    const acceptsAtEnd = accepts || this.#close(entries, atStart, true).has(0);
    const key = `${accepts} ${acceptsAtEnd} ${nodes.join(' ')}`;
    const known = this.#states.get(key);
    if (known) return known;
    const state = new State(nodes, accepts, acceptsAtEnd, this.#classes);
    this.#states.set(key, state);
    return state;
  }

  /** All nodes that are reached without consuming anything. */
  #close(entries: readonly number[], atStart: boolean, atEnd: boolean): Set<number> {
    const reached = new Set(entries);
    for (const index of reached) {
      const node = this.#nodes[index]!;
      if (node.kind === 'fork') for (const next of node.next) reached.add(next);
      else if ((node.kind === 'start' && atStart) || (node.kind === 'end' && atEnd)) reached.add(node.next);
    }
    return reached;
  }

  #forget(): void {
    this.#states = new Map();
    this.#initial.next.fill(undefined);
  }
}

/** Symbols by what the items make of them: the class of each, and one symbol of each class. */
function classify(items: readonly RegexItem[]): { classOf: Uint8Array; classes: number; samples: Uint8Array } {
  const classOf = new Uint8Array(SYMBOLS);
  const samples: number[] = [];
  const known = new Map<string, number>();
  const sets = items.filter((item) => item.kind === 'symbols');
  for (let symbol = 0; symbol < SYMBOLS; symbol++) {
    const signature = sets.map(({ symbols }) => symbols[symbol]).join('');
    let found = known.get(signature);
    if (found === undefined) {
      found = samples.push(symbol) - 1;
      known.set(signature, found);
    }
    classOf[symbol] = found;
  }
  return { classOf, classes: samples.length, samples: Uint8Array.from(samples) };
}

function classFlags(symbols: SymbolSet, samples: Uint8Array): Uint8Array {
  return samples.map((symbol) => symbols[symbol]!);
}
