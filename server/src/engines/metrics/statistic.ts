// Statistics by their CloudWatch names: the five basic ones and the extended ones (p95, tm99, TM(5%:95%), PR(:300), IQM …).
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html

export type BasicStatistic = 'SampleCount' | 'Average' | 'Sum' | 'Minimum' | 'Maximum';

export const BASIC_STATISTICS: readonly BasicStatistic[] = ['SampleCount', 'Average', 'Sum', 'Minimum', 'Maximum'];

/** A bound of a trimmed statistic: a share of the samples, or a value of the metric. */
export type Bound = { kind: 'percent'; percent: number } | { kind: 'value'; value: number };

export type Statistic =
  | { kind: 'basic'; name: BasicStatistic }
  | { kind: 'percentile'; percent: number }
  | { kind: TrimmedKind; lower?: Bound; upper?: Bound };

/** Trimmed mean, trimmed count, trimmed sum, winsorized mean, percentile rank. */
export type TrimmedKind = 'tm' | 'tc' | 'ts' | 'wm' | 'pr';

const SHORT = /^(p|tm|tc|ts|wm)(\d{1,3}(?:\.\d{1,10})?)$/;
const LONG = /^(TM|TC|TS|WM|PR)\(([^:()]*):([^:()]*)\)$/;
const BOUND = /^(-?\d+(?:\.\d+)?)(%?)$/;

/** The statistic of that name, or undefined when CloudWatch knows none such. */
export function parseStatistic(name: string): Statistic | undefined {
  if ((BASIC_STATISTICS as readonly string[]).includes(name)) return { kind: 'basic', name: name as BasicStatistic };
  return parseExtendedStatistic(name);
}

export function parseExtendedStatistic(name: string): Statistic | undefined {
  if (/^iqm$/i.test(name)) return { kind: 'tm', lower: percent(25), upper: percent(75) };
  const short = SHORT.exec(name);
  if (short) {
    const share = Number(short[2]);
    if (share > 100) return undefined;
    return short[1] === 'p'
      ? { kind: 'percentile', percent: share }
      : { kind: short[1] as TrimmedKind, upper: percent(share) };
  }
  const long = LONG.exec(name);
  return long ? parseBounded(long[1]!.toLowerCase() as TrimmedKind, long[2]!.trim(), long[3]!.trim()) : undefined;
}

function parseBounded(kind: TrimmedKind, lowerText: string, upperText: string): Statistic | undefined {
  const lower = parseBound(lowerText);
  const upper = parseBound(upperText);
  if (lower === 'invalid' || upper === 'invalid' || (!lower && !upper)) return undefined;
  if (lower && upper && (lower.kind !== upper.kind || magnitude(lower) >= magnitude(upper))) return undefined;
  // A percentile rank asks for a share, so its bounds can only be values.
  if (kind === 'pr' && (lower ?? upper)!.kind === 'percent') return undefined;
  return { kind, ...(lower ? { lower } : {}), ...(upper ? { upper } : {}) };
}

function parseBound(text: string): Bound | undefined | 'invalid' {
  if (text === '') return undefined;
  const match = BOUND.exec(text);
  if (!match) return 'invalid';
  const number = Number(match[1]);
  if (match[2] !== '%') return { kind: 'value', value: number };
  return number >= 0 && number <= 100 ? percent(number) : 'invalid';
}

function percent(share: number): Bound {
  return { kind: 'percent', percent: share };
}

function magnitude(bound: Bound): number {
  return bound.kind === 'percent' ? bound.percent : bound.value;
}
