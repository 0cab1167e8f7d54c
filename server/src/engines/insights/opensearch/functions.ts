// The functions that OpenSearch's languages share, as expressions of the tree. What is not here has no counterpart there.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-ppl.html
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import type { ArithmeticOperator, BinaryOperator, Expression, Span } from '../syntax/tree.ts';

type Build = (args: Expression[], span: Span) => Expression;

export interface OpenSearchFunction {
  arity: readonly [least: number, most: number];
  build: Build;
}

const MANY = 64;

export const named =
  (name: string): Build =>
  (args, { start, end }) => ({ kind: 'call', name, args, start, end });

const operation =
  (operator: ArithmeticOperator): Build =>
  (args, span) =>
    binary(operator, args[0]!, args[1]!, span);

/** Where several names mean the same, the first of the pair lists them. */
const NAMED: [names: string, arity: readonly [number, number], name: string][] = [
  ['abs', [1, 1], 'abs'],
  ['ceil ceiling', [1, 1], 'ceil'],
  ['floor', [1, 1], 'floor'],
  ['sqrt', [1, 1], 'sqrt'],
  ['ln', [1, 1], 'log'],
  ['greatest', [1, MANY], 'greatest'],
  ['least', [1, MANY], 'least'],
  ['concat', [1, MANY], 'concat'],
  ['ltrim', [1, 1], 'ltrim'],
  ['rtrim', [1, 1], 'rtrim'],
  ['trim', [1, 1], 'trim'],
  ['length char_length character_length', [1, 1], 'strlen'],
  ['lower lcase', [1, 1], 'tolower'],
  ['upper ucase', [1, 1], 'toupper'],
  ['replace', [3, 3], 'replace'],
  ['coalesce', [1, MANY], 'coalesce'],
  ['ifnull nvl', [2, 2], 'coalesce'],
  ['isnotnull ispresent', [1, 1], 'ispresent'],
  ['isempty', [1, 1], 'isempty'],
  ['isblank', [1, 1], 'isblank'],
  ['cidrmatch', [2, 2], 'isIpInSubnet'],
  ['sum', [1, 1], 'sum'],
  ['avg mean', [1, 1], 'avg'],
  ['min', [1, 1], 'MIN'],
  ['max', [1, 1], 'MAX'],
  ['median', [1, 1], 'median'],
  ['stddev_pop', [1, 1], 'stddev'],
  ['distinct_count dc distinct_count_approx approx_count_distinct', [1, 1], 'count_distinct'],
  ['round', [1, 2], 'round'],
  ['if iff', [3, 3], 'if'],
  ['md5', [1, 1], 'md5'],
  ['base64', [1, 1], 'base64encode'],
  ['unbase64', [1, 1], 'base64decode'],
  ['url_encode', [1, 1], 'urlencode'],
  ['url_decode', [1, 1], 'urldecode'],
  ['contains', [2, 2], 'strcontains'],
  ['startswith', [2, 2], 'startsWith'],
  ['endswith', [2, 2], 'endsWith'],
  ['timestamp_millis', [1, 1], 'fromMillis'],
  ['json_array_length array_size array_length cardinality size', [1, 1], 'jsonArraySize'],
  ['array_contains', [2, 2], 'jsonArrayContains'],
  ['from_json json', [1, 1], 'jsonParse'],
  ['to_json to_json_string', [1, 1], 'jsonStringify'],
  ['stddev stddev_samp std', [1, 1], 'STDDEV_SAMP'],
  ['variance var_samp', [1, 1], 'VAR_SAMP'],
  ['var_pop', [1, 1], 'VAR_POP'],
  ['skewness', [1, 1], 'SKEWNESS'],
  ['kurtosis', [1, 1], 'KURTOSIS'],
  ['corr', [2, 2], 'CORR'],
  ['covar_pop', [2, 2], 'COVAR_POP'],
  ['covar_samp', [2, 2], 'COVAR_SAMP'],
  ['bool_and every', [1, 1], 'BOOL_AND'],
  ['bool_or any some', [1, 1], 'BOOL_OR'],
  ['count_if', [1, 1], 'COUNT_IF'],
  ['collect_list array_agg list', [1, 1], 'COLLECT_LIST'],
  ['collect_set values', [1, 1], 'COLLECT_SET'],
  ['max_by', [2, 2], 'MAX_BY'],
  ['min_by', [2, 2], 'MIN_BY'],
  ['mode', [1, 1], 'MODE'],
  ['exp', [1, 1], 'EXP'],
  ['sin', [1, 1], 'SIN'],
  ['cos', [1, 1], 'COS'],
  ['tan', [1, 1], 'TAN'],
  ['cot', [1, 1], 'COT'],
  ['asin', [1, 1], 'ASIN'],
  ['acos', [1, 1], 'ACOS'],
  ['atan', [1, 1], 'ATAN'],
  ['atan2', [2, 2], 'ATAN2'],
  ['sinh', [1, 1], 'SINH'],
  ['cosh', [1, 1], 'COSH'],
  ['tanh', [1, 1], 'TANH'],
  ['cbrt', [1, 1], 'CBRT'],
  ['log10', [1, 1], 'LOG10'],
  ['log2', [1, 1], 'LOG2'],
  ['log1p', [1, 1], 'LOG1P'],
  ['degrees', [1, 1], 'DEGREES'],
  ['radians', [1, 1], 'RADIANS'],
  ['hypot', [2, 2], 'HYPOT'],
  ['pi', [0, 0], 'PI'],
  ['e', [0, 0], 'E'],
  ['sign signum', [1, 1], 'SIGN'],
  ['rint', [1, 1], 'RINT'],
  ['conv', [3, 3], 'CONV'],
  ['rand random', [0, 0], 'RAND'],
  ['pmod', [2, 2], 'PMOD'],
  ['crc32', [1, 1], 'CRC32'],
  ['ascii', [1, 1], 'ASCII'],
  ['chr char', [1, 1], 'CHR'],
  ['concat_ws', [2, MANY], 'CONCAT_WS'],
  ['initcap', [1, 1], 'INITCAP'],
  ['left', [2, 2], 'LEFT'],
  ['right', [2, 2], 'RIGHT'],
  ['lpad', [2, 3], 'LPAD'],
  ['rpad', [2, 3], 'RPAD'],
  ['levenshtein', [2, 2], 'LEVENSHTEIN'],
  ['locate', [2, 3], 'LOCATE'],
  ['octet_length', [1, 1], 'OCTET_LENGTH'],
  ['regexp_count', [2, 2], 'REGEXP_COUNT'],
  ['regexp_extract', [2, 3], 'REGEXP_EXTRACT'],
  ['regexp_like rlike regexp', [2, 2], 'REGEXP_LIKE'],
  ['regexp_replace', [3, 3], 'REGEXP_REPLACE'],
  ['repeat', [2, 2], 'REPEAT'],
  ['reverse', [1, 1], 'REVERSE'],
  ['sha sha1', [1, 1], 'SHA1'],
  ['sha2', [1, 2], 'SHA2'],
  ['soundex', [1, 1], 'SOUNDEX'],
  ['split', [2, 2], 'SPLIT'],
  ['split_part', [3, 3], 'SPLIT_PART'],
  ['substring_index', [3, 3], 'SUBSTRING_INDEX'],
  ['translate', [3, 3], 'TRANSLATE'],
  ['nullif', [2, 2], 'NULLIF'],
  ['nvl2', [3, 3], 'NVL2'],
  ['get_json_object json_extract', [2, 2], 'GET_JSON_OBJECT'],
  ['json_array array', [0, MANY], 'JSON_ARRAY'],
  ['json_object named_struct', [2, MANY], 'JSON_OBJECT'],
  ['json_valid', [1, 1], 'JSON_VALID'],
  ['json_object_keys json_keys', [1, 1], 'JSON_KEYS'],
  ['current_timestamp now localtimestamp localtime sysdate utc_timestamp', [0, 0], 'CURRENT_TIMESTAMP'],
  ['current_date curdate utc_date', [0, 0], 'CURRENT_DATE'],
  ['current_timezone', [0, 0], 'CURRENT_TIMEZONE'],
  ['to_timestamp timestamp', [1, 2], 'TO_TIMESTAMP'],
  ['to_date date', [1, 2], 'TO_DATE'],
  ['make_date', [3, 3], 'MAKE_DATE'],
  ['from_unixtime', [1, 2], 'FROM_UNIXTIME'],
  ['timestamp_seconds', [1, 1], 'FROM_UNIXTIME'],
  ['unix_timestamp', [0, 1], 'UNIX_TIMESTAMP'],
  ['unix_millis', [1, 1], 'UNIX_MILLIS'],
  ['date_format', [2, 2], 'DATE_FORMAT'],
  ['date_add adddate', [2, 2], 'DATE_ADD'],
  ['date_sub subdate', [2, 2], 'DATE_SUB'],
  ['add_months', [2, 2], 'ADD_MONTHS'],
  ['datediff', [2, 2], 'DATEDIFF'],
  ['last_day', [1, 1], 'LAST_DAY'],
  ['year', [1, 1], 'YEAR'],
  ['quarter', [1, 1], 'QUARTER'],
  ['month month_of_year', [1, 1], 'MONTH'],
  ['weekofyear week week_of_year', [1, 1], 'WEEK'],
  ['day dayofmonth day_of_month', [1, 1], 'DAY'],
  ['dayofyear day_of_year', [1, 1], 'DAY_OF_YEAR'],
  ['dayofweek day_of_week', [1, 1], 'DAY_OF_WEEK'],
  ['weekday', [1, 1], 'WEEKDAY'],
  ['hour hour_of_day', [1, 1], 'HOUR'],
  ['minute minute_of_hour', [1, 1], 'MINUTE'],
  ['second second_of_minute', [1, 1], 'SECOND'],
  ['monthname', [1, 1], 'MONTHNAME'],
  ['dayname', [1, 1], 'DAYNAME'],
];

