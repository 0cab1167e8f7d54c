// The functions of stats. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html

import { type Sql, sql } from '#storage/telemetry/sql.ts';
import { isAggregate } from '../syntax/functions.ts';
import type { Expression } from '../syntax/tree.ts';
import { fault } from './expressions.ts';
import type { EventColumns } from './fields.ts';
import { compileOpenSearchAggregate } from './opensearch-aggregates.ts';
import { asColumn, asNumber, asText, isPresent, MISSING, number, text, type Value } from './values.ts';

type Call = Expression & { kind: 'call' };

/** What an aggregate is taken over. */
export interface AggregateInput {
  value(expression: Expression): Value;
  condition(expression: Expression): Sql;
  event: EventColumns | undefined;
  /** A window, where it is taken over that instead of over a group. */
  over?: Sql;
  /** How many events a row stands for is not what count() counts: it counts rows. */
}

/** Undefined when the function is one of a row. */
export function compileAggregate(call: Call, input: AggregateInput): Value | undefined {
  if (!isAggregate(call.name)) return undefined;
  const over = (aggregate: Sql) => (input.over ? sql`${aggregate} OVER (${input.over})` : aggregate);
  const [first, second] = call.args;
  const value = first ? input.value(first) : MISSING;
  switch (call.name) {
    case 'count':
    case 'count_over_time':
      return number(
        over(
          first && value.kind !== 'missing'
            ? sql`countIf(${isPresent(value)})`
            : first
              ? sql`countIf(0)`
              : sql`count()`,
        ),
      );
    case 'count_distinct':
      return number(over(sql`uniq(${asColumn(value)})`));
    case 'sum':
    case 'sum_over_time':
      return number(over(sql`sumOrNull(${asNumber(value)})`));
    case 'avg':
      return number(over(sql`avgOrNull(${asNumber(value)})`));
    case 'stddev':
      return number(over(sql`stddevPopStableOrNull(${asNumber(value)})`));
    case 'median':
      return number(over(percentile(value, 50)));
    case 'pct': {
      const rank = second && input.value(second);
      if (rank?.kind !== 'number' || rank.constant === undefined || rank.constant < 0 || rank.constant > 100) {
        throw fault('pct takes a percentage from 0 to 100', second ?? call);
      }
      return number(over(percentile(value, rank.constant)));
    }
    case 'min':
    case 'max':
      return extreme(call.name, value, over);
    case 'earliest':
    case 'latest': {
      const at = timeOf(input, call);
      return like(
        value,
        call.name === 'earliest'
          ? sql`argMinOrNull(${asColumn(value)}, ${at})`
          : sql`argMaxOrNull(${asColumn(value)}, ${at})`,
      );
    }
    case 'sortsFirst':
    case 'sortsLast': {
      const key = sortKey(value);
      return like(
        value,
        call.name === 'sortsFirst'
          ? sql`argMinOrNull(${asColumn(value)}, ${key})`
          : sql`argMaxOrNull(${asColumn(value)}, ${key})`,
      );
    }
    case 'rate': {
      const interval = second && input.value(second);
      if (interval?.kind !== 'duration' || !(interval.ms > 0))
        throw fault('rate takes a period such as 1m', second ?? call);
      return rate(value, interval.ms, timeOf(input, call));
    }
    case 'histogram': {
      const buckets = second && input.value(second);
      const count = buckets?.kind === 'number' ? buckets.constant : undefined;
      if (count === undefined || !Number.isInteger(count) || count < 1 || count > MOST_BUCKETS) {
        throw fault(`histogram takes a number of buckets from 1 to ${MOST_BUCKETS}`, second ?? call);
      }
      return text(histogram(asNumber(value), count));
    }
    default:
      return compileOpenSearchAggregate(
        call,
        call.args.map((arg) => input.value(arg)),
        over,
        (arg) => input.condition(arg),
      );
  }
}

