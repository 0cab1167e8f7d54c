// What a detector knows of a group's patterns, and what it finds unusual in the events of one interval: patterns never
// seen, patterns much more or less frequent than usual, and values that a token never had. Pure.

import {
  currentOf,
  type LogCluster,
  type LogPattern,
  PatternMiner,
  patternOf,
  templateOf,
  variablesAt,
} from '#engines/log-patterns/log-patterns.ts';
import type { AnomalyPriority } from '#engines/log-patterns/pattern-anomalies.ts';

/** A pattern and how often it comes in an interval. */
export interface PatternBaseline {
  template: string;
  /** Exponentially weighted, of messages in an interval. */
  mean: number;
  variance: number;
  /** Values of each dynamic token while they are few; null once they are many. */
  values: (string[] | null)[];
  /** Messages that `values` were taken from. */
  valuesFrom: number;
}

export interface ModelEvent {
  timestamp: number;
  message: string;
}

export interface AnomalyFinding {
  kind: 'New pattern' | 'Pattern frequency' | 'Token variation';
  priority: AnomalyPriority;
  description: string;
  pattern: LogPattern;
  /** Messages in the interval that show it. */
  count: number;
  samples: ModelEvent[];
}

const MOST_PATTERNS = 2_000;
/** The newest interval's share in mean and variance. */
const WEIGHT = 0.1;
const UNUSUAL_DEVIATIONS = 5;
/** A rise must be of so many messages at least. */
const SMALLEST_RISE = 10;
/** A token with this many values or fewer, over this many messages, is expected to keep to them. */
const MOST_VALUES = 8;
const FEWEST_MESSAGES_FOR_VALUES = 200;
const MOST_POSITIONS = 8;
const MOST_EXAMINED = 500;
const MOST_SAMPLES = 10;

interface Counted {
  cluster: LogCluster;
  count: number;
  events: ModelEvent[];
}

export class DetectorModel {
  readonly #miner = new PatternMiner();
  readonly #baselines = new Map<LogCluster, PatternBaseline>();

  constructor(patterns: readonly PatternBaseline[] = []) {
    for (const baseline of patterns) this.#baselines.set(this.#miner.restore(baseline.template), { ...baseline });
  }

  /** Takes in what is normal: events of `intervals` intervals, in the order of time. */
  train(events: Iterable<ModelEvent>, intervalMs: number): void {
    let start: number | undefined;
    let interval: ModelEvent[] = [];
    for (const event of events) {
      start ??= event.timestamp;
      // Intervals without events count too, but not for ever.
      for (let empty = 0; event.timestamp >= start + intervalMs; empty++) {
        if (empty < 1 / WEIGHT) this.#learn(this.#count(interval));
        interval = [];
        start += Math.max(1, empty < 1 / WEIGHT ? 1 : Math.floor((event.timestamp - start) / intervalMs)) * intervalMs;
      }
      interval.push(event);
    }
    if (interval.length > 0) this.#learn(this.#count(interval));
  }

