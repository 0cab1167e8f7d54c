// Masking in queries: the messages of protected groups as SQL. Data are told by their expressions alone, and by a keyword
// anywhere in the message; what only code can tell (check digits) is masked whether or not they are right.

import type { DataProtection } from '#engines/data-protection/data-protection.ts';
import { type Sql, sql } from '#storage/telemetry/sql.ts';
import type { LogGroup } from '../log-group.ts';

/** The message as a query may show it. `groups` are those that the query reads. */
export function maskedMessageSql(
  groups: Iterable<LogGroup>,
  message: Sql,
  { groupId, ingestionTime }: { groupId: Sql; ingestionTime: Sql },
): Sql {
  let masked = message;
  for (const group of groups) {
    let ofGroup = message;
    for (const { protection, sinceMs } of group.protections) {
      ofGroup = sql`if(${ingestionTime} >= ${sinceMs}, ${maskedBy(protection, ofGroup)}, ${ofGroup})`;
    }
    if (ofGroup !== message) masked = sql`if(${groupId} = ${group.id}, ${ofGroup}, ${masked})`;
  }
  return masked;
}

function maskedBy({ expressions }: DataProtection, message: Sql): Sql {
  let masked = message;
  for (const { expression, keywords } of expressions) {
    // extractAll gives the text of the first group: that is the whole.
    const whole = `(${expression})`;
    const stars = sql`arrayMap(found -> repeat('*', lengthUTF8(found)), extractAll(text, ${whole}))`;
    const parts = sql`splitByRegexp(${whole}, text)`;
    const padded = sql`arrayResize(${stars}, length(${parts}), '')`;
    const replaced = sql`arrayStringConcat(arrayMap((part, star) -> concat(part, star), ${parts}, ${padded}))`;
    const near = keywords === undefined ? sql`` : sql` AND match(text, ${keywords})`;
    masked = sql`arrayMap(text -> if(match(text, ${expression})${near}, ${replaced}, text), [${masked}])[1]`;
  }
  return masked;
}
