// OpenSearch SQL onto the tree of Logs Insights: one SELECT over log groups, as filter, stats, filter, sort, limit and display.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_SQL.html

import { type Dialect, OpenSearchReader } from '../opensearch/reader.ts';
import { hasAggregate } from '../syntax/parser.ts';
import { printExpression } from '../syntax/printer.ts';
import type { Command, Expression, Item, Query, SortKey, SourceCommand } from '../syntax/tree.ts';

const SQL: Dialect = {
  name: 'SQL',
  reserved: new Set('select from where group having order limit join union'.split(' ')),
  percentiles: 1,
};
const NOT_RUN = ['join', 'inner', 'left', 'cross', 'union', 'intersect', 'except', 'offset', 'window', 'lateral'];

/** Throws QuerySyntaxError. */
export function parseSql(text: string): Query {
  return new SqlParser(text.replace(/;\s*$/, '')).query();
}

class SqlParser {
  readonly #reader: OpenSearchReader;

  constructor(text: string) {
    this.#reader = new OpenSearchReader(text, SQL);
  }

  query(): Query {
    const reader = this.#reader;
    const { start } = reader.lexer.next;
    if (reader.isWord('with')) throw reader.unfit('WITH');
    reader.word('select');
    const distinct = reader.acceptWord('distinct');
    const all = reader.acceptSymbol('*');
    const selected = all ? [] : reader.list(() => reader.item(true));
    reader.word('from');
    const source = this.#source();
    const where = reader.acceptWord('where') ? reader.expression() : undefined;
    const keys = this.#after('group') ? reader.list(() => reader.expression()) : [];
    const having = reader.acceptWord('having') ? reader.expression(true) : undefined;
    const order = this.#after('order') ? reader.list(() => this.#orderKey()) : [];
    const count = reader.acceptWord('limit') ? reader.rowCount() : undefined;
    const { next } = reader.lexer;
    for (const word of NOT_RUN) if (reader.isWord(word)) throw reader.unfit(word.toUpperCase(), next);
    if (next.kind !== 'end') throw reader.unexpected(next, ['WHERE', 'GROUP BY', 'HAVING', 'ORDER BY', 'LIMIT']);
    const at = { start, end: reader.lexer.at };

    const commands: Command[] = [];
    if (where) commands.push({ kind: 'filter', condition: where, ...at });
    const grouped = keys.length > 0 || having || distinct || selected.some((item) => hasAggregate(item.expression));
    if (grouped && all) throw reader.fault('SELECT * cannot be grouped', at);
    const groups = grouped ? this.#grouped(selected, keys, distinct) : undefined;
    const named = (expression: Expression) => groups?.named(expression) ?? this.#unaliased(expression, selected);
    const condition = having && named(having);
    const sortKeys = order.map(({ expression, descending }) => ({
      expression: named(this.#ordinal(expression, selected)),
      descending,
    }));
    if (groups) commands.push({ kind: 'stats', aggregates: groups.aggregates, by: groups.by, ...at });
    if (condition) commands.push({ kind: 'filter', condition, ...at });
    if (sortKeys.length > 0) commands.push({ kind: 'sort', keys: sortKeys, ...at });
    if (count !== undefined) commands.push({ kind: 'limit', count, ...at });
    if (!all) {
      const shown = groups
        ? selected.map(({ name }): Item => ({ expression: { kind: 'field', name, ...at }, name, ...at }))
        : selected;
      commands.push({ kind: 'display', items: shown, ...at });
    }
    return { source, commands };
  }

  #after(word: string): boolean {
    if (!this.#reader.acceptWord(word)) return false;
    this.#reader.word('by');
    return true;
  }

  /** A log group, or `` `logGroups(logGroupIdentifier: ['a', 'b'])` ``. */
  #source(): SourceCommand {
    const reader = this.#reader;
    const token = reader.lexer.next;
    if (reader.isSymbol('(')) throw reader.unfit('a subquery');
    const name = reader.name();
    const several = /^\s*logGroups\s*\(\s*logGroupIdentifier\s*:\s*\[(.*)\]\s*\)\s*$/is.exec(name)?.[1];
    if (several === undefined && /^\s*\w+\s*\(/.test(name)) throw reader.unfit(name, token);
    const groups =
      several === undefined ? [name] : [...several.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, a, b]) => a ?? b ?? '');
    if (groups.length === 0) throw reader.fault('logGroups names no group', token, ['a name']);
    if (reader.isWord('as')) throw reader.unfit('the name of a table');
    if (reader.isSymbol(',')) throw reader.unfit('a second table after FROM');
    return { kind: 'source', groups, namePrefixes: [], accountIds: [], start: token.start, end: token.end };
  }

  #orderKey(): SortKey {
    const reader = this.#reader;
    const expression = reader.expression(true);
    const descending = reader.acceptWord('desc');
    if (!descending) reader.acceptWord('asc');
    if (reader.isWord('nulls')) throw reader.unfit('NULLS FIRST and LAST');
    return { expression, descending };
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
  #grouped(selected: readonly Item[], keys: readonly Expression[], distinct: boolean) {
    const reader = this.#reader;
    const aggregates = selected.filter(({ expression }) => hasAggregate(expression));
    const plain = selected.filter(({ expression }) => !hasAggregate(expression));
    const by: Item[] = keys.map((given) => {
      const key = this.#ordinal(given, selected);
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

function isSame(a: Expression, b: Expression): boolean {
  return printExpression(a) === printExpression(b);
}

/** The expression with those of its parts replaced for which there is another. */
function replace(node: Expression, other: (node: Expression) => Expression | undefined): Expression {
  const replaced = other(node);
  if (replaced) return replaced;
  const inner = (child: Expression) => replace(child, other);
  switch (node.kind) {
    case 'unary':
      return { ...node, operand: inner(node.operand) };
    case 'binary':
      return { ...node, left: inner(node.left), right: inner(node.right) };
    case 'in':
      return { ...node, value: inner(node.value), options: node.options.map(inner) };
    case 'call':
      return { ...node, args: node.args.map(inner) };
    default:
      return node;
  }
}
