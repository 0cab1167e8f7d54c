// When the events of a group had a field, first and last: the searches for the first event from either end, each of which ends
// with what it finds.

import { identifier, join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { Telemetry } from '#storage/telemetry/telemetry.ts';
import type { LogGroup } from './log-group.ts';

export interface FieldTimes {
  firstMs: number;
  lastMs: number;
}

/** Fields -> since when they are indexed. Those that no event ingested since then has are left out. */
export async function fieldTimes(
  telemetry: Telemetry,
  group: LogGroup,
  conditions: readonly Sql[],
  fields: ReadonlyMap<string, number>,
): Promise<Map<string, FieldTimes>> {
  const { eventField, tableColumns } = await import('#engines/insights/compile/fields.ts');
  const { isPresent } = await import('#engines/insights/compile/values.ts');
  const { id, name, scope, document } = group;
  const queried = [{ id, name, account: scope.account, hasTransformed: document.hasTransformed === true }];
  const columns = tableColumns(queried);
  const names = [...fields.keys()];
  const searches = names.flatMap((name, i) => {
    const has = [...conditions, sql`ingestion_time >= ${fields.get(name)!}`];
    if (!ALWAYS_PRESENT.has(name)) {
      if (isSpeltAsIs(name) && !document.hasTransformed) has.push(sql`message LIKE ${`%${lastKey(name)}%`}`);
      has.push(isPresent(eventField(name, columns, queried)));
    }
    const where = join(has, ' AND ');
    const search = (column: string, direction: Sql) => sql`
      (SELECT timestamp FROM log_events WHERE ${where} ORDER BY group_id ${direction}, timestamp ${direction} LIMIT 1)
      AS ${identifier(`${column}_${i}`)}`;
    return [search('first', sql`ASC`), search('last', sql`DESC`)];
  });
  if (searches.length === 0) return new Map();
  const { rows } = await telemetry.query<Record<string, number | null>>(sql`SELECT ${join(searches, ', ')}`);
  const found = names.flatMap((name, i): [string, FieldTimes][] => {
    const [firstMs, lastMs] = [rows[0]![`first_${i}`], rows[0]![`last_${i}`]];
    return typeof firstMs === 'number' && typeof lastMs === 'number' ? [[name, { firstMs, lastMs }]] : [];
  });
  return new Map(found);
}

const ALWAYS_PRESENT: ReadonlySet<string> = new Set(['@aws.account', '@aws.region', '@logStream', '@source.log']);

/** Whether its keys stand in a message as they are, so that the index of tokens finds them. */
function isSpeltAsIs(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9.]*$/.test(name);
}

function lastKey(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
