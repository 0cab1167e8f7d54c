// Labels with dynamic values: `${MAX}`, `${LAST_TIME}`, `${PROP('Dim.QueueName')}` …
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/graph-dynamic-labels.html

export interface LabelContext {
  /** What `${LABEL}` stands for: the label that the metric would have had. */
  defaultLabel: string;
  /** `MetricName`, `Dim.QueueName`, … */
  properties: Readonly<Record<string, string | undefined>>;
  /** Oldest first. */
  points: readonly { timestampMs: number; value: number }[];
  nowMs: number;
  /** Minutes ahead of UTC. */
  timezoneMinutes: number;
}

const PLACEHOLDER = /\$\{(?:PROP\('([^']*)'\)|([A-Z_]+))\}/g;
const NO_DATA = '--';

/** Placeholders that CloudWatch does not know stay as they are. */
export function expandLabel(label: string, context: LabelContext): string {
  return label.replace(PLACEHOLDER, (whole, property: string | undefined, name: string) => {
    if (property !== undefined) return context.properties[property] ?? whole;
    if (name === 'LABEL') return context.defaultLabel;
    if (name === 'DATAPOINT_COUNT') return String(context.points.length);
    const value = VALUES[name];
    if (!value) return whole;
    return context.points.length === 0 ? NO_DATA : value(factsOf(context.points), context);
  });
}

interface Point {
  timestampMs: number;
  value: number;
}

interface Facts {
  first: Point;
  last: Point;
  minimum: Point;
  maximum: Point;
  sum: number;
  count: number;
}

const VALUES: Record<string, (facts: Facts, context: LabelContext) => string> = {
  AVG: ({ sum, count }) => number(sum / count),
  SUM: ({ sum }) => number(sum),
  FIRST: ({ first }) => number(first.value),
  LAST: ({ last }) => number(last.value),
  MIN: ({ minimum }) => number(minimum.value),
  MAX: ({ maximum }) => number(maximum.value),
  FIRST_LAST_RANGE: ({ first, last }) => range(first.value, last.value),
  MIN_MAX_RANGE: ({ minimum, maximum }) => range(minimum.value, maximum.value),
  FIRST_TIME: ({ first }, context) => time(first, context),
  LAST_TIME: ({ last }, context) => time(last, context),
  MIN_TIME: ({ minimum }, context) => time(minimum, context),
  MAX_TIME: ({ maximum }, context) => time(maximum, context),
  FIRST_LAST_TIME_RANGE: ({ first, last }, context) => `${time(first, context)} - ${time(last, context)}`,
  MIN_MAX_TIME_RANGE: ({ minimum, maximum }, context) => `${time(minimum, context)} - ${time(maximum, context)}`,
  FIRST_TIME_RELATIVE: ({ first }, context) => relative(first, context),
  LAST_TIME_RELATIVE: ({ last }, context) => relative(last, context),
  MIN_TIME_RELATIVE: ({ minimum }, context) => relative(minimum, context),
  MAX_TIME_RELATIVE: ({ maximum }, context) => relative(maximum, context),
  FIRST_LAST_TIME_RANGE_RELATIVE: ({ first, last }, context) =>
    `${relative(first, context)} - ${relative(last, context)}`,
  MIN_MAX_TIME_RANGE_RELATIVE: ({ minimum, maximum }, context) =>
    `${relative(minimum, context)} - ${relative(maximum, context)}`,
};

function factsOf(points: readonly Point[]): Facts {
  const first = points[0]!;
  const facts: Facts = { first, last: points.at(-1)!, minimum: first, maximum: first, sum: 0, count: points.length };
  for (const point of points) {
    facts.sum += point.value;
    if (point.value < facts.minimum.value) facts.minimum = point;
    if (point.value > facts.maximum.value) facts.maximum = point;
  }
  return facts;
}

/** Three decimals at most. */
function number(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

function range(from: number, to: number): string {
  return `${number(from)} - ${number(to)}`;
}

/** `2026-11-23 01:00:00 UTC`, or with the offset asked for. */
function time({ timestampMs }: Point, { timezoneMinutes }: LabelContext): string {
  const shifted = new Date(timestampMs + timezoneMinutes * 60_000).toISOString();
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} UTC${offset(timezoneMinutes)}`;
}

function offset(minutes: number): string {
  if (minutes === 0) return '';
  const magnitude = Math.abs(minutes);
  const text = (part: number) => String(part).padStart(2, '0');
  return `${minutes > 0 ? '+' : '-'}${text(Math.floor(magnitude / 60))}:${text(magnitude % 60)}`;
}

/** `1h 5m 3s ago` */
function relative({ timestampMs }: Point, { nowMs }: LabelContext): string {
  const seconds = Math.max(0, Math.round((nowMs - timestampMs) / 1000));
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ].filter(([amount]) => amount !== 0);
  return `${parts.length === 0 ? '0s' : parts.map((part) => part.join('')).join(' ')} ago`;
}
