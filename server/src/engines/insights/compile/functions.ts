// The functions of one row. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Expression } from '../syntax/tree.ts';
import { ceilTime, floorTime, type Period } from './datetime.ts';
import { type ExpressionCompiler, fault } from './expressions.ts';
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

type Call = Expression & { kind: 'call' };
type ScalarFunction = (args: Value[], compiler: ExpressionCompiler, call: Call) => Value;

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

/** 0 where the argument is missing. */
const test =
  (render: (...args: Sql[]) => Sql): ScalarFunction =>
  (args) =>
    boolean(sql`toUInt8(ifNull(${render(...args.map(asText))}, 0))`);

const SCALAR_FUNCTIONS: Record<string, ScalarFunction> = {
  abs: numeric((a) => sql`abs(${a})`),
  ceil: numeric((a) => sql`ceil(${a})`),
  floor: numeric((a) => sql`floor(${a})`),
  log: numeric((a) => sql`log(${a})`),
  sqrt: numeric((a) => sql`sqrt(${a})`),
  greatest: (args) => number(sql`arrayMax(${present(args)})`),
  least: (args) => number(sql`arrayMin(${present(args)})`),

  bin: (args, compiler, call) => rounded(floorTime, args, compiler, call),
  datefloor: (args, compiler, call) => rounded(floorTime, args, compiler, call),
  dateceil: (args, compiler, call) => rounded(ceilTime, args, compiler, call),
  fromMillis: ([a]) => time(sql`toInt64(${asNumber(a!)})`),
  toMillis: ([a]) => number(asNumber(a!)),
  now: (_, compiler) => constantNumber(Math.floor(compiler.nowMs / 1000)),

  ispresent: ([a]) => boolean(isPresent(a!)),
  coalesce: (args) => {
    const given = args.filter(({ kind }) => kind !== 'missing');
    const [first] = given;
    if (!first) return MISSING;
    if (first.kind === 'number' || first.kind === 'time') {
      if (given.every(({ kind }) => kind === first.kind)) {
        return { kind: first.kind, sql: sql`coalesce(${join(given.map(asColumn), ', ')})` };
      }
    }
    return text(sql`coalesce(${join(given.map(asText), ', ')})`);
  },
  jsonParse: ([a]) =>
    a!.kind === 'json' && a!.path.length > 0
      ? { kind: 'json', document: sql`ifNull(${asText(a!)}, '')`, path: [] }
      : a!.kind === 'json'
        ? a!
        : { kind: 'json', document: sql`ifNull(${asText(a!)}, '')`, path: [] },
  jsonStringify: ([a]) => text(a!.kind === 'text' ? sql`toJSONString(${a!.sql})` : asText(a!)),

  isValidIp: test((a) => sql`isIPv4String(${a}) OR isIPv6String(${a})`),
  isValidIpv4: test((a) => sql`isIPv4String(${a})`),
  isValidIpv6: test((a) => sql`isIPv6String(${a})`),
  isIpInSubnet: test((a, subnet) => inSubnet(sql`isIPv4String(${a}) OR isIPv6String(${a})`, a!, subnet!)),
  isIpv4InSubnet: test((a, subnet) => inSubnet(sql`isIPv4String(${a})`, a!, subnet!)),
  isIpv6InSubnet: test((a, subnet) => inSubnet(sql`isIPv6String(${a})`, a!, subnet!)),

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
  strcontains: ([a, searched]) => number(sql`toUInt8(ifNull(position(${asText(a!)}, ${asText(searched!)}) > 0, 0))`),
  unmask: ([a]) => a!,
};

function strip(expression: Sql, pattern: string): Sql {
  return sql`replaceRegexpOne(${expression}, ${pattern}, '')`;
}

/** The length of a prefix fits its kind of address. */
const SUBNET = '^(?:[0-9.]+/(?:[12]?[0-9]|3[0-2])|[^/]*:[^/]*/(?:[0-9]{1,2}|1[01][0-9]|12[0-8]))$';

/** ClickHouse throws on what is no address, so it is not asked about one. */
function inSubnet(valid: Sql, address: Sql, subnet: Sql): Sql {
  const safe = sql`if(ifNull(${valid}, 0), assumeNotNull(${address}), '0.0.0.0')`;
  const base = sql`extract(ifNull(${subnet}, ''), '^[^/]*')`;
  const subnetValid = sql`match(${subnet}, ${SUBNET}) AND (isIPv4String(${base}) OR isIPv6String(${base}))`;
  const safeSubnet = sql`if(ifNull(${subnetValid}, 0), assumeNotNull(${subnet}), '0.0.0.0/32')`;
  return sql`ifNull(${valid}, 0) AND ifNull(${subnetValid}, 0) AND isIPAddressInRange(${safe}, ${safeSubnet})`;
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
