// The functions of one row. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Expression } from '../syntax/tree.ts';
import { ADDRESS_FUNCTIONS } from './address-functions.ts';
import { formatDate, parseDate } from './date-formats.ts';
import { ceilTime, floorTime, type Period } from './datetime.ts';
import { ENCODING_FUNCTIONS } from './encoding-functions.ts';
import { type ExpressionCompiler, fault } from './expressions.ts';
import { OPENSEARCH_FUNCTIONS } from './opensearch-functions.ts';
import { re2 } from './regex.ts';
import {
  asColumn,
  asNumber,
  asText,
  boolean,
  constantNumber,
  isPresent,
  MISSING,
  number,
  text,
  time,
  type Value,
} from './values.ts';

export type Call = Expression & { kind: 'call' };
export type ScalarFunction = (args: Value[], compiler: ExpressionCompiler, call: Call) => Value;

export function compileFunction(call: Call, compiler: ExpressionCompiler): Value {
  const compile = SCALAR_FUNCTIONS[call.name];
  if (!compile) throw fault(`Brume does not run the function ${call.name} yet`, call);
  if (call.name === 'unmask') return compiler.unmasked(call.args[0]!);
  const args = call.args.map((arg) => compiler.value(arg));
  return compile(args, compiler, call);
}

const numeric =
  (render: (...args: Sql[]) => Sql): ScalarFunction =>
  (args) =>
    number(render(...args.map(asNumber)));

const ofTexts =
  (render: (...args: Sql[]) => Sql): ScalarFunction =>
  (args) =>
    text(render(...args.map(asText)));

