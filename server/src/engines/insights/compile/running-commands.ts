// Commands whose rows depend on other rows, in the order that the commands before have left: window functions.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Accum.html, …-Autoregress.html, …-Filldown.html,
// …-Outlier.html, …-Sessionize.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Command } from '../syntax/tree.ts';
import { UNIT_MS } from './datetime.ts';
import { fault } from './expressions.ts';
import { orderBy, type Pipeline } from './pipeline.ts';
import { asColumn, asNumber, asText, boolean, isPresent, number, text, type Value } from './values.ts';

type Of<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

const SO_FAR = sql`ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`;

export function accumulate(pipeline: Pipeline, { field, into }: Of<'accum'>): void {
  pipeline.settleLimit();
  define(pipeline, [[into, number(sql`sumOrNull(${asNumber(pipeline.field(field))}) OVER (${soFar(pipeline)})`)]]);
  pipeline.add([into]);
}

export function autoregress(pipeline: Pipeline, { field, alias, first, last }: Of<'autoregress'>): void {
  pipeline.settleLimit();
  const value = pipeline.field(field);
  const name = (lag: number) => (alias !== undefined && first === last ? alias : `${alias ?? field}_p${lag}`);
  const lags = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const before = (lag: number) => sql`lagInFrame(toNullable(${asColumn(value)}), ${lag}) OVER (${soFar(pipeline)})`;
  define(
    pipeline,
    lags.map((lag) => [name(lag), alike(value, before(lag))]),
  );
  pipeline.add(lags.map(name));
}

export function fillDown(pipeline: Pipeline, { fields, ...at }: Of<'filldown'>): void {
  pipeline.settleLimit();
  const shown = pipeline.columns ?? [];
  const names = fields.length === 0 ? shown : fields.flatMap((field) => matching(field, shown));
  if (names.length === 0) throw fault('filldown finds no field to fill', at);
  const filled = (value: Value) => sql`anyLast(${asColumn(value)}) OVER (${soFar(pipeline)})`;
  define(
    pipeline,
    names.map((name) => [name, alike(pipeline.field(name), filled(pipeline.field(name)))]),
  );
}

export function sessionize(pipeline: Pipeline, { fields, gap, into, ...at }: Of<'sessionize'>): void {
  if (!pipeline.event) throw fault('sessionize needs events, with their timestamps', at);
  const keys = fields.map((field) => text(asText(pipeline.compiler.value(field))));
  const keyNames = keys.map((_, i) => `session key ${i}`);
  for (const [i, key] of keys.entries()) pipeline.fields.set(keyNames[i]!, key);
  pipeline.settle();
  const partition = () =>
    join(
      keyNames.map((name) => asColumn(pipeline.field(name))),
      ', ',
    );
  const inTime = () => {
    const { timestamp, segment, row } = pipeline.event!;
    return sql`PARTITION BY ${partition()} ORDER BY ${timestamp}, ${segment}, ${row} ${SO_FAR}`;
  };
  const time = () => pipeline.event!.timestamp;
  const begins = 'session begins';
  const previous = sql`lagInFrame(toNullable(${time()})) OVER (${inTime()})`;
  const isFirst = sql`(isNull(${previous}) OR ${time()} - ${previous} > ${gap.count * UNIT_MS[gap.unit]})`;
  define(pipeline, [[begins, number(sql`if(${isFirst}, ${time()}, NULL)`)]]);
  const start = sql`maxOrNull(${asNumber(pipeline.field(begins))}) OVER (${inTime()})`;
  const whole = join(
    keyNames.map((name) => isPresent(pipeline.field(name))),
    ' AND ',
  );
  const id = sql`lower(hex(sipHash64(${partition()}, ${start})))`;
  define(pipeline, [[into, text(sql`if(${whole}, ${id}, NULL)`)]]);
  for (const name of [...keyNames, begins]) pipeline.fields.delete(name);
  pipeline.add([into]);
}

/** Quartiles are those of all rows, sketched as percentiles are. */
export function outlier(pipeline: Pipeline, { action, factor, lower, mark, fields }: Of<'outlier'>): void {
  pipeline.settleLimit();
  const bound = (name: string, side: 'low' | 'high') => `${side} bound of ${name}`;
  const quartile = (name: string, level: number) =>
    sql`quantileTDigestOrNull(${sql`${level}`})(${asNumber(pipeline.field(name))}) OVER ()`;
  define(
    pipeline,
    fields.flatMap((name): [string, Value][] => {
      const [first, third] = [quartile(name, 0.25), quartile(name, 0.75)];
      const reach = sql`${factor} * (${third} - ${first})`;
      return [
        [bound(name, 'low'), number(sql`(${first} - ${reach})`)],
        [bound(name, 'high'), number(sql`(${third} + ${reach})`)],
      ];
    }),
  );
  const kept: Sql[] = [];
  for (const name of fields) {
    const value = pipeline.field(name);
    const amount = asNumber(value);
    const [low, high] = [bound(name, 'low'), bound(name, 'high')].map((each) => asNumber(pipeline.field(each)));
    const isOut = sql`ifNull(${amount} > ${high!}${lower ? sql` OR ${amount} < ${low!}` : sql``}, 0)`;
    kept.push(sql`NOT ${isOut}`);
    if (mark) pipeline.define(`${name}_outlier`, boolean(sql`toUInt8(${isOut})`));
    if (action === 'transform') {
      const clamped = sql`if(${amount} > ${high!}, ${high!}, ${lower ? sql`greatest(${amount}, ${low!})` : amount})`;
      const isText = value.kind === 'text' || value.kind === 'json';
      const bounded = isText ? text(sql`if(${isOut}, toString(${clamped}), ${asText(value)})`) : number(clamped);
      pipeline.define(name, bounded);
    }
  }
  if (action === 'remove') pipeline.where.push(...kept);
  pipeline.settle();
  for (const name of fields) for (const side of ['low', 'high'] as const) pipeline.fields.delete(bound(name, side));
  if (mark) pipeline.add(fields.map((name) => `${name}_outlier`));
}

/** Defines fields that look at other rows, of the rows as they are now. */
function define(pipeline: Pipeline, fields: readonly (readonly [name: string, value: Value])[]): void {
  for (const [name, value] of fields) pipeline.fields.set(name, value);
  pipeline.settle();
}

function soFar(pipeline: Pipeline): Sql {
  const keys = pipeline.orderKeys();
  return keys.length === 0 ? SO_FAR : sql`ORDER BY ${orderBy(keys)} ${SO_FAR}`;
}

/** Another value of the same kind. */
function alike(value: Value, expression: Sql): Value {
  if (value.kind === 'number') return { kind: 'number', sql: expression, ...(value.double && { double: true }) };
  return value.kind === 'time' ? { kind: 'time', sql: expression } : text(sql`toString(${expression})`);
}

function matching(pattern: string, names: readonly string[]): string[] {
  if (!pattern.includes('*')) return [pattern];
  const expression = new RegExp(
    `^${pattern
      .split('*')
      .map((piece) => piece.replace(/\W/g, '\\$&'))
      .join('.*')}$`,
  );
  return names.filter((name) => expression.test(name));
}
