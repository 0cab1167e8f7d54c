// Patterns of a period against those of an earlier period of equal length: the `diff` command after `pattern`.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_Compare.html

import { currentOf, type LogCluster, type LogPattern, PatternMiner, patternsOf } from './log-patterns.ts';

export interface PatternDifference extends LogPattern {
  /** Messages in the earlier period. `sampleCount` is that of the current one, and may be 0. */
  previousCount: number;
  /** Messages more (or, negative, fewer) than in the earlier period. */
  difference: number;
  /** A sentence on it: `24.5% more`. */
  description: string;
}

/** Takes the messages of both periods, then compares. */
export class PatternComparison {
  readonly #miner = new PatternMiner();
  readonly #previous = new Map<LogCluster, number>();

  addCurrent(message: string, times = 1): void {
    this.#miner.add(message, times);
  }

  addPrevious(message: string, times = 1): void {
    const cluster = this.#miner.add(message, times);
    this.#previous.set(cluster, (this.#previous.get(cluster) ?? 0) + times);
  }

  /** Largest change first. */
  differences(): PatternDifference[] {
    const { clusters } = this.#miner;
    const counts = new Map<LogCluster, number>();
    for (const [cluster, count] of this.#previous) {
      const current = currentOf(cluster);
      counts.set(current, (counts.get(current) ?? 0) + count);
    }
    const previousOf = (cluster: LogCluster) => counts.get(cluster) ?? 0;
    const previous = new Map(patternsOf(clusters, previousOf).map((it) => [it.patternString, it.sampleCount]));
    const all = patternsOf(clusters, (cluster) => cluster.count);
    const total = this.#miner.count - [...this.#previous.values()].reduce((sum, count) => sum + count, 0);
    const differences = all.map((pattern): PatternDifference => {
      const previousCount = previous.get(pattern.patternString) ?? 0;
      const sampleCount = pattern.sampleCount - previousCount;
      const difference = sampleCount - previousCount;
      const ratio = total === 0 ? 0 : sampleCount / total;
      const description = describe(sampleCount, previousCount);
      return { ...pattern, sampleCount, ratio, previousCount, difference, description };
    });
    return differences.sort((a, b) => Math.abs(b.difference) - Math.abs(a.difference));
  }
}

function describe(current: number, previous: number): string {
  if (previous === 0) return 'New in the current time range';
  if (current === 0) return 'Only in the previous time range';
  if (current === previous) return 'No change';
  const percent = Math.round((Math.abs(current - previous) / previous) * 1000) / 10;
  return `${percent}% ${current > previous ? 'more' : 'fewer'} than in the previous time range`;
}
