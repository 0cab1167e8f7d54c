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

/** An array literal; of floats when one of its numbers is, because ClickHouse finds no common type otherwise. */
export function array(values: readonly (string | number | bigint)[]): Sql {
  const floats = values.some((value) => typeof value === 'number' && !Number.isSafeInteger(value));
  const element = (value: string | number | bigint) =>
    floats && typeof value === 'number' ? float(value) : literal(value);
  return new SqlText(`[${values.map(element).join(', ')}]`);
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
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? signed(String(value)) : float(value);
    case 'bigint':
      return signed(String(value));
    case 'boolean':
      return value ? 'true' : 'false';
    default:
      if (value === null) return 'NULL';
      throw new TypeError('BUG: not an SQL value');
  }
}

/** With an exponent, so that ClickHouse reads a Float64 however large or whole the number is. */
function float(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '(-inf)';
  return Object.is(value, -0) ? '(-0e0)' : signed(value.toExponential());
}

/** In parentheses when negative: a minus sign before it would make `--`, a comment. */
function signed(digits: string): string {
  return digits.startsWith('-') ? `(${digits})` : digits;
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