const SCALAR_FUNCTIONS: Record<string, ScalarFunction> = {
  ...ADDRESS_FUNCTIONS,
  ...ENCODING_FUNCTIONS,
  ...OPENSEARCH_FUNCTIONS,
  abs: numeric((a) => sql`abs(${a})`),
  ceil: numeric((a) => sql`ceil(${a})`),
  floor: numeric((a) => sql`floor(${a})`),
  log: numeric((a) => sql`log(${a})`),
  sqrt: numeric((a) => sql`sqrt(${a})`),
  round: numeric((a, digits) => {
    const power = digits ? sql`pow(10, ${digits})` : sql`1`;
    return sql`(sign(${a!}) * floor(abs(${a!}) * ${power} + 0.5) / ${power})`;
  }),
  haversine: numeric((...[a, b, c, d]) => greatCircleKm(a!, b!, c!, d!)),
  toNumber: numeric((a) => a!),
  toInt: numeric((a) => sql`if(abs(trunc(${a!})) <= 2147483648, toInt64(trunc(${a!})), NULL)`),
  toLong: numeric((a) => sql`if(abs(${a!}) < 9223372036854775807, toInt64(trunc(${a!})), NULL)`),
  toDouble: ([a]) => ({ kind: 'number', sql: sql`toFloat64(${asNumber(a!)})`, double: true }),
  greatest: (args) => number(sql`arrayMax(${present(args)})`),
  least: (args) => number(sql`arrayMin(${present(args)})`),

  bin: (args, compiler, call) => rounded(floorTime, args, compiler, call),
  datefloor: (args, compiler, call) => rounded(floorTime, args, compiler, call),
  dateceil: (args, compiler, call) => rounded(ceilTime, args, compiler, call),
  fromMillis: ([a]) => time(sql`toInt64(${asNumber(a!)})`),
  toMillis: ([a]) => number(asNumber(a!)),
  now: (_, compiler) => constantNumber(Math.floor(compiler.times.nowMs / 1000)),
  queryStartTime: (_, { times }) => constantNumber(times.startMs),
  queryEndTime: (_, { times }) => constantNumber(times.endMs),
  queryTimeRange: (_, { times }) => constantNumber(times.endMs - times.startMs),
  parseDate: ([a, format, zone], _, call) =>
    parseDate(asText(a!), constant(format!, call), zone && constant(zone, call)),
  formatDate: ([a, format, zone], _, call) =>
    formatDate(asNumber(a!), constant(format!, call), zone && constant(zone, call), call),

  ispresent: ([a]) => boolean(isPresent(a!)),
  coalesce: (args) => {
    const given = args.filter(({ kind }) => kind !== 'missing');
    const [first] = given;
    if (!first) return MISSING;
    if (first.kind === 'number' || first.kind === 'time') {
      if (given.every(({ kind }) => kind === first.kind)) {
        const found = sql`coalesce(${join(given.map(asColumn), ', ')})`;
        const isDay = given.every((value) => value.kind === 'time' && value.day);
        return isDay ? { kind: 'time', sql: found, day: true } : { kind: first.kind, sql: found };
      }
    }
    return text(sql`coalesce(${join(given.map(asText), ', ')})`);
  },
  case: (args, compiler, call) => {
    const pairs = Math.floor(args.length / 2);
    const values = args.filter((_, i) => i % 2 === 1 || i === pairs * 2);
    const conditions = Array.from({ length: pairs }, (_, i) => compiler.condition(call.args[i * 2]!));
    return chosen(conditions, values);
  },
  if: ([, yes, no], compiler, call) => chosen([compiler.condition(call.args[0]!)], [yes!, no!]),
  isNumeric: ([a]) => boolean(sql`isNotNull(${asNumber(a!)})`),
  messageSize: ([a]) => number(sql`length(${asText(a!)})`),
  jsonArraySize: ([a]) => {
    const document = jsonText(a!);
    return number(sql`if(JSONType(${document}) = 'Array', JSONLength(${document}), NULL)`);
  },
  jsonArrayContains: ([a, searched]) => {
    const texts = sql`arrayMap(x -> if(startsWith(x, '"'), JSONExtractString(x), x), JSONExtractArrayRaw(${jsonText(a!)}))`;
    return boolean(sql`toUInt8(ifNull(has(${texts}, ${asText(searched!)}), 0))`);
  },
  jsonParse: ([a]) =>
    a!.kind === 'json' && a!.path.length > 0
      ? { kind: 'json', document: sql`ifNull(${asText(a!)}, '')`, path: [] }
      : a!.kind === 'json'
        ? a!
        : { kind: 'json', document: sql`ifNull(${asText(a!)}, '')`, path: [] },
  jsonStringify: ([a]) => text(a!.kind === 'text' ? sql`toJSONString(${a!.sql})` : asText(a!)),

  isempty: ([a]) => boolean(sql`ifNull(${asText(a!)}, '') = ''`),
  isblank: ([a]) => boolean(sql`NOT match(ifNull(${asText(a!)}, ''), '\\\\S')`),
  concat: (args) =>
    text(
      sql`concat(${join(
        args.map((arg) => sql`ifNull(${asText(arg)}, '')`),
        ', ',
      )})`,
    ),
  ltrim: ofTexts((a, characters) => (characters ? sql`trimLeft(${a}, ${characters})` : strip(a!, '^\\s+'))),
  rtrim: ofTexts((a, characters) => (characters ? sql`trimRight(${a}, ${characters})` : strip(a!, '\\s+$'))),
  trim: ofTexts((a, characters) =>
    characters ? sql`trimBoth(${a}, ${characters})` : strip(strip(a!, '^\\s+'), '\\s+$'),
  ),
  strlen: ([a]) => number(sql`lengthUTF8(${asText(a!)})`),
  toupper: ofTexts((a) => sql`upperUTF8(${a})`),
  tolower: ofTexts((a) => sql`lowerUTF8(${a})`),
  substr: ([a, from, count]) => {
    const start = sql`toInt64(greatest(${asNumber(from!)}, 0)) + 1`;
    if (!count) return text(sql`substringUTF8(${asText(a!)}, ${start})`);
    return text(sql`substringUTF8(${asText(a!)}, ${start}, toInt64(greatest(${asNumber(count)}, 0)))`);
  },
  // replaceAll needs the searched text to be there; nothing is replaced where it is empty.
  replace: ofTexts((a, from, to) => sql`if(${from!} = '', ${a!}, replaceAll(${a!}, ${from!}, ${to!}))`),
  regexReplace: ([a, pattern, to], _, call) =>
    text(sql`replaceRegexpAll(${asText(a!)}, ${re2(constant(pattern!, call), call.args[1]!)}, ${asText(to!)})`),
  strcontains: ([a, searched, insensitive]) => {
    const [within, part] = [asText(a!), asText(searched!)];
    const found = sql`position(${within}, ${part}) > 0`;
    const anyCase = sql`positionCaseInsensitiveUTF8(${within}, ${part}) > 0`;
    const holds = insensitive ? sql`if(${asText(insensitive)} IN ('1', 'true'), ${anyCase}, ${found})` : found;
    return number(sql`toUInt8(ifNull(${holds}, 0))`);
  },
  startsWith: ([a, part]) => number(sql`toUInt8(ifNull(startsWith(${asText(a!)}, ${asText(part!)}), 0))`),
  endsWith: ([a, part]) => number(sql`toUInt8(ifNull(endsWith(${asText(a!)}, ${asText(part!)}), 0))`),
  split: ([a, delimiter]) => ({
    kind: 'json',
    document: sql`toJSONString(splitByString(ifNull(${asText(delimiter!)}, ''), ifNull(${asText(a!)}, '')))`,
    path: [],
  }),
  unmask: ([a]) => a!,
};