const BUILT: [names: string, arity: readonly [number, number], build: Build][] = [
  ['power pow', [2, 2], operation('^')],
  ['mod', [2, 2], operation('%')],
  ['isnull', [1, 1], (args, span) => negation(named('ispresent')(args, span))],
  ['like', [2, 2], ([value, pattern], span) => like(value!, pattern!, 's', span)],
  ['substring substr mid', [2, 3], substring],
  ['instr', [2, 2], ([text, part], span) => named('LOCATE')([part!, text!], span)],
  // With two arguments the first is the base.
  ['log', [1, 2], (args, span) => named(args.length === 1 ? 'log' : 'LOG_OF')(args, span)],
];

const FUNCTIONS = new Map<string, OpenSearchFunction>();
for (const [names, arity, name] of NAMED) {
  for (const each of names.split(' ')) FUNCTIONS.set(each, { arity, build: named(name) });
}
for (const [names, arity, build] of BUILT) for (const each of names.split(' ')) FUNCTIONS.set(each, { arity, build });

/** Whatever the case of its letters. */
export function findOpenSearchFunction(name: string): OpenSearchFunction | undefined {
  return FUNCTIONS.get(name.toLowerCase());
}

export function binary(operator: BinaryOperator, left: Expression, right: Expression, span?: Span): Expression {
  return { kind: 'binary', operator, left, right, start: span?.start ?? left.start, end: span?.end ?? right.end };
}

