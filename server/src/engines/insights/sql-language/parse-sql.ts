// OpenSearch SQL onto the tree of Logs Insights: a SELECT is join, filter, stats, filter, eval, sort, limit and display; one
// in FROM is what comes before them.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_SQL.html

import { type Dialect, OpenSearchReader } from '../opensearch/reader.ts';
import { isSame, joinKeys, replace } from '../opensearch/replace.ts';
import { readSqlSources } from '../opensearch/source.ts';
import { hasAggregate, hasWindow } from '../syntax/parser.ts';
import { printExpression } from '../syntax/printer.ts';
import type { Command, Expression, Item, Query, SortKey, SourceCommand } from '../syntax/tree.ts';

const SQL: Dialect = {
  name: 'SQL',
  reserved: new Set(
    'select from where group having order limit join union on left inner when then else end over'.split(' '),
  ),
  percentiles: 1,
  queries: /\s*select\b/iy,
  brackets: '(',
};
const NO_ALIAS = new Set(
  'as where group having order sort limit offset join inner left right full cross on using union intersect except minus window lateral pivot unpivot'.split(
    ' ',
  ),
);
const NOT_RUN = ['right', 'full', 'cross', 'window', 'lateral', 'pivot', 'unpivot'];

/** Throws QuerySyntaxError. */
export function parseSql(text: string): Query {
  const parser = new SqlParser(text.replace(/;\s*$/, ''));
  return parser.whole();
}

/** What FROM reads. */
interface Table {
  query: Query;
  alias?: string;
}

class SqlParser {
  readonly #reader: OpenSearchReader;
  /** The last SELECT has an order or a limit of its own. */
  #isOrdered = false;
  /** Fields with a dot in their names, of the queries so far. */
  readonly #qualified: (Expression & { kind: 'field' })[] = [];

  constructor(text: string) {
    this.#reader = new OpenSearchReader(text, SQL, () => this.#query());
  }

  whole(): Query {
    const query = this.#query();
    const { next } = this.#reader.lexer;
    if (next.kind !== 'end') {
      throw this.#reader.unexpected(next, ['WHERE', 'GROUP BY', 'HAVING', 'ORDER BY', 'LIMIT']);
    }
    return query;
  }

  /** SELECTs, one or combined. */
  #query(): Query {
    const reader = this.#reader;
    const { start } = reader.lexer.next;
    const query = this.#select();
    const operators = new Set<string>();
    for (;;) {
      const { next } = reader.lexer;
      const operator = (['union', 'intersect', 'except', 'minus'] as const).find((word) => reader.acceptWord(word));
      if (!operator) break;
      if (this.#isOrdered) throw reader.unfit(`ORDER BY and LIMIT before ${operator.toUpperCase()}`, next);
      const all = reader.acceptWord('all');
      if (!all) reader.acceptWord('distinct');
      operators.add(operator === 'minus' ? 'except' : operator);
      if (operators.has('intersect') && operators.size > 1) throw reader.unfit('INTERSECT among others', next);
      const other = this.#select(true);
      const at = { start, end: reader.lexer.at };
      const name = operator === 'minus' ? 'except' : operator;
      query.commands.push({ kind: 'union', operator: name, all, query: other, ...at });
    }
    if (operators.size > 0) this.#orderAndLimit(query.commands, start);
    return query;
  }

