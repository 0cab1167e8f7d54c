// Windows of SQL: their functions, and the frame of rows that they see.
// https://docs.aws.amazon.com/opensearch-service/latest/developerguide/supported-directquery-sql.html

import type { Frame, FrameBound } from '../syntax/tree.ts';
import { named, type OpenSearchFunction } from './functions.ts';
import type { OpenSearchReader } from './reader.ts';

const ARITY: Record<string, readonly [number, number]> = {
  ROW_NUMBER: [0, 0],
  RANK: [0, 0],
  DENSE_RANK: [0, 0],
  PERCENT_RANK: [0, 0],
  CUME_DIST: [0, 0],
  NTILE: [1, 1],
  LAG: [1, 3],
  LEAD: [1, 3],
  FIRST_VALUE: [1, 1],
  LAST_VALUE: [1, 1],
  NTH_VALUE: [2, 2],
};

/** Functions that are nothing without a window. */
export const WINDOW_ALONE: ReadonlySet<string> = new Set(Object.keys(ARITY));

export function findWindowFunction(text: string): OpenSearchFunction | undefined {
  const name = text.toUpperCase();
  return WINDOW_ALONE.has(name) ? { arity: ARITY[name]!, build: named(name) } : undefined;
}

/** `ROWS BETWEEN 2 PRECEDING AND CURRENT ROW`, or one bound up to the current row. */
export function readFrame(reader: OpenSearchReader): Frame | undefined {
  const unit = (['rows', 'range'] as const).find((word) => reader.acceptWord(word));
  if (!unit) return undefined;
  const at = reader.lexer.next;
  const between = reader.acceptWord('between');
  const from = bound(reader);
  if (between) reader.word('and');
  const to: FrameBound = between ? bound(reader) : { side: 'current row' };
  if (from.side === 'following' && from.count === undefined) throw reader.fault('A frame cannot begin there', at);
  if (position(from) > position(to)) throw reader.fault('A frame ends before it begins', at);
  if (unit === 'range' && (from.count ?? to.count) !== undefined) throw reader.unfit('RANGE with a distance', at);
  return { unit, from, to };
}

function bound(reader: OpenSearchReader): FrameBound {
  if (reader.acceptWord('current')) {
    reader.word('row');
    return { side: 'current row' };
  }
  const count = reader.acceptWord('unbounded') ? undefined : reader.rowCount();
  const side = (['preceding', 'following'] as const).find((word) => reader.acceptWord(word));
  if (!side) throw reader.unexpected(reader.lexer.next, ['PRECEDING', 'FOLLOWING']);
  return { side, ...(count !== undefined && { count }) };
}

/** Of rows before and after the current one. */
function position({ side, count = Number.MAX_SAFE_INTEGER }: FrameBound): number {
  if (side === 'current row') return 0;
  return side === 'preceding' ? -count : count;
}
