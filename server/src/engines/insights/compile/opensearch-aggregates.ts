// Aggregates that only PPL and SQL have. https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import { type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Expression } from '../syntax/tree.ts';
import { alike, extreme, sortKey } from './aggregates.ts';
import { fault } from './expressions.ts';
import { asColumn, asNumber, asText, boolean, number, text, type Value } from './values.ts';

type Call = Expression & { kind: 'call' };

/** A list keeps so many values of a group. */
const LONGEST_LIST = 10_000;

export function compileOpenSearchAggregate(
  call: Call,
  [first, second]: readonly Value[],
  over: (aggregate: Sql) => Sql,
  condition: (expression: Expression) => Sql,
): Value {
  const value = first!;
  const amount = () => sql`toFloat64(${asNumber(value)})`;
  const other = () => sql`toFloat64(${asNumber(second!)})`;
  const holds = () => sql`toUInt8(ifNull(${condition(call.args[0]!)}, 0))`;
  switch (call.name) {
    case 'MIN':
    case 'MAX': {
      if (value.kind !== 'time') return extreme(call.name === 'MIN' ? 'min' : 'max', value, over);
      const found = over(call.name === 'MIN' ? sql`minOrNull(${value.sql})` : sql`maxOrNull(${value.sql})`);
      return { kind: 'time', sql: found, ...(value.day && { day: true }) };
    }
    case 'STDDEV_SAMP':
      return number(over(sql`stddevSampStableOrNull(${amount()})`));
    case 'VAR_SAMP':
      return number(over(sql`varSampStableOrNull(${amount()})`));
    case 'VAR_POP':
      return number(over(sql`varPopStableOrNull(${amount()})`));
    case 'SKEWNESS':
      return number(over(sql`skewPopOrNull(${amount()})`));
    case 'KURTOSIS':
      // Above that of a normal distribution, as SQL's is.
      return number(sql`(${over(sql`kurtPopOrNull(${amount()})`)} - 3)`);
    case 'CORR':
      return number(over(sql`corrStableOrNull(${amount()}, ${other()})`));
    case 'COVAR_POP':
      return number(over(sql`covarPopStableOrNull(${amount()}, ${other()})`));
    case 'COVAR_SAMP':
      return number(over(sql`covarSampStableOrNull(${amount()}, ${other()})`));
    case 'BOOL_AND':
      return boolean(over(sql`min(${holds()})`));
    case 'BOOL_OR':
      return boolean(over(sql`max(${holds()})`));
    case 'COUNT_IF':
      return number(over(sql`countIf(${holds()})`));
    case 'COLLECT_LIST':
      return text(sql`toJSONString(${over(sql`groupArray(${LONGEST_LIST})(${asText(value)})`)})`);
    case 'COLLECT_SET':
      return text(sql`toJSONString(arraySort(${over(sql`groupUniqArray(${LONGEST_LIST})(${asText(value)})`)}))`);
    case 'MAX_BY':
      return alike(value, over(sql`argMaxOrNull(${asColumn(value)}, ${sortKey(second!)})`));
    case 'MIN_BY':
      return alike(value, over(sql`argMinOrNull(${asColumn(value)}, ${sortKey(second!)})`));
    case 'MODE':
      return text(sql`${over(sql`topK(1)(${asText(value)})`)}[1]`);
    default:
      throw fault(`Brume does not run the function ${call.name} yet`, call);
  }
}