function timeOf({ event }: AggregateInput, call: Call): Sql {
  if (!event) throw fault(`${call.name} needs events, with their timestamps`, call);
  return sql`(${event.timestamp}, ${event.segment}, ${event.row})`;
}

/** How much it changes in such an interval, between its first and its last value. */
function rate(value: Value, intervalMs: number, at: Sql): Value {
  const amount = asNumber(value);
  const timestamp = sql`if(isNull(${amount}), NULL, ${at}.1)`;
  const change = sql`(argMaxOrNull(${amount}, ${at}) - argMinOrNull(${amount}, ${at}))`;
  return number(sql`(${change} * ${intervalMs} / nullIf(maxOrNull(${timestamp}) - minOrNull(${timestamp}), 0))`);
}

const MOST_BUCKETS = 1_000;

/** `{"[0, 10)":3,"[10, 20]":1}`: ranges of one width from the smallest value to the largest, and how many lie in each. */
function histogram(amount: Sql, buckets: number): Sql {
  const values = sql`groupArray(toFloat64(${amount}))`;
  const [low, high] = [sql`arrayMin(${values})`, sql`arrayMax(${values})`];
  const width = sql`((${high} - ${low}) / ${buckets})`;
  const indexes = sql`arrayMap(x -> if(${width} = 0, 0, least(${buckets - 1}, toInt64(floor((x - ${low}) / ${width})))), ${values})`;
  const edge = (i: Sql) => sql`toString(round(${low} + ${width} * (${i}), 6))`;
  const range = sql`concat('[', ${edge(sql`i`)}, ', ', ${edge(sql`i + 1`)}, if(i = ${buckets - 1}, ']', ')'))`;
  const each = sql`arrayMap(i -> concat('"', ${range}, '":', toString(countEqual(${indexes}, i))), range(${buckets}))`;
  return sql`if(empty(${values}), NULL, concat('{', arrayStringConcat(${each}, ','), '}'))`;
}

/** A sketch whose tails are exact to a few parts in ten thousand, of a size that does not grow with the events. */
function percentile(value: Value, rank: number): Sql {
  return sql`quantileTDigestOrNull(${sql`${rank / 100 + 0}`})(${asNumber(value)})`;
}

/** Numbers as numbers; of texts that are none, the first or last. */
export function extreme(name: 'min' | 'max', value: Value, over: (aggregate: Sql) => Sql): Value {
  const of = (expression: Sql) => over(name === 'min' ? sql`minOrNull(${expression})` : sql`maxOrNull(${expression})`);
  if (value.kind === 'number' || value.kind === 'time' || value.kind === 'boolean') return like(value, of(value.sql));
  const texts = asText(value);
  const numbers = sql`toFloat64OrNull(${texts})`;
  return text(sql`ifNull(toString(${of(numbers)}), ${of(texts)})`);
}

/** As like, but times stay times, as PPL and SQL have it. */
export function alike(value: Value, expression: Sql): Value {
  if (value.kind !== 'time') return like(value, expression);
  return { kind: 'time', sql: expression, ...(value.day && { day: true }) };
}

/** A time comes out as milliseconds since the epoch, as on AWS. */
function like(value: Value, expression: Sql): Value {
  switch (value.kind) {
    case 'number':
      return { kind: 'number', sql: expression, ...(value.double && { double: true as const }) };
    case 'time':
    case 'boolean':
      return number(expression);
    default:
      return text(expression);
  }
}

/**
 * AWS's order of a field: texts before numbers, texts by their runs of letters and digits, numbers by value.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
 */
export function sortKey(value: Value): Sql {
  if (value.kind === 'number' || value.kind === 'time' || value.kind === 'boolean') return value.sql;
  const texts = asText(value);
  const numbers = sql`toFloat64OrNull(${texts})`;
  return sql`(isNotNull(${numbers}), ifNull(${numbers}, 0), naturalSortKey(ifNull(${texts}, '')))`;
}