  /** What is unusual in the events of one interval, which are then taken in. */
  evaluate(events: readonly ModelEvent[]): AnomalyFinding[] {
    const counted = this.#count(events);
    const findings: AnomalyFinding[] = [];
    for (const of of counted.values()) {
      const baseline = this.#baselines.get(of.cluster);
      findings.push(...(baseline ? this.#compare(of, baseline) : [newPattern(of)]));
    }
    for (const [cluster, baseline] of this.#baselines) {
      if (!counted.has(cluster)) findings.push(...this.#compare({ cluster, count: 0, events: [] }, baseline));
    }
    this.#learn(counted);
    return findings;
  }

  /** The most frequent patterns, to be kept. */
  patterns(): PatternBaseline[] {
    return [...this.#baselines]
      .map(([cluster, baseline]) => ({ ...baseline, template: templateOf(cluster) }))
      .sort((a, b) => b.mean - a.mean)
      .slice(0, MOST_PATTERNS);
  }

  #count(events: readonly ModelEvent[]): Map<LogCluster, Counted> {
    const counted = new Map<LogCluster, Counted>();
    for (const event of events) {
      const cluster = this.#miner.add(event.message);
      let of = counted.get(cluster);
      if (!of) {
        of = { cluster, count: 0, events: [] };
        counted.set(cluster, of);
      }
      of.count++;
      if (of.events.length < MOST_EXAMINED) of.events.push(event);
    }
    return this.#settle(counted);
  }

  /** Patterns that began apart and have become one are counted as one, and so are their baselines. */
  #settle(counted: Map<LogCluster, Counted>): Map<LogCluster, Counted> {
    for (const [cluster, baseline] of [...this.#baselines]) {
      if (!cluster.mergedInto) continue;
      this.#baselines.delete(cluster);
      const current = currentOf(cluster);
      const known = this.#baselines.get(current);
      this.#baselines.set(current, known ? addBaselines(known, baseline) : baseline);
    }
    const settled = new Map<LogCluster, Counted>();
    for (const { cluster, count, events } of counted.values()) {
      const current = currentOf(cluster);
      const known = settled.get(current);
      if (known) {
        known.count += count;
        known.events.push(...events.slice(0, MOST_EXAMINED - known.events.length));
      } else settled.set(current, { cluster: current, count, events });
    }
    return settled;
  }

  #compare({ cluster, count, events }: Counted, baseline: PatternBaseline): AnomalyFinding[] {
    const { mean, variance } = baseline;
    const findings: AnomalyFinding[] = [];
    const deviation = Math.sqrt(Math.max(variance, mean, 1));
    const difference = count - mean;
    if (Math.abs(difference) > UNUSUAL_DEVIATIONS * deviation && (difference < 0 || difference >= SMALLEST_RISE)) {
      const pattern = patternOf(cluster);
      const more = difference > 0;
      findings.push({
        kind: 'Pattern frequency',
        priority: more && pattern.severityLabel === 'Error' ? 'HIGH' : 'MEDIUM',
        description: `${count} messages of this pattern, ${more ? 'more' : 'fewer'} than the usual ${mean.toFixed(1)}`,
        pattern,
        count,
        samples: events.slice(0, MOST_SAMPLES),
      });
    }
    const unexpected = unexpectedValue(cluster, events, baseline);
    if (unexpected) {
      findings.push({
        kind: 'Token variation',
        priority: 'LOW',
        description: `The value '${unexpected.value.slice(0, 100)}' was not seen before in token ${unexpected.position + 1}`,
        pattern: patternOf(cluster),
        count: unexpected.events.length,
        samples: unexpected.events.slice(0, MOST_SAMPLES),
      });
    }
    return findings;
  }

  #learn(counted: Map<LogCluster, Counted>): void {
    for (const [cluster, baseline] of this.#baselines) {
      const difference = (counted.get(cluster)?.count ?? 0) - baseline.mean;
      baseline.mean += WEIGHT * difference;
      baseline.variance = (1 - WEIGHT) * (baseline.variance + WEIGHT * difference * difference);
    }
    for (const { cluster, count, events } of counted.values()) {
      let baseline = this.#baselines.get(cluster);
      if (!baseline) {
        baseline = { template: '', mean: count, variance: count, values: [], valuesFrom: 0 };
        this.#baselines.set(cluster, baseline);
      }
      learnValues(cluster, events, baseline);
    }
  }
}

/** Their tokens are no longer the same ones, so what those held is learned again. */
function addBaselines(a: PatternBaseline, b: PatternBaseline): PatternBaseline {
  return { ...a, mean: a.mean + b.mean, variance: a.variance + b.variance, values: [], valuesFrom: 0 };
}

function newPattern({ cluster, count, events }: Counted): AnomalyFinding {
  const pattern = patternOf(cluster);
  const { severityLabel } = pattern;
  return {
    kind: 'New pattern',
    priority: severityLabel === 'Error' ? 'HIGH' : severityLabel === 'Warning' ? 'MEDIUM' : 'LOW',
    description: `A pattern that was not seen before, in ${count} message${count === 1 ? '' : 's'}`,
    pattern,
    count,
    samples: events.slice(0, MOST_SAMPLES),
  };
}

function unexpectedValue(cluster: LogCluster, events: readonly ModelEvent[], { values, valuesFrom }: PatternBaseline) {
  if (valuesFrom < FEWEST_MESSAGES_FOR_VALUES || values.every((known) => known === null)) return undefined;
  for (const { message } of events) {
    for (const [position, value] of variablesAt(cluster.words, message).slice(0, MOST_POSITIONS).entries()) {
      const known = values[position];
      if (!known || known.includes(value)) continue;
      const having = events.filter((event) => variablesAt(cluster.words, event.message)[position] === value);
      return { position, value, events: having };
    }
  }
  return undefined;
}

function learnValues(cluster: LogCluster, events: readonly ModelEvent[], baseline: PatternBaseline): void {
  for (const { message } of events) {
    if (baseline.values.length > 0 && baseline.values.every((known) => known === null)) return;
    baseline.valuesFrom++;
    const found = variablesAt(cluster.words, message).slice(0, MOST_POSITIONS);
    for (const [position, value] of found.entries()) {
      if (baseline.values[position] === null) continue;
      const known = baseline.values[position] ?? [];
      if (!known.includes(value)) known.push(value);
      baseline.values[position] = known.length > MOST_VALUES ? null : known;
    }
  }
}
