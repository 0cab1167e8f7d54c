// Functions of a row that only PPL and SQL have; the tree calls them by capital letters.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import { UNIT_MS } from './datetime.ts';
import { compare, fault } from './expressions.ts';
import { type Call, chosen, constant, type ScalarFunction } from './functions.ts';
import { re2 } from './regex.ts';
import { asColumn, asJson, asNumber, asText, boolean, isPresent, number, text, time, type Value } from './values.ts';

const numeric =
  (render: (...args: Sql[]) => Sql): ScalarFunction =>
  (args) =>
    number(render(...args.map((arg) => sql`toFloat64(${asNumber(arg)})`)));

const ofTexts =
  (render: (...args: Sql[]) => Sql): ScalarFunction =>
  (args) =>
    text(render(...args.map(asText)));

/** Part of a time, as a number. */
const ofTime =
  (render: (at: Sql) => Sql): ScalarFunction =>
  ([a]) =>
    number(render(dateTime(a!)));

/** No text is made longer than that. */
const LONGEST = 10_000;

const TRIGONOMETRIC: Record<string, ScalarFunction> = {
  EXP: numeric((a) => sql`exp(${a!})`),
  SIN: numeric((a) => sql`sin(${a!})`),
  COS: numeric((a) => sql`cos(${a!})`),
  TAN: numeric((a) => sql`tan(${a!})`),
  COT: numeric((a) => sql`(1 / tan(${a!}))`),
  ASIN: numeric((a) => sql`asin(${a!})`),
  ACOS: numeric((a) => sql`acos(${a!})`),
  ATAN: numeric((a) => sql`atan(${a!})`),
  ATAN2: numeric((a, b) => sql`atan2(${a!}, ${b!})`),
  SINH: numeric((a) => sql`sinh(${a!})`),
  COSH: numeric((a) => sql`cosh(${a!})`),
  TANH: numeric((a) => sql`tanh(${a!})`),
  CBRT: numeric((a) => sql`cbrt(${a!})`),
  LOG10: numeric((a) => sql`log10(${a!})`),
  LOG2: numeric((a) => sql`log2(${a!})`),
  LOG1P: numeric((a) => sql`log1p(${a!})`),
  LOG_OF: numeric((base, a) => sql`(log(${a!}) / log(${base!}))`),
  DEGREES: numeric((a) => sql`degrees(${a!})`),
  RADIANS: numeric((a) => sql`radians(${a!})`),
  HYPOT: numeric((a, b) => sql`hypot(${a!}, ${b!})`),
  CONV: ([a, from, to], _, call) => {
    const [base, target] = [from!, to!].map((each) => (each.kind === 'number' ? each.constant : undefined));
    if (!base || !target || base < 2 || base > 36 || target < 2 || target > 36) {
      throw fault('conv takes bases from 2 to 36', call);
    }
    return text(sql`conv(${asText(a!)}, ${base}, ${target})`);
  },
  RAND: () => number(sql`randCanonical()`),
  PI: () => number(sql`pi()`),
  E: () => number(sql`e()`),
};

