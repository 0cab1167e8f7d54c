// What is unusual about patterns over a time range: the `anomaly` command after `pattern`. The range is cut into equal
// steps; a pattern's count in each is held against the pattern's other steps.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Anomaly.html

import {
  currentOf,
  groupClusters,
  type LogCluster,
  type LogPattern,
  PatternMiner,
  patternOf,
  variablesAt,
} from './log-patterns.ts';

export type AnomalyKind = 'Pattern frequency' | 'New pattern' | 'Token variation' | 'Numeric token' | 'HTTP error code';

export type AnomalyPriority = 'HIGH' | 'MEDIUM' | 'LOW';

export interface PatternAnomaly {
  pattern: LogPattern;
  kind: AnomalyKind;
  priority: AnomalyPriority;
  description: string;
  firstSeenMs: number;
  lastSeenMs: number;
  /** Start of a step in milliseconds -> messages in it. */
  histogram: Map<number, number>;
}

const STEPS = 24;
/** A pattern is new when it first appears after this share of the range. */
const NEW_AFTER = 0.75;
/** A step is unusual this many standard deviations (Poisson at least) away from the pattern's usual. */
const UNUSUAL_DEVIATIONS = 4;
const FEWEST_MESSAGES = 8;
/** Values that each cluster keeps for its token anomalies. */
const MOST_VALUES = 512;
const MOST_POSITIONS = 16;

interface Series {
  cluster: LogCluster;
  counts: Float64Array;
  firstSeenMs: number;
  lastSeenMs: number;
  /** Sampled messages with their step. */
  messages: { step: number; message: string }[];
}

/** Takes the messages of a time range, in any order, then tells what was unusual. */
export class PatternTimeline {
  readonly #miner = new PatternMiner();
  readonly #series = new Map<LogCluster, Series>();
  readonly #startMs: number;
  readonly #stepMs: number;

  /** Both ends inclusive, milliseconds. */
  constructor(startMs: number, endMs: number) {
    this.#startMs = startMs;
    this.#stepMs = Math.max(1, Math.ceil((endMs - startMs + 1) / STEPS));
  }

