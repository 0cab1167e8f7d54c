// Patterns of log messages, as CloudWatch Logs shows them: `[INFO] Request time: <Number-1> ms`. Messages come one by one;
// what looks variable is masked (variables.ts), messages that are equal then share a cluster by one look-up, all others
// go through Drain's tree (drain-tree.ts). What a pattern's variable parts hold is told from samples kept by each cluster.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_Patterns.html

import { createHash } from 'node:crypto';
import { DrainTree, WILDCARD } from './drain-tree.ts';
import { type Severity, severityOf } from './severity.ts';
import { tokenTypeOf } from './token-type.ts';
import { maskVariables, VARIABLE, variablesOf } from './variables.ts';
import { joinWords, splitWords } from './words.ts';

/** Characters of a message that are looked at: its beginning tells what it is. */
const LONGEST_TEXT = 4096;
/** Masked texts whose cluster is remembered. */
const MOST_REMEMBERED = 20_000;
/** Beyond these, messages that fit nowhere share one last cluster. */
const MOST_CLUSTERS = 20_000;
const MOST_SAMPLES = 16;
/** Share of constant words that must be equal. */
const SIMILARITY = 0.5;

/** Messages of one shape. A live object: it counts on and its template grows more general. */
export interface LogCluster {
  /** Template; WILDCARD for words that differ, VARIABLE for parts that look variable. */
  readonly words: string[];
  count: number;
  /** Some of its messages, the first ones and then ever rarer ones. */
  readonly samples: string[];
}

/** A part of a pattern, as the API's PatternToken. */
export interface PatternToken {
  /** Counts the dynamic tokens from 1; 0 for constant text. */
  dynamicTokenPosition: number;
  isDynamic: boolean;
  /** Constant text, or `<*>`. */
  tokenString: string;
  /** `Number`, `IPAddress`, `UUID`, … or `Token`; of dynamic tokens only. */
  inferredTokenName?: string;
  /** Sampled values and how many of the samples have each; of dynamic tokens only. */
  enumerations?: Record<string, number>;
}

export interface LogPattern {
  /** 32 hexadecimal digits, the same for the same pattern text everywhere. */
  patternId: string;
  /** `@pattern`: dynamic tokens as `<Type-n>`. */
  pattern: string;
  /** The pattern with `<*>` for all dynamic tokens, as anomaly detectors show it. */
  patternString: string;
  /** An RE2 expression that its messages match. */
  patternRegex: string;
  /** `@sampleCount`. */
  sampleCount: number;
  /** `@ratio`: of all messages, 0 to 1. */
  ratio: number;
  /** `@severityLabel`. */
  severityLabel: Severity;
  tokens: PatternToken[];
  samples: string[];
}

/** Takes messages one by one and gives each its cluster. */
export class PatternMiner {
  readonly #tree = new DrainTree<LogCluster>(SIMILARITY);
  readonly #remembered = new Map<string, LogCluster>();
  readonly #clusters: LogCluster[] = [];
  #rest: LogCluster | undefined;
  #count = 0;

  /** Messages added. */
  get count(): number {
    return this.#count;
  }

  get clusters(): readonly LogCluster[] {
    return this.#clusters;
  }

  /** `times` messages of this text. */
  add(message: string, times = 1): LogCluster {
    const text = message.length > LONGEST_TEXT ? message.slice(0, LONGEST_TEXT) : message;
    const masked = maskVariables(text);
    const cluster = this.#remembered.get(masked) ?? this.#find(masked);
    this.#count += times;
    cluster.count += times;
    // The first samples, and then one at each doubling, so that late values are seen too.
    const { samples, count } = cluster;
    if (samples.length < MOST_SAMPLES) samples.push(text);
    else if ((count & (count - 1)) === 0) samples[MOST_SAMPLES / 2 + (Math.log2(count) % (MOST_SAMPLES / 2))] = text;
    return cluster;
  }

  /** A cluster known from before, with nothing counted yet; `template` is what templateOf() gave. */
  restore(template: string): LogCluster {
    return this.#insert(JSON.parse(template) as string[]);
  }

  /** Most frequent first. */
  patterns(): LogPattern[] {
    return patternsOf(this.#clusters, (cluster) => cluster.count);
  }

  #find(masked: string): LogCluster {
    const words = splitWords(masked);
    const cluster = this.#tree.match(words) ?? this.#make(words);
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(masked, cluster);
    return cluster;
  }

  #make(words: string[]): LogCluster {
    if (this.#clusters.length < MOST_CLUSTERS) return this.#insert(words);
    if (!this.#rest) {
      this.#rest = { words: [WILDCARD], count: 0, samples: [] };
      this.#clusters.push(this.#rest);
    }
    return this.#rest;
  }