function strip(expression: Sql, pattern: string): Sql {
  return sql`replaceRegexpOne(${expression}, ${pattern}, '')`;
}

/** A constant text, such as a format. */
export function constant(value: Value, call: Call): string {
  if (value.kind === 'text' && value.constant !== undefined) return value.constant;
  throw fault(`${call.name} takes a text in quotes there`, call);
}

/** The value of the first condition that holds, otherwise the last one where there is one more. */
export function chosen(conditions: readonly Sql[], values: readonly Value[]): Value {
  const given = values.filter(({ kind }) => kind !== 'missing');
  const kind = given.every(({ kind }) => kind === 'time') ? 'time' : 'number';
  const ofOneKind = given.length > 0 && given.every((value) => value.kind === kind);
  const column = (value: Value) => (ofOneKind ? sql`toFloat64(${asNumber(value)})` : asText(value));
  const branches = conditions.flatMap((condition, i) => [sql`ifNull(${condition}, 0)`, column(values[i]!)]);
  const last = values.length > conditions.length ? column(values.at(-1)!) : sql`NULL`;
  const picked = sql`multiIf(${join([...branches, last], ', ')})`;
  if (!ofOneKind) return text(picked);
  return kind === 'time' ? time(sql`toInt64(${picked})`) : number(picked);
}

/** The document of a place in JSON, or a text that is one. */
function jsonText(value: Value): Sql {
  return sql`ifNull(${asText(value)}, '')`;
}

const EARTH_RADIUS_KM = 6371;

/** The haversine formula; degrees. */
function greatCircleKm(latitude: Sql, longitude: Sql, otherLatitude: Sql, otherLongitude: Sql): Sql {
  const half = (a: Sql, b: Sql) => sql`pow(sin(radians(toFloat64(${b}) - ${a}) / 2), 2)`;
  const cosines = sql`cos(radians(toFloat64(${latitude}))) * cos(radians(toFloat64(${otherLatitude})))`;
  const chord = sql`${half(latitude, otherLatitude)} + ${cosines} * ${half(longitude, otherLongitude)}`;
  return sql`(${2 * EARTH_RADIUS_KM} * asin(sqrt(${chord})))`;
}

function present(args: Value[]): Sql {
  return sql`arrayFilter(x -> isNotNull(x), [${join(
    args.map((arg) => sql`toFloat64(${asNumber(arg)})`),
    ', ',
  )}])`;
}

function rounded(
  round: (time: Sql, period: Period) => Sql,
  args: Value[],
  compiler: ExpressionCompiler,
  call: Call,
): Value {
  const period = args.find((arg) => arg.kind === 'duration');
  if (period?.kind !== 'duration' || !(period.count > 0) || !Number.isInteger(period.count)) {
    throw fault(`${call.name} needs a period such as 5m`, call);
  }
  const of = args.find((arg) => arg !== period) ?? compiler.value({ ...call, kind: 'field', name: '@timestamp' });
  const rounding = round(asNumber(of), period);
  return of.kind === 'time' && of.present ? { kind: 'time', sql: rounding, present: true } : time(rounding);
}