  /** Of all that was combined: by the names of columns. */
  #orderAndLimit(commands: Command[], start: number): void {
    const reader = this.#reader;
    const keys = this.#orderBy();
    for (const { expression } of keys) {
      if (expression.kind !== 'field') throw reader.fault('ORDER BY takes the name of a column here', expression);
    }
    const limit = this.#limit();
    const at = { start, end: reader.lexer.at };
    if (keys.length > 0) commands.push({ kind: 'sort', keys, ...at });
    if (limit) commands.push({ kind: 'limit', ...limit, ...at });
  }

  #orderBy(): SortKey[] {
    const reader = this.#reader;
    if (!this.#after('order') && !this.#after('sort')) return [];
    return reader.list(() => reader.sortKey(reader.expression(true)));
  }

  /** `LIMIT 10 OFFSET 20` */
  #limit(): { count: number; offset?: number } | undefined {
    const reader = this.#reader;
    if (reader.isWord('offset')) throw reader.unfit('OFFSET without LIMIT');
    if (!reader.acceptWord('limit')) return undefined;
    const count = reader.rowCount();
    return reader.acceptWord('offset') ? { count, offset: reader.rowCount() } : { count };
  }

  /** `combined`: what follows belongs to all SELECTs. */
  #select(combined = false): Query {
    const reader = this.#reader;
    const { start } = reader.lexer.next;
    const before = this.#qualified.length;
    if (reader.isWord('with')) throw reader.unfit('WITH');
    reader.word('select');
    const distinct = reader.acceptWord('distinct');
    const all = reader.acceptSymbol('*');
    const items = all ? [] : reader.list(() => reader.item(true));
    reader.word('from');
    const from = this.#table();
    const joined = this.#join(from, all);
    const filter = reader.acceptWord('where') ? reader.expression() : undefined;
    const groupBy = this.#after('group') ? reader.list(() => reader.expression()) : [];
    const filterGroups = reader.acceptWord('having') ? reader.expression(true) : undefined;
    const orderBy = combined ? [] : this.#orderBy();
    const limit = combined ? undefined : this.#limit();
    this.#isOrdered = orderBy.length > 0 || limit !== undefined;
    const { next } = reader.lexer;
    for (const word of NOT_RUN) if (reader.isWord(word)) throw reader.unfit(word.toUpperCase(), next);
    const at = { start, end: reader.lexer.at };

    const resolve = this.#resolver(before, joined ? [] : [from.alias], joined ? [joined.left, joined.right] : []);
    const selected = items.map((item): Item => {
      const expression = resolve(item.expression);
      const name = item.alias === undefined && expression.kind === 'field' ? expression.name : item.name;
      return { ...item, expression, name };
    });
    const where = filter && resolve(filter);
    const keys = groupBy.map(resolve);
    const having = filterGroups && resolve(filterGroups);
    const order = orderBy.map((key) => ({ ...key, expression: resolve(key.expression) }));

    const commands: Command[] = [...from.query.commands];
    if (joined) commands.push({ ...joined, ...at });
    if (where) commands.push({ kind: 'filter', condition: where, ...at });
    const grouped = keys.length > 0 || having || distinct || selected.some((item) => hasAggregate(item.expression));
    if (grouped && all) throw reader.fault('SELECT * cannot be grouped', at);
    const windows = selected.filter(({ expression }) => hasWindow(expression));
    if (windows.length > 0 && distinct) throw reader.unfit('DISTINCT with window functions', windows[0]);
    const others = selected.filter((item) => !windows.includes(item));
    const groups = grouped ? this.#grouped(others, selected, keys, distinct) : undefined;
    const named = (expression: Expression): Expression => {
      const window = windows.find((item) => isSame(item.expression, expression) || isNamed(expression, item));
      if (window) return { ...at, kind: 'field', name: window.name };
      return groups?.named(expression) ?? this.#unaliased(expression, selected);
    };
    const condition = having && named(having);
    const sortKeys = order.map((key) => {
      const expression = named(this.#ordinal(key.expression, selected));
      if (hasWindow(expression)) throw reader.unfit('ORDER BY a window function that is not selected', expression);
      return { ...key, expression };
    });
    const evaluated = windows.map((item) => ({
      ...item,
      expression: groups ? groups.named(item.expression) : item.expression,
    }));
    if (groups) commands.push({ kind: 'stats', aggregates: groups.aggregates, by: groups.by, ...at });
    if (condition) commands.push({ kind: 'filter', condition, ...at });
    if (evaluated.length > 0) commands.push({ kind: 'eval', items: evaluated, ...at });
    if (sortKeys.length > 0) commands.push({ kind: 'sort', keys: sortKeys, ...at });
    if (limit) commands.push({ kind: 'limit', ...limit, ...at });
    if (!all) {
      const shown = selected.map((item): Item => {
        const { name } = item;
        return groups || windows.includes(item) ? { expression: { kind: 'field', name, ...at }, name, ...at } : item;
      });
      commands.push({ kind: 'display', items: shown, ...at });
    }
    return { ...from.query, commands };
  }

  #after(word: string): boolean {
    if (!this.#reader.acceptWord(word)) return false;
    this.#reader.word('by');
    return true;
  }

  /** A log group or a query, and what it is called. */
  #table(): Table {
    const reader = this.#reader;
    const table: Table = reader.isQuery() ? { query: reader.query() } : this.#group();
    const { next } = reader.lexer;
    const isAlias = next.kind === 'name' && (next.quoted || !NO_ALIAS.has(next.text.toLowerCase()));
    if (reader.acceptWord('as') || isAlias) table.alias = reader.name();
    if (reader.isSymbol(',')) throw reader.unfit('a second table after FROM');
    return table;
  }

  /** `INNER JOIN b ON a.x = b.x`, at most one. */
  #join(from: Table, all: boolean) {
    const reader = this.#reader;
    const token = reader.lexer.next;
    const type = (['inner', 'left'] as const).find((word) => reader.acceptWord(word));
    if (!type && !reader.isWord('join')) return undefined;
    if (type === 'left') reader.acceptWord('outer');
    reader.word('join');
    if (all) throw reader.unfit('SELECT * of a JOIN', token);
    const other = this.#table();
    reader.word('on');
    const condition = reader.expression();
    const [left, right] = [from.alias, other.alias];
    for (const alias of [left, right]) {
      if (alias === undefined || alias.includes('.')) throw reader.fault('A table of a JOIN needs a name: AS …', token);
    }
    const keys = joinKeys(condition, left!, right!);
    if (!keys) throw reader.unfit('a JOIN on other than equal fields of both tables', condition);
    for (const word of ['inner', 'left', 'join']) if (reader.isWord(word)) throw reader.unfit('a second JOIN');
    return { kind: 'join', type: type ?? 'inner', left: left!, right: right!, keys, query: other.query } as const;
  }

  /** The table's own name goes from its fields; a name of a table around a subquery is refused. */
  #resolver(before: number, own: readonly (string | undefined)[], joined: readonly string[]) {
    const aliasOf = (name: string) => name.slice(0, Math.max(0, name.indexOf('.')));
    const within = this.#qualified.slice(before);
    for (const field of within) {
      if ([...own, ...joined].includes(aliasOf(field.name))) {
        throw this.#reader.unfit('a subquery that names a table around it', field);
      }
    }
    return (expression: Expression): Expression =>
      replace(expression, (node) => {
        if (node.kind !== 'field' || !node.name.includes('.')) return undefined;
        const alias = aliasOf(node.name);
        if (own.includes(alias)) return { ...node, name: node.name.slice(alias.length + 1) };
        if (!joined.includes(alias)) this.#qualified.push(node);
        return undefined;
      });
  }

  /** A log group, or `` `logGroups(logGroupIdentifier: ['a', 'b'])` ``. */
  #group(): Table {
    const reader = this.#reader;
    const token = reader.lexer.next;
    const name = reader.name();
    const { start, end } = token;
    if (/^\s*\w+\s*\(/.test(name)) {
      // What stands in the backticks, where it stands.
      const before = reader.lexer.text.slice(0, start).replace(/[^\n]/g, ' ');
      const within = new OpenSearchReader(`${before} ${name}`, SQL, () => this.#query());
      return { query: readSqlSources(within, { start, end }) };
    }
    const source: SourceCommand = { kind: 'source', groups: [name], namePrefixes: [], accountIds: [], start, end };
    return { query: { source, commands: [] }, alias: name };
  }

  /** `2` is what is selected second. */
  #ordinal(expression: Expression, selected: readonly Item[]): Expression {
    if (expression.kind !== 'number') return expression;
    const item = selected[expression.value - 1];
    if (!item) throw this.#reader.fault(`There is no column ${expression.value}`, expression);
    return item.expression;
  }

  #unaliased(expression: Expression, selected: readonly Item[]): Expression {
    return replace(expression, (node) => {
      if (hasAggregate(node) && node.kind === 'call') {
        throw this.#reader.fault(`Aggregation function ${node.name} needs GROUP BY`, node);
      }
      return node.kind === 'field' ? selected.find(({ alias }) => alias === node.name)?.expression : undefined;
    });
  }

  /** The columns of stats, and what they are called after it. */
  #grouped(selected: readonly Item[], all: readonly Item[], keys: readonly Expression[], distinct: boolean) {
    const reader = this.#reader;
    const aggregates = selected.filter(({ expression }) => hasAggregate(expression));
    const plain = selected.filter(({ expression }) => !hasAggregate(expression));
    const by: Item[] = keys.map((given) => {
      const key = this.#ordinal(given, all);
      const same = plain.find(({ expression, alias }) => {
        return isSame(expression, key) || (key.kind === 'field' && key.name === alias);
      });
      if (same) return same;
      if (hasAggregate(key)) throw reader.fault('GROUP BY takes no aggregation function', given);
      const name = key.kind === 'field' ? key.name : printExpression(key);
      return { expression: key, name, start: key.start, end: key.end };
    });
    for (const item of plain) {
      if (by.includes(item)) continue;
      if (!distinct) throw reader.fault(`${item.name} must stand in GROUP BY or in an aggregation function`, item);
      by.push(item);
    }
    const named = (expression: Expression) =>
      replace(expression, (node) => {
        const { start, end } = node;
        const known = [...aggregates, ...by].find((item) => isSame(item.expression, node));
        if (known) return { kind: 'field', name: known.name, start, end };
        if (node.kind !== 'call' || !hasAggregate(node)) return undefined;
        // What only HAVING or ORDER BY ask for is a column that is not shown.
        const name = printExpression(node);
        aggregates.push({ expression: node, alias: name, name, start, end });
        return { kind: 'field', name, start, end };
      });
    if (aggregates.length === 0) {
      const { start, end } = by[0]!;
      const name = 'count(*)';
      aggregates.push({ expression: { kind: 'call', name: 'count', args: [], start, end }, name, start, end });
    }
    return { aggregates, by, named };
  }
}

/** Whether the expression is the name of the column. */
function isNamed(expression: Expression, { alias }: Item): boolean {
  return expression.kind === 'field' && expression.name === alias;
}