const TEXTS: Record<string, ScalarFunction> = {
  ASCII: ([a]) => number(sql`ascii(${asText(a!)})`),
  CHR: ([a]) => text(sql`char(toUInt8(${asNumber(a!)}))`),
  CONCAT_WS: ([separator, ...rest]) => {
    const given = sql`arrayFilter(x -> isNotNull(x), [${join(
      rest.map((each) => sql`toNullable(${asText(each)})`),
      ', ',
    )}])`;
    return text(sql`arrayStringConcat(arrayMap(x -> assumeNotNull(x), ${given}), ${asText(separator!)})`);
  },
  INITCAP: ofTexts((a) => sql`initcapUTF8(lowerUTF8(${a!}))`),
  LEFT: ([a, count]) => text(sql`leftUTF8(${asText(a!)}, ${size(count!)})`),
  RIGHT: ([a, count]) => text(sql`rightUTF8(${asText(a!)}, ${size(count!)})`),
  LPAD: ([a, length, pad]) => text(sql`leftPadUTF8(${asText(a!)}, ${size(length!)}, ${pad ? asText(pad) : sql`' '`})`),
  RPAD: ([a, length, pad]) => text(sql`rightPadUTF8(${asText(a!)}, ${size(length!)}, ${pad ? asText(pad) : sql`' '`})`),
  LEVENSHTEIN: ([a, b]) => number(sql`editDistanceUTF8(${asText(a!)}, ${asText(b!)})`),
  LOCATE: ([part, within, from]) =>
    number(
      sql`positionUTF8(${asText(within!)}, ${asText(part!)}${from ? sql`, toUInt64(greatest(1, ${asNumber(from)}))` : sql``})`,
    ),
  OCTET_LENGTH: ([a]) => number(sql`length(${asText(a!)})`),
  REGEXP_COUNT: ([a, pattern], _, call) => number(sql`countMatches(${asText(a!)}, ${expression(pattern!, call)})`),
  REGEXP_EXTRACT: ([a, pattern, group], _, call) => {
    const index = group?.kind === 'number' ? group.constant : 1;
    if (index === undefined) throw fault('regexp_extract takes the number of a group', call);
    return text(sql`regexpExtract(${asText(a!)}, ${expression(pattern!, call)}, ${index})`);
  },
  REGEXP_LIKE: ([a, pattern], _, call) =>
    boolean(sql`toUInt8(ifNull(match(${asText(a!)}, ${expression(pattern!, call)}), 0))`),
  REGEXP_REPLACE: ([a, pattern, to], _, call) => {
    const written = constant(to!, call)
      .replaceAll('\\', '\\\\')
      .replace(/\$(\d)/g, '\\$1');
    return text(sql`replaceRegexpAll(${asText(a!)}, ${expression(pattern!, call)}, ${written})`);
  },
  REPEAT: ([a, count]) =>
    text(sql`repeat(substringUTF8(${asText(a!)}, 1, ${LONGEST / 10}), least(${size(count!)}, 100))`),
  SHA2: ([a, bits], _, call) => {
    const size = bits?.kind === 'number' ? bits.constant : 256;
    const hash = { 0: sql`SHA256`, 224: sql`SHA224`, 256: sql`SHA256`, 384: sql`SHA384`, 512: sql`SHA512` }[size ?? -1];
    if (!hash) throw fault('sha2 takes 224, 256, 384 or 512', call);
    return text(sql`lower(hex(${hash}(${asText(a!)})))`);
  },
  REVERSE: ofTexts((a) => sql`reverseUTF8(${a!})`),
  SHA1: ofTexts((a) => sql`lower(hex(SHA1(${a!})))`),
  SOUNDEX: ofTexts((a) => sql`soundex(${a!})`),
  SPLIT: ([a, pattern], _, call) => ({
    kind: 'json',
    document: sql`toJSONString(splitByRegexp(${expression(pattern!, call)}, ifNull(${asText(a!)}, '')))`,
    path: [],
  }),
  SPLIT_PART: ([a, delimiter, index]) => {
    const parts = sql`splitByString(ifNull(${asText(delimiter!)}, ''), ifNull(${asText(a!)}, ''))`;
    return text(sql`if(${isPresent(a!)}, ${parts}[toInt64(${asNumber(index!)})], NULL)`);
  },
  SUBSTRING_INDEX: ([a, delimiter, count], _, call) =>
    text(sql`substringIndexUTF8(${asText(a!)}, ${constant(delimiter!, call)}, toInt64(${asNumber(count!)}))`),
  TRANSLATE: ([a, from, to], _, call) =>
    text(sql`translateUTF8(${asText(a!)}, ${constant(from!, call)}, ${constant(to!, call)})`),
};

const CONDITIONS: Record<string, ScalarFunction> = {
  NULLIF: ([a, b]) => {
    const value = a!;
    const other = sql`if(ifNull(${compare('=', value, b!)}, 0), NULL, ${asColumn(value)})`;
    if (value.kind === 'number') return number(other);
    return value.kind === 'time' ? { kind: 'time', sql: other, ...(value.day && { day: true }) } : text(other);
  },
  NVL2: ([a, yes, no]) => chosen([isPresent(a!)], [yes!, no!]),
};

