// Grouping accuracy and speed of log patterns (engines/log-patterns), with its one setting.
//
//   LOG_PATTERN_FILES=path/to/loghub npm run bench -- log-patterns
//   LOG_PATTERN_FILES=HDFS_2k.log_structured.csv,mine.csv npm run bench -- log-patterns
//
// Takes LogHub's files as they are (github.com/logpai/loghub): folders, where all `*_structured*.csv` are taken, and CSV files with
// the columns Content and EventId, or EventTemplate. Without them the logs are GENERATED from templates in the manner of
// LogHub's systems (log-systems.ts); the figures published for Drain beside them (Zhu et al., "Tools and Benchmarks for
// Automated Log Parsing", ICSE 2019) are of 2,000 real lines each, with expressions and thresholds for each system.
// Grouping accuracy: share of the messages whose group holds exactly the messages of one true template.
// LOG_PATTERN_FAULTS=1 shows the groups that are wrong.

import { globSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  currentOf,
  groupClusters,
  type LogCluster,
  PatternMiner,
  patternOf,
} from '../server/src/engines/log-patterns/log-patterns.ts';
import { seeded } from '../server/test/seeded-random.ts';
import { LOG_SYSTEMS, type LogSystem, VALUES } from './log-systems.ts';
import type { Report } from './run.ts';

interface Sample {
  name: string;
  lines: { content: string; eventId: string }[];
  published?: number;
}

const SEED = 20261123;
const LINES = 2000;
const SPEED_LINES = 300_000;

export async function run(report: Report): Promise<void> {
  const files = (process.env.LOG_PATTERN_FILES?.split(',') ?? []).flatMap(filesAt);
  const samples = files.length > 0 ? files.map(readSample) : generatedSamples();
  report(files.length > 0 ? 'Measured on the files given' : `GENERATED data, seed ${SEED}: not LogHub's files`);
  let sum = 0;
  for (const { name, lines, published } of samples) {
    const { accuracy, found, templates } = groupingAccuracy(lines);
    sum += accuracy;
    const beside = published === undefined ? '' : `, published for Drain ${published.toFixed(3)}`;
    report(
      `${name.padEnd(20)} grouping accuracy ${accuracy.toFixed(3)}${beside} ` +
        `(${lines.length} lines of ${templates} templates, ${found} patterns found)`,
    );
  }
  report(`${'average'.padEnd(20)} grouping accuracy ${(sum / samples.length).toFixed(3)}`);
  for (const { name, lines } of samples) {
    const system = files.length > 0 ? undefined : LOG_SYSTEMS.find((it) => name === `${it.name}-like`);
    const messages = system
      ? generate(system, SPEED_LINES, SEED + 1).map(({ content }) => content)
      : Array.from({ length: SPEED_LINES }, (_, i) => lines[i % lines.length]!.content);
    const half = speedOf(messages.slice(0, SPEED_LINES / 2));
    report(
      `${name.padEnd(20)} ${thousands(speedOf(messages))} messages/s on one core, ${thousands(half)} over the first half`,
    );
  }
}

/** Messages a second. */
function speedOf(messages: readonly string[]): number {
  const miner = new PatternMiner();
  const start = performance.now();
  for (const message of messages) miner.add(message);
  return (1000 * messages.length) / (performance.now() - start);
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}

/** All data sets of a folder, or the file. */
function filesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return globSync('**/*_structured*.csv', { cwd: path })
    .toSorted()
    .map((name) => join(path, name));
}

function groupingAccuracy(lines: Sample['lines']): { accuracy: number; found: number; templates: number } {
  const miner = new PatternMiner();
  const clusters = lines.map(({ content }) => miner.add(content));
  const groups = groupClusters(miner.clusters);
  const truth = new Map<string, number>();
  const found = new Map<LogCluster, { size: number; ids: Set<string> }>();
  for (const [i, { eventId }] of lines.entries()) {
    truth.set(eventId, (truth.get(eventId) ?? 0) + 1);
    const id = groups.get(currentOf(clusters[i]!))!;
    const group = found.get(id) ?? { size: 0, ids: new Set() };
    group.size++;
    group.ids.add(eventId);
    found.set(id, group);
  }
  let right = 0;
  for (const [cluster, { size, ids }] of found) {
    if (ids.size === 1 && truth.get([...ids][0]!) === size) right += size;
    else if (process.env.LOG_PATTERN_FAULTS)
      console.log('  wrong:', size, [...ids].join(' + '), patternOf(cluster).patternString);
  }
  return { accuracy: right / lines.length, found: found.size, templates: truth.size };
}

function readSample(path: string): Sample {
  const [header, ...rows] = parseCsv(readFileSync(path, 'utf8').replace(/^\uFEFF/, ''));
  const content = header!.indexOf('Content');
  const truth = header!.includes('EventId') ? header!.indexOf('EventId') : header!.indexOf('EventTemplate');
  if (content < 0 || truth < 0) throw new Error(`${path} has no columns Content and EventId or EventTemplate`);
  const lines = rows
    .filter((row) => row.length === header!.length)
    .map((row) => ({ content: row[content]!, eventId: row[truth]! }));
  const name = basename(path).replace(/(_2k)?\.log_structured.*\.csv$/, '');
  const published = LOG_SYSTEMS.find((system) => system.name === name)?.published;
  return { name, lines, ...(published !== undefined && { published }) };
}

function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const match = cell.exec(text);
    if (!match) throw new Error('the CSV is malformed');
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] !== ',') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

function generatedSamples(): Sample[] {
  return LOG_SYSTEMS.map((system) => ({
    name: `${system.name}-like`,
    lines: generate(system, LINES, SEED),
    published: system.published,
  }));
}

/** Templates come as often as in real logs: a few of them make most of the lines. */
function generate({ templates }: LogSystem, count: number, seed: number): Sample['lines'] {
  const random = seeded(seed);
  const weights = templates.map((_, i) => 1 / (i + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length: count }, () => {
    let left = random() * total;
    let chosen = 0;
    while (chosen < weights.length - 1 && left > weights[chosen]!) left -= weights[chosen++]!;
    const content = templates[chosen]!.replace(/\{(\w+)\}/g, (_, kind: string) => VALUES[kind]!(random));
    return { content, eventId: `E${chosen + 1}` };
  });
}