  add(message: string, timestampMs: number): void {
    const cluster = this.#miner.add(message);
    let series = this.#series.get(cluster);
    if (!series) {
      const counts = new Float64Array(STEPS);
      series = { cluster, counts, firstSeenMs: timestampMs, lastSeenMs: timestampMs, messages: [] };
      this.#series.set(cluster, series);
    }
    const step = Math.min(STEPS - 1, Math.max(0, Math.floor((timestampMs - this.#startMs) / this.#stepMs)));
    series.counts[step]!++;
    series.firstSeenMs = Math.min(series.firstSeenMs, timestampMs);
    series.lastSeenMs = Math.max(series.lastSeenMs, timestampMs);
    // All of the first values, then ever rarer ones in the place of older ones.
    const { messages } = series;
    if (messages.length < MOST_VALUES) messages.push({ step, message });
    else if (cluster.count % Math.ceil(cluster.count / MOST_VALUES) === 0) {
      messages[cluster.count % MOST_VALUES] = { step, message };
    }
  }

  /** Highest priority first. */
  anomalies(): PatternAnomaly[] {
    const found: PatternAnomaly[] = [];
    const all = this.#grouped();
    const severalSteps = all.some((it) => it.firstSeenMs < this.#newFromMs());
    for (const series of all) {
      const pattern = patternOf(series.cluster);
      pattern.ratio = pattern.sampleCount / this.#miner.count;
      for (const finding of this.#findings(series, pattern, severalSteps)) {
        const { firstSeenMs, lastSeenMs } = series;
        found.push({ pattern, ...finding, firstSeenMs, lastSeenMs, histogram: this.#histogram(series) });
      }
    }
    const order = ['HIGH', 'MEDIUM', 'LOW'];
    return found.sort((a, b) => order.indexOf(a.priority) - order.indexOf(b.priority));
  }

  /** One for each pattern: some that began apart have become one. */
  #grouped(): Series[] {
    const shown = groupClusters(this.#miner.clusters);
    const grouped = new Map<LogCluster, Series>();
    for (const series of this.#series.values()) {
      const cluster = shown.get(currentOf(series.cluster))!;
      const known = grouped.get(cluster);
      if (known) addSeries(known, series);
      else grouped.set(cluster, { ...series, cluster, counts: series.counts.slice(), messages: [...series.messages] });
    }
    return [...grouped.values()];
  }

  *#findings(series: Series, pattern: LogPattern, severalSteps: boolean): Iterable<Finding> {
    if (severalSteps && series.firstSeenMs >= this.#newFromMs()) {
      yield {
        kind: 'New pattern',
        priority: pattern.severityLabel === 'Error' ? 'HIGH' : 'MEDIUM',
        description: `A pattern that was not seen before appeared ${series.cluster.count} times`,
      };
      return;
    }
    if (series.cluster.count < FEWEST_MESSAGES) return;
    const frequency = unusualStep(series.counts);
    if (frequency) {
      const { step, usual } = frequency;
      const count = series.counts[step]!;
      const more = count > usual;
      yield {
        kind: 'Pattern frequency',
        priority: more && pattern.severityLabel === 'Error' ? 'HIGH' : 'MEDIUM',
        description: `${count} messages at ${this.#timeOf(step)}, ${more ? 'more' : 'fewer'} than the usual ${round(usual)}`,
      };
    }
    yield* this.#tokenFindings(series);
  }

  *#tokenFindings({ cluster, messages }: Series): Iterable<Finding> {
    const rows = messages.map(({ message }) => variablesAt(cluster.words, message));
    const positions = Math.min(MOST_POSITIONS, rows[0]?.length ?? 0);
    for (let position = 0; position < positions; position++) {
      const values = rows.map((row) => row[position] ?? '');
      const numbers = values.map(Number);
      const token = `token ${position + 1}`;
      if (values.every((value, i) => value !== '' && Number.isFinite(numbers[i]))) {
        const codes = numbers.every((it) => Number.isInteger(it) && it >= 100 && it < 600);
        const errors = numbers.filter((it) => it >= 500).length;
        if (codes && errors > 0 && errors < numbers.length / 2) {
          yield {
            kind: 'HTTP error code',
            priority: 'HIGH',
            description: `${errors} of ${numbers.length} sampled messages have a status of 500 or above in ${token}`,
          };
        } else if (!codes) {
          const outlier = unusualNumber(numbers);
          if (outlier !== undefined) {
            yield { kind: 'Numeric token', priority: 'LOW', description: `An unusual value ${outlier} in ${token}` };
          }
        }
        continue;
      }
      const rare = rareValue(values);
      if (rare !== undefined) {
        yield { kind: 'Token variation', priority: 'LOW', description: `An unusual value '${rare}' in ${token}` };
      }
    }
  }

  #newFromMs(): number {
    return this.#startMs + this.#stepMs * STEPS * NEW_AFTER;
  }

  #timeOf(step: number): string {
    return new Date(this.#startMs + step * this.#stepMs).toISOString();
  }

  #histogram({ counts }: Series): Map<number, number> {
    return new Map([...counts].map((count, step) => [this.#startMs + step * this.#stepMs, count]));
  }
}

type Finding = Pick<PatternAnomaly, 'kind' | 'priority' | 'description'>;

function addSeries(to: Series, { counts, firstSeenMs, lastSeenMs, messages }: Series): void {
  for (const [step, count] of counts.entries()) to.counts[step]! += count;
  to.firstSeenMs = Math.min(to.firstSeenMs, firstSeenMs);
  to.lastSeenMs = Math.max(to.lastSeenMs, lastSeenMs);
  to.messages.push(...messages.slice(0, MOST_VALUES - to.messages.length));
}

/** The step that stands out most from the median of all, if any does. */
function unusualStep(counts: Float64Array): { step: number; usual: number } | undefined {
  const usual = medianOf([...counts]);
  const deviation = Math.max(
    Math.sqrt(Math.max(usual, 1)),
    1.4826 * medianOf([...counts].map((it) => Math.abs(it - usual))),
  );
  let step = -1;
  let most = UNUSUAL_DEVIATIONS * deviation;
  for (const [i, count] of counts.entries()) {
    if (Math.abs(count - usual) <= most) continue;
    most = Math.abs(count - usual);
    step = i;
  }
  return step < 0 ? undefined : { step, usual };
}

function unusualNumber(numbers: readonly number[]): number | undefined {
  if (numbers.length < 20) return undefined;
  const sorted = [...numbers].sort((a, b) => a - b);
  const q1 = sorted[Math.floor(sorted.length / 4)]!;
  const q3 = sorted[Math.floor((sorted.length * 3) / 4)]!;
  const spread = Math.max(q3 - q1, Math.abs(q3) * 0.05, Number.EPSILON);
  const highest = sorted.at(-1)!;
  return highest > q3 + 10 * spread ? highest : undefined;
}

/** A value seen once where one of very few values stands otherwise. */
function rareValue(values: readonly string[]): string | undefined {
  if (values.length < 50) return undefined;
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  if (counts.size > 5) return undefined;
  return [...counts].find(([, count]) => count === 1)?.[0];
}

function medianOf(values: number[]): number {
  values.sort((a, b) => a - b);
  const middle = values.length >> 1;
  return values.length % 2 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