  #insert(words: string[]): LogCluster {
    const cluster: LogCluster = { words, count: 0, samples: [] };
    this.#clusters.push(cluster);
    this.#tree.insert(cluster);
    return cluster;
  }
}

/** The patterns of these messages, most frequent first. */
export function minePatterns(messages: Iterable<string>): LogPattern[] {
  const miner = new PatternMiner();
  for (const message of messages) miner.add(message);
  return miner.patterns();
}

/** For PatternMiner.restore(). */
export function templateOf(cluster: LogCluster): string {
  return JSON.stringify(cluster.words);
}

/**
 * Patterns of some clusters by a count of the caller's, most frequent first, those with none left out. Clusters whose
 * patterns have come to be the same are one.
 */
export function patternsOf(clusters: Iterable<LogCluster>, countOf: (cluster: LogCluster) => number): LogPattern[] {
  const byString = new Map<string, LogPattern>();
  let total = 0;
  for (const cluster of clusters) {
    const count = countOf(cluster);
    if (count === 0) continue;
    total += count;
    const pattern = patternOf(cluster);
    const known = byString.get(pattern.patternString);
    if (known) known.sampleCount += count;
    else byString.set(pattern.patternString, { ...pattern, sampleCount: count });
  }
  const patterns = [...byString.values()];
  for (const pattern of patterns) pattern.ratio = pattern.sampleCount / total;
  return patterns.sort((a, b) => b.sampleCount - a.sampleCount || (a.patternString < b.patternString ? -1 : 1));
}

/** The pattern of one cluster; its ratio is left at 1. */
export function patternOf(cluster: LogCluster): LogPattern {
  const tokens = tokensOf(cluster);
  const patternString = tokens.map(({ tokenString }) => tokenString).join('');
  return {
    patternId: createHash('md5').update(patternString).digest('hex'),
    pattern: tokens
      .map((token) =>
        token.isDynamic ? `<${token.inferredTokenName}-${token.dynamicTokenPosition}>` : token.tokenString,
      )
      .join(''),
    patternString,
    patternRegex: tokens
      .map((token) => (token.isDynamic ? '.*?' : token.tokenString.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')))
      .join(''),
    sampleCount: cluster.count,
    ratio: 1,
    severityLabel: severityOf(patternString),
    tokens,
    samples: [...cluster.samples],
  };
}

function tokensOf(cluster: LogCluster): PatternToken[] {
  const { words } = cluster;
  const values = valuesOf(cluster);
  const tokens: PatternToken[] = [];
  let dynamic = 0;
  for (const part of joinWords(words).split(new RegExp(`([${VARIABLE}${WILDCARD}])`))) {
    if (part === '') continue;
    if (part !== VARIABLE && part !== WILDCARD) {
      tokens.push({ dynamicTokenPosition: 0, isDynamic: false, tokenString: part });
      continue;
    }
    const sampled = values[dynamic++] ?? [];
    const enumerations: Record<string, number> = Object.create(null);
    for (const value of sampled) enumerations[value] = (enumerations[value] ?? 0) + 1;
    tokens.push({
      dynamicTokenPosition: dynamic,
      isDynamic: true,
      tokenString: '<*>',
      inferredTokenName: tokenTypeOf(sampled),
      enumerations,
    });
  }
  return tokens;
}

/** For each dynamic position, what the samples have there. */
function valuesOf({ words, samples }: LogCluster): string[][] {
  const values: string[][] = [];
  for (const sample of samples) {
    for (const [i, value] of variablesAt(words, sample).entries()) {
      values[i] ??= [];
      values[i].push(value);
    }
  }
  return values;
}

/** What a message of a cluster has at each dynamic position of the cluster's template. */
export function variablesAt(template: readonly string[], message: string): string[] {
  const text = message.length > LONGEST_TEXT ? message.slice(0, LONGEST_TEXT) : message;
  const variables = variablesOf(text);
  const masked = splitWords(maskVariables(text));
  const found: string[] = [];
  let next = 0;
  for (const [i, word] of masked.entries()) {
    // The word as it was written, and what of it is variable by its looks.
    let written = '';
    const own: string[] = [];
    for (const character of word.split(VARIABLE).entries()) {
      if (character[0] > 0) {
        const variable = variables[next++] ?? '';
        own.push(variable);
        written += variable;
      }
      written += character[1];
    }
    if (template[i] === WILDCARD) found.push(written);
    else found.push(...own);
  }
  return found;
}