const JSON_FUNCTIONS: Record<string, ScalarFunction> = {
  GET_JSON_OBJECT: ([a, at], _, call) => {
    const path = constant(at!, call);
    if (!/^\$?(?:\.?[^.[\]$*]+|\[\d+\]|\['[^']+'\])*$/.test(path)) throw fault(`Invalid path: ${path}`, call);
    const names = [...path.replace(/^\$/, '').matchAll(/\[(\d+)\]|\['([^']+)'\]|([^.[\]]+)/g)];
    return {
      kind: 'json',
      document: sql`ifNull(${asText(a!)}, '')`,
      path: names.map(([, index, quoted, name]) => index ?? quoted ?? name!),
    };
  },
  JSON_ARRAY: (args) => {
    const each = args.length === 0 ? sql`CAST([] AS Array(String))` : sql`[${join(args.map(asJson), ', ')}]`;
    return { kind: 'json', document: sql`concat('[', arrayStringConcat(${each}, ','), ']')`, path: [] };
  },
  JSON_OBJECT: (args, _, call) => {
    if (args.length % 2 !== 0) throw fault('json_object takes names and values', call);
    const members = Array.from({ length: args.length / 2 }, (_, i) => {
      return sql`concat(toJSONString(ifNull(${asText(args[i * 2]!)}, '')), ':', ${asJson(args[i * 2 + 1]!)})`;
    });
    return {
      kind: 'json',
      document: sql`concat('{', arrayStringConcat([${join(members, ', ')}], ','), '}')`,
      path: [],
    };
  },
  /** The member of an object at a place, from 1. */
  MEMBER: ([a, index]) => ({
    kind: 'json',
    document: sql`JSONExtractKeysAndValuesRaw(ifNull(${asText(a!)}, ''))[${index!.kind === 'number' ? index!.constant! : 1}].2`,
    path: [],
  }),
  JSON_VALID: ([a]) => boolean(sql`toUInt8(isValidJSON(ifNull(${asText(a!)}, '')))`),
  JSON_KEYS: ([a]) => {
    const document = sql`ifNull(${asText(a!)}, '')`;
    return text(sql`if(JSONType(${document}) = 'Object', toJSONString(JSONExtractKeys(${document})), NULL)`);
  },
};

const TIMES: Record<string, ScalarFunction> = {
  CURRENT_TIMESTAMP: (_, { times }) => ({ kind: 'time', sql: sql`${times.nowMs}`, present: true }),
  CURRENT_DATE: (_, { times }) => date(sql`fromUnixTimestamp64Milli(${times.nowMs}, 'UTC')`),
  TO_TIMESTAMP: ([a, format], _, call) =>
    time(
      format
        ? sql`toUnixTimestamp64Milli(parseDateTime64InJodaSyntaxOrNull(${asText(a!)}, ${constant(format, call)}, 'UTC'))`
        : millis(a!),
    ),
  TO_DATE: ([a, format], _, call) =>
    date(
      format ? sql`parseDateTime64InJodaSyntaxOrNull(${asText(a!)}, ${constant(format, call)}, 'UTC')` : dateTime(a!),
    ),
  MAKE_DATE: ([year, month, day]) => {
    const parts = [year!, month!, day!].map((part) => sql`toInt64(${asNumber(part)})`);
    const [y, m, d] = parts.map((part, i) => sql`leftPad(toString(${part}), ${i === 0 ? 4 : 2}, '0')`);
    return date(sql`toDate32OrNull(concat(${y!}, '-', ${m!}, '-', ${d!}))`);
  },
  FROM_UNIXTIME: ([a, format], _, call) => {
    const ms = sql`toInt64(${asNumber(a!)} * 1000)`;
    return format ? written(sql`fromUnixTimestamp64Milli(${ms}, 'UTC')`, constant(format, call)) : time(ms);
  },
  UNIX_TIMESTAMP: ([a], { times }) =>
    a ? number(sql`intDiv(${millis(a)}, 1000)`) : number(sql`${Math.floor(times.nowMs / 1000)}`),
  UNIX_MILLIS: ([a]) => number(millis(a!)),
  DATE_FORMAT: ([a, format], _, call) => written(dateTime(a!), constant(format!, call)),
  DATE_ADD: ([a, by], _, call) => moved(a!, by!, 1, call),
  DATE_SUB: ([a, by], _, call) => moved(a!, by!, -1, call),
  ADD_MONTHS: ([a, by]) => date(sql`addMonths(${dateTime(a!)}, toInt64(${asNumber(by!)}))`),
  DATEDIFF: ([a, b]) => number(sql`dateDiff('day', ${dateTime(b!)}, ${dateTime(a!)}, 'UTC')`),
  LAST_DAY: ([a]) => date(sql`toLastDayOfMonth(${dateTime(a!)})`),
  TIMESTAMPADD: ([unit, count, a], _, call) => {
    const ms = unit!.kind === 'duration' ? unit : undefined;
    if (!ms) throw fault('timestampadd takes a unit', call);
    const months = { mo: 1, q: 3, y: 12 }[ms.unit];
    const by = sql`toInt64(${asNumber(count!)})`;
    if (months === undefined) return time(sql`(${millis(a!)} + ${by} * ${ms.ms})`);
    return time(sql`toUnixTimestamp64Milli(addMonths(${dateTime(a!)}, ${by} * ${months}))`);
  },
  TIMESTAMPDIFF: ([unit, a, b], _, call) => {
    const ms = unit!.kind === 'duration' ? unit : undefined;
    if (!ms) throw fault('timestampdiff takes a unit', call);
    const months = { mo: 1, q: 3, y: 12 }[ms.unit];
    if (months === undefined) return number(sql`intDiv(${millis(b!)} - ${millis(a!)}, ${ms.ms})`);
    return number(sql`intDiv(age('month', ${dateTime(a!)}, ${dateTime(b!)}), ${months})`);
  },
  CURRENT_TIMEZONE: () => text(sql`'UTC'`),
  YEAR: ofTime((at) => sql`toYear(${at})`),
  QUARTER: ofTime((at) => sql`toQuarter(${at})`),
  MONTH: ofTime((at) => sql`toMonth(${at})`),
  WEEK: ofTime((at) => sql`toISOWeek(${at})`),
  DAY: ofTime((at) => sql`toDayOfMonth(${at})`),
  DAY_OF_YEAR: ofTime((at) => sql`toDayOfYear(${at})`),
  /** From 1 on Sundays. */
  DAY_OF_WEEK: ofTime((at) => sql`(toDayOfWeek(${at}) % 7 + 1)`),
  /** From 0 on Mondays. */
  WEEKDAY: ofTime((at) => sql`(toDayOfWeek(${at}) - 1)`),
  HOUR: ofTime((at) => sql`toHour(${at})`),
  MINUTE: ofTime((at) => sql`toMinute(${at})`),
  SECOND: ofTime((at) => sql`toSecond(${at})`),
  MONTHNAME: ([a]) => text(sql`dateName('month', ${dateTime(a!)})`),
  DAYNAME: ([a]) => text(sql`dateName('weekday', ${dateTime(a!)})`),
};

export const OPENSEARCH_FUNCTIONS: Record<string, ScalarFunction> = {
  ...TRIGONOMETRIC,
  ...TEXTS,
  ...CONDITIONS,
  ...JSON_FUNCTIONS,
  ...TIMES,
  SIGN: numeric((a) => sql`sign(${a!})`),
  RINT: numeric((a) => sql`roundBankers(${a!})`),
  PMOD: numeric((a, b) => sql`positiveModulo(${a!}, ${b!})`),
  CRC32: ([a]) => number(sql`CRC32(${asText(a!)})`),
  BOOLEAN: ([a]) =>
    text(
      sql`multiIf(lower(${asText(a!)}) IN ('true', 't', 'yes', 'y', '1'), 'true', lower(${asText(a!)}) IN ('false', 'f', 'no', 'n', '0'), 'false', NULL)`,
    ),
};

/** A length that is asked for. */
function size(value: Value): Sql {
  return sql`toUInt64(least(greatest(ifNull(${asNumber(value)}, 0), 0), ${LONGEST}))`;
}

function expression(pattern: Value, call: Call): string {
  return re2(constant(pattern, call), call.args[1]!);
}

/** Milliseconds since the epoch; a text is a date, or a date and a time of day. */
function millis(value: Value): Sql {
  if (value.kind === 'time') return sql`toInt64(${value.sql})`;
  if (value.kind === 'number') return sql`toInt64(${value.sql})`;
  const written = sql`toUnixTimestamp64Milli(parseDateTime64BestEffortOrNull(${asText(value)}, 3, 'UTC'))`;
  return value.kind === 'json' ? sql`ifNull(toInt64(${asNumber(value)}), ${written})` : written;
}

function dateTime(value: Value): Sql {
  return sql`fromUnixTimestamp64Milli(${millis(value)}, 'UTC')`;
}

/** Its first moment, shown as a day. */
function date(at: Sql): Value {
  return { kind: 'time', sql: sql`(toInt64(toInt32(toDate32(${at}))) * 86400000)`, day: true };
}

/** In a pattern of Java's DateTimeFormatter. */
function written(at: Sql, format: string): Value {
  return text(sql`formatDateTimeInJodaSyntax(${at}, ${format}, 'UTC')`);
}

/** Days make a day, an interval a time. */
function moved(value: Value, by: Value, direction: 1 | -1, call: Call): Value {
  if (by.kind !== 'duration') return date(sql`addDays(${dateTime(value)}, ${direction} * toInt64(${asNumber(by)}))`);
  const months = { mo: 1, q: 3, y: 12 }[by.unit];
  if (!Number.isInteger(by.count)) throw fault('An interval is a whole number of its unit', call);
  if (months === undefined) {
    return time(sql`(${millis(value)} + ${direction * by.count * UNIT_MS[by.unit as keyof typeof UNIT_MS]})`);
  }
  return time(sql`toUnixTimestamp64Milli(addMonths(${dateTime(value)}, ${direction * by.count * months}))`);
}