export function negation(operand: Expression): Expression {
  return { kind: 'unary', operator: 'not', operand, start: operand.start, end: operand.end };
}

/**
 * `%` stands for any text and `_` for one character; the pattern is for all of the value. A pattern that is no
 * constant is searched as it is.
 */
export function like(value: Expression, pattern: Expression, flags: 's' | 'is', span?: Span): Expression {
  if (pattern.kind !== 'string') return binary('like', value, pattern, span);
  const inner = /^%([^%_\\]+)%$/.exec(pattern.value)?.[1];
  if (inner !== undefined && flags === 's') return binary('like', value, { ...pattern, value: inner }, span);
  const source = pattern.value.replace(/\\([%_\\])|[%_]|[\\^$.*+?()[\]{}|/]/g, (found, escaped?: string) => {
    if (escaped !== undefined) return escaped === '\\' ? '\\\\' : escaped;
    if (found === '%') return '.*';
    return found === '_' ? '.' : `\\${found}`;
  });
  const { start, end } = pattern;
  return binary('like', value, { kind: 'regex', source: `(?${flags})^${source}$`, start, end }, span);
}

/** Counts from 1; the tree's from 0. */
function substring([text, from, ...length]: Expression[], span: Span): Expression {
  const index: Expression =
    from!.kind === 'number'
      ? { ...from!, value: Math.max(0, from!.value - 1) }
      : binary('-', from!, { kind: 'number', value: 1, start: from!.end, end: from!.end });
  return { kind: 'call', name: 'substr', args: [text!, index, ...length], ...span };
}
