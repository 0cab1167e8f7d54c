// The one place where a value becomes SQL text. `sql` keeps the written parts apart from the values, and
// literal() is the only function that renders a value, so a user's text can never become SQL.
//   sql`SELECT message FROM log_events WHERE group_id = ${id} AND stream IN ${list(names)}`

export interface Sql {
  readonly text: string;
}

class SqlText implements Sql {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type SqlValue = string | number | bigint | boolean | null | Sql;

export function sql(parts: TemplateStringsArray, ...values: SqlValue[]): Sql {
  let text = parts[0]!;
  values.forEach((value, i) => {
    text += (value instanceof SqlText ? value.text : literal(value)) + parts[i + 1]!;
  });
  return new SqlText(text);
}

/** A parenthesised list of literals for IN; `(NULL)` when empty, which matches nothing. */
export function list(values: readonly (string | number | bigint)[]): Sql {
  return new SqlText(values.length === 0 ? '(NULL)' : `(${values.map(literal).join(', ')})`);
}

/** An array literal. */
export function array(values: readonly (string | number | bigint)[]): Sql {
  return new SqlText(`[${values.map(literal).join(', ')}]`);
}

/** Joins fragments: join([a, b], ' AND '); the separator is the caller's own text, never a value. */
export function join(fragments: readonly Sql[], separator: ' AND ' | ' OR ' | ', ' | ' UNION ALL ' | '\n'): Sql {
  return new SqlText(fragments.map((fragment) => fragment.text).join(separator));
}

/** A back-quoted identifier (column alias that comes from a user). */
export function identifier(name: string): Sql {
  return new SqlText(`\`${name.replace(/[\\`]/g, '\\$&')}\``);
}

/** The SQL text of a value, as ClickHouse's lexer reads it back to the same value. */
function literal(value: SqlValue): string {
  switch (typeof value) {
    case 'string':
      return `'${value.replace(/[\\'\0\b\f\n\r\t\v]/g, escapeCharacter)}'`;
    case 'number':
      if (Number.isNaN(value)) return 'nan';
      if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
      return Object.is(value, -0) ? '-0.' : String(value);
    case 'bigint':
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'NULL';
      throw new TypeError('BUG: not an SQL value');
  }
}

const ESCAPES: Record<string, string> = {
  '\0': '\\0',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  "'": "\\'",
  '\\': '\\\\',
};

function escapeCharacter(character: string): string {
  return ESCAPES[character]!;
}
