// Patterns whose constant words are the same, and whose values are of different numbers of words: `Deleted a.txt` and
// `Deleted a.txt b.txt`, `12 sent` and `12 (of 40) sent`. The tree keeps messages of different length apart; here, at the end,
// such patterns become one, with a GAP where their lengths differ. One look-up a pattern.

import { GAP, generalizeWord, WILDCARD, type Word, wordOf } from './word.ts';
import { isJson } from './words.ts';

/** With fewer constant words, patterns say too little to be called the same. */
const FEWEST_CONSTANTS = 2;

/** Templates that are one, by what their constant words are; each in one group. */
export function groupTemplates<Cluster extends { words: readonly string[] }>(clusters: Iterable<Cluster>): Cluster[][] {
  const groups = new Map<string, Cluster[]>();
  for (const cluster of clusters) {
    const name = groupName(cluster.words);
    const group = groups.get(name);
    if (group) group.push(cluster);
    else groups.set(name, [cluster]);
  }
  return [...groups.values()];
}

/** The template that the messages of all these, which are of one group, fit. */
export function mergeTemplates(templates: readonly (readonly string[])[]): string[] {
  const [first, ...rest] = templates as [readonly string[], ...(readonly string[])[]];
  if (rest.length === 0) return [...first];
  const constants = templates.map((words) => constantsOf(words).map(({ index }) => index));
  const merged: string[] = [];
  for (let k = 0; k <= constants[0]!.length; k++) {
    const between = templates.map((words, t): readonly string[] =>
      words.slice(k === 0 ? 0 : constants[t]![k - 1]! + 1, constants[t]![k]),
    );
    mergeValues(merged, between);
    if (k < constants[0]!.length) merged.push(templates.map((words, t) => words[constants[t]![k]!]!).reduce(same));
  }
  return merged;
}

/** Appends what stands between two constant words: a GAP where the numbers of words differ, beside words that all have. */
function mergeValues(merged: string[], between: readonly (readonly string[])[]): void {
  const fewest = Math.min(...between.map(({ length }) => length));
  if (between.every(({ length }) => length === fewest)) {
    merged.push(...between.reduce(generalize));
    return;
  }
  const [first] = between as [readonly string[]];
  const sameAt = (index: number) => between.every((words) => words.at(index) === first.at(index));
  let start = 0;
  while (start < fewest && sameAt(start)) start++;
  let end = 0;
  while (end < fewest - start && sameAt(-end - 1)) end++;
  // Values beside the gap are of its list.
  while (start > 0 && isPlainValue(first[start - 1]!)) start--;
  while (end > 0 && isPlainValue(first.at(-end)!)) end--;
  merged.push(...first.slice(0, start));
  if (start + end < fewest) merged.push(GAP);
  else extendByGap(merged);
  merged.push(...first.slice(first.length - end));
}

function isPlainValue(text: string): boolean {
  const { kind, key } = wordOf(text);
  return kind === 'value' && key === '';
}

function generalize(a: readonly string[], b: readonly string[]): readonly string[] {
  return a.map((word, i) => same(word, b[i]!));
}

function same(a: string, b: string): string {
  return a === b ? a : generalizeWord(a, b);
}

/** What may be no word at all goes to the word before, whose own value it takes in. */
function extendByGap(words: string[]): void {
  const before = words.pop() ?? '';
  const constant = before.includes(WILDCARD) ? before.slice(0, before.indexOf(WILDCARD)) : before;
  words.push(constant.endsWith(GAP) ? constant : constant + GAP);
}

function groupName(words: readonly string[]): string {
  const constants = isJson(words) ? [] : constantsOf(words);
  if (constants.length < FEWEST_CONSTANTS) return `${words.length} ${words.join(' ')}`;
  return constants.map(({ text }) => text).join(' ');
}

function constantsOf(words: readonly string[]): { index: number; text: string }[] {
  const constants: { index: number; text: string }[] = [];
  let quoted = false;
  for (const [index, text] of words.entries()) {
    if (quoted) {
      quoted = !text.includes('"');
      continue;
    }
    const word = wordOf(text);
    if (word.key !== '') {
      const value = text.slice(word.key.length);
      const isText = word.kind === 'text' || word.kind === 'state' || word.kind === 'compound';
      // A quoted value with spaces in it.
      quoted = value.startsWith('"') && !value.includes('"', 1) && hasQuote(words, index + 1);
      constants.push({ index, text: isText && !value.startsWith('"') ? text : word.key });
    } else if (isConstant(word)) constants.push({ index, text });
  }
  return constants;
}

function hasQuote(words: readonly string[], from: number): boolean {
  for (let i = from; i < words.length; i++) if (words[i]!.includes('"')) return true;
  return false;
}

function isConstant({ kind, text }: Word): boolean {
  return (
    kind === 'text' || kind === 'state' || kind === 'compound' || (kind === 'marks' && text.length > 1 && text !== '()')
  );
}
