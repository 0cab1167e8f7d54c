// Patterns of log messages, as CloudWatch Logs shows them: `[INFO] Request time: <Number-1> ms`. Messages come one by one;
// what looks variable is masked (variables.ts), messages that are equal then share a cluster by one look-up, all others
// go through Drain's tree (drain-tree.ts). What a pattern's variable parts hold is told from samples kept by each cluster.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_Patterns.html

import { createHash } from 'node:crypto';
import { DrainTree } from './drain-tree.ts';
import { groupTemplates, mergeTemplates } from './pattern-groups.ts';
import { type Severity, severityOf } from './severity.ts';
import { tokenTypeOf } from './token-type.ts';
import { maskVariables, VARIABLE, variablesOf } from './variables.ts';
import { fitsWord, GAP, WILDCARD } from './word.ts';
import { joinWords, splitWords } from './words.ts';

/** Characters of a message that are looked at: its beginning tells what it is. */
export const LONGEST_TEXT = 4096;
/** Masked texts whose cluster is remembered. */
const MOST_REMEMBERED = 20_000;
/** Beyond these, messages that fit nowhere share one last cluster. */
const MOST_CLUSTERS = 20_000;
const MOST_SAMPLES = 16;
const DYNAMIC = new RegExp(`([${VARIABLE}${WILDCARD}${GAP}])`);

/** Messages of one shape. A live object: it counts on and its template grows more general. */
export interface LogCluster {
  /** Template; VARIABLE for parts that look variable, WILDCARD for what differs, GAP for any number of words. */
  words: string[];
  count: number;
  /** Some of its messages, the first ones and then ever rarer ones. */
  readonly samples: string[];
  /** Set once another cluster has its messages and is in its place. */
  mergedInto?: LogCluster;
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
  readonly #tree = new DrainTree<LogCluster>((from, into) => this.#merge(from, into));
  readonly #remembered = new Map<string, LogCluster>();
  readonly #clusters = new Set<LogCluster>();
  #rest: LogCluster | undefined;
  #count = 0;

  /** Messages added. */
  get count(): number {
    return this.#count;
  }

  get clusters(): ReadonlySet<LogCluster> {
    return this.#clusters;
  }

  /** `times` messages of this text. */
  add(message: string, times = 1): LogCluster {
    const text = message.length > LONGEST_TEXT ? message.slice(0, LONGEST_TEXT) : message;
    const masked = maskVariables(text);
    const cluster = currentOf(this.#remembered.get(masked) ?? this.#find(masked));
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
    const words = JSON.parse(template) as string[];
    const cluster: LogCluster = { words, count: 0, samples: [] };
    this.#clusters.add(cluster);
    this.#tree.restore(words, cluster);
    return cluster;
  }

  /** Most frequent first. */
  patterns(): LogPattern[] {
    return patternsOf(this.#clusters, (cluster) => cluster.count);
  }

  #find(masked: string): LogCluster {
    const cluster = this.#place(splitWords(masked));
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(masked, cluster);
    return cluster;
  }

  #place(words: string[]): LogCluster {
    const make = () => {
      if (this.#clusters.size >= MOST_CLUSTERS) return undefined;
      const cluster: LogCluster = { words: [...words], count: 0, samples: [] };
      this.#clusters.add(cluster);
      return cluster;
    };
    const cluster = this.#tree.place(words, make);
    if (cluster) return cluster;
    if (!this.#rest) {
      this.#rest = { words: [GAP], count: 0, samples: [] };
      this.#clusters.add(this.#rest);
    }
    return this.#rest;
  }

  #merge(from: LogCluster, into: LogCluster): void {
    this.#clusters.delete(from);
    into.count += from.count;
    into.samples.push(...from.samples.slice(0, MOST_SAMPLES - into.samples.length));
  }
}

/** The cluster that has the messages of this one now. */
export function currentOf(cluster: LogCluster): LogCluster {
  let current = cluster;
  while (current.mergedInto) current = current.mergedInto;
  return current;
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

/** Clusters whose patterns are one in the end, each with the cluster that shows it. */
export function groupClusters(clusters: Iterable<LogCluster>): Map<LogCluster, LogCluster> {
  const shown = new Map<LogCluster, LogCluster>();
  for (const group of groupTemplates(clusters)) {
    const together = group.length === 1 ? group[0]! : combine(group);
    for (const cluster of group) shown.set(cluster, together);
  }
  return shown;
}

function combine(group: readonly LogCluster[]): LogCluster {
  const each = Math.max(1, Math.floor(MOST_SAMPLES / group.length));
  return {
    words: mergeTemplates(group.map(({ words }) => words)),
    count: group.reduce((sum, { count }) => sum + count, 0),
    samples: group.slice(0, MOST_SAMPLES).flatMap(({ samples }) => samples.slice(0, each)),
  };
}

/** Patterns of some clusters by a count of the caller's, most frequent first, those with none left out. */
export function patternsOf(clusters: Iterable<LogCluster>, countOf: (cluster: LogCluster) => number): LogPattern[] {
  const counts = new Map<LogCluster, number>();
  let total = 0;
  for (const [cluster, shown] of groupClusters(clusters)) {
    const count = countOf(cluster);
    if (count === 0) continue;
    total += count;
    counts.set(shown, (counts.get(shown) ?? 0) + count);
  }
  const patterns = [...counts].map(([cluster, sampleCount]) => ({
    ...patternOf(cluster),
    sampleCount,
    ratio: sampleCount / total,
  }));
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
  for (const part of joinWords(words).split(DYNAMIC)) {
    if (part === '') continue;
    if (part !== VARIABLE && part !== WILDCARD && part !== GAP) {
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
  const words = splitWords(maskVariables(text));
  const variables = variablesOf(text);
  let used = 0;
  const written = (masked: string) => masked.replaceAll(VARIABLE, () => variables[used++] ?? '');
  const found: string[] = [];
  const takeVariables = (masked: string) => {
    for (const character of masked) if (character === VARIABLE) found.push(variables[used++] ?? '');
  };
  let next = 0;
  for (const [i, word] of template.entries()) {
    const at = Math.max(word.indexOf(WILDCARD), word.indexOf(GAP));
    if (at < 0) {
      takeVariables(word);
      next++;
      continue;
    }
    const prefix = word.slice(0, at);
    const suffix = word.slice(at + 1);
    const end = word[at] === GAP ? endOfGap(template, i, words, next) : next + 1;
    const masked = joinGap(words.slice(next, end));
    next = Math.max(next, end);
    takeVariables(prefix);
    found.push(written(masked.slice(prefix.length, Math.max(prefix.length, masked.length - suffix.length))));
    takeVariables(suffix);
  }
  return found;
}

/** The word after those that a GAP takes. */
function endOfGap(template: readonly string[], gap: number, words: readonly string[], from: number): number {
  const after = template.slice(gap + 1);
  const left = words.length - after.length;
  if (!after.some((word) => word.endsWith(GAP))) return Math.max(from, left);
  const [following] = after;
  for (let i = from; i < left; i++) if (fitsWord(following!.replace(GAP, WILDCARD), words[i]!)) return i;
  return Math.max(from, left);
}

function joinGap(words: readonly string[]): string {
  return words.join(' ').trimStart();
}
