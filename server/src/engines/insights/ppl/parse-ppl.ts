// OpenSearch's Piped Processing Language onto the tree of Logs Insights. Commands without a counterpart there are refused by name.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_PPL.html

import { binary } from '../opensearch/functions.ts';
import { type Dialect, OpenSearchReader } from '../opensearch/reader.ts';
import { joinKeys, replace } from '../opensearch/replace.ts';
import { readPplSources } from '../opensearch/source.ts';
import { isAggregate } from '../syntax/functions.ts';
import { hasAggregate } from '../syntax/parser.ts';
import { namedGroups } from '../syntax/regex-groups.ts';
import type { Command, Expression, Item, Query, SortKey, SourceCommand, Span } from '../syntax/tree.ts';
import { grokExpression } from './grok.ts';

const PPL: Dialect = {
  name: 'PPL',
  reserved: new Set(),
  percentiles: 100,
  queries: /\s*(?:(?:search|subquery)\b|(?:source|index)\s*=)/iy,
  brackets: '[',
};
const COMMANDS =
  'dedup eval eventstats expand fields fieldsummary fillnull flatten grok head inner join left parse rare rename sort stats top trendline where'.split(
    ' ',
  );
/** What the language has beside them. */
const OTHERS = new Set(
  'ad append appendcol cross describe filterindex full lookup ml multisearch patterns reverse rex right table timechart'.split(
    ' ',
  ),
);
const DEFAULT_ROWS = 10;
const MOST_ROWS_OF_TREND = 100;
const COLUMNS_OF_EVENTS = ['@timestamp', '@message'];

/** Throws QuerySyntaxError. */
export function parsePpl(text: string): Query {
  const reader: OpenSearchReader = new OpenSearchReader(text.replace(/;\s*$/, ''), PPL, () =>
    new PplParser(reader).query(),
  );
  const query = new PplParser(reader).query();
  if (reader.lexer.next.kind !== 'end') throw reader.unexpected(reader.lexer.next, ['|']);
  return query;
}

class PplParser {
  readonly #reader: OpenSearchReader;
  readonly #commands: Command[] = [];
  /** What the result shows, where a command has settled it. */
  #columns: string[] | undefined;

  constructor(reader: OpenSearchReader) {
    this.#reader = reader;
  }

  query(): Query {
    const reader = this.#reader;
    reader.acceptSymbol('|');
    const source = this.#source();
    if (source) this.#commands.push(...source.commands);
    const query: Query = { ...(source?.source && { source: source.source }), commands: this.#commands };
    if (source && !reader.acceptSymbol('|')) return query;
    do this.#command();
    while (reader.acceptSymbol('|'));
    return query;
  }

  /** ``source = [`a`, `b`]`` */
  #source(): Query | undefined {
    const reader = this.#reader;
    const { start } = reader.lexer.next;
    const search = reader.acceptWord('subquery') || reader.acceptWord('search');
    if (!reader.isWord('source') && !reader.isWord('index')) {
      if (search) throw reader.unexpected(reader.lexer.next, ['source']);
      return undefined;
    }
    reader.lexer.take();
    reader.symbol('=');
    if (reader.acceptSymbol('[')) return readPplSources(reader, start);
    const groups = reader.list(() => (reader.lexer.next.kind === 'string' ? reader.string() : reader.name()));
    const at = { start, end: reader.lexer.at };
    return { source: { kind: 'source', groups, namePrefixes: [], accountIds: [], ...at }, commands: [] };
  }

  #command(): void {
    const reader = this.#reader;
    const token = reader.lexer.next;
    const word = token.kind === 'name' && !token.quoted ? token.text.toLowerCase() : '';
    if (OTHERS.has(word)) throw reader.unfit(`the command ${word}`, token);
    if (!COMMANDS.includes(word)) throw reader.unexpected(token, COMMANDS);
    reader.lexer.take();
    const first = this.#commands.length;
    this.#rest(word);
    // All that one command became stands where it stands.
    for (const command of this.#commands.slice(first)) {
      command.start = token.start;
      command.end = reader.lexer.at;
    }
  }

  #rest(word: string): void {
    const reader = this.#reader;
    switch (word) {
      case 'where':
        this.#add({ kind: 'filter', condition: reader.expression() });
        break;
      case 'fields':
        this.#fields();
        break;
      case 'eval':
        this.#define(reader.list(() => this.#assignment()));
        break;
      case 'eventstats':
        this.#eventStats();
        break;
      case 'trendline':
        this.#trendline();
        break;
      case 'inner':
      case 'left':
        if (word === 'left') reader.acceptWord('outer');
        reader.word('join');
        this.#join(word);
        break;
      case 'join':
        this.#join('inner');
        break;
      case 'flatten':
        this.#flatten();
        break;
      case 'fieldsummary':
        this.#fieldSummary();
        break;
      case 'grok':
        this.#grok();
        break;
      case 'stats':
        this.#stats();
        break;
      case 'sort':
        this.#sort();
        break;
      case 'head':
        this.#head();
        break;
      case 'dedup':
        this.#dedup();
        break;
      case 'top':
      case 'rare':
        this.#frequent(word === 'top');
        break;
      case 'rename':
        this.#rename();
        break;
      case 'parse':
        this.#parse();
        break;
      case 'fillnull':
        this.#fillNull();
        break;
      case 'expand': {
        const input = reader.field();
        this.#add({ kind: 'unnest', input, into: reader.acceptWord('as') ? reader.name() : input.name });
        break;
      }
    }
  }

  #fields(): void {
    const reader = this.#reader;
    if (reader.acceptSymbol('-')) {
      const hidden = reader.list(() => reader.field());
      const at = { start: hidden[0]!.start, end: reader.lexer.at };
      const rest = this.#shown().filter((name) => !hidden.some((field) => field.name === name));
      if (rest.length === 0) throw reader.fault('fields leaves no field', at);
      this.#show(rest.map((name) => plain({ kind: 'field', name, ...at })));
      return;
    }
    reader.acceptSymbol('+');
    this.#show(reader.list(() => plain(reader.field())));
  }

  #show(items: Item[]): void {
    this.#columns = items.map(({ name }) => name);
    this.#add({ kind: 'display', items });
  }

  #define(items: Item[]): void {
    this.#columns = [...new Set([...this.#shown(), ...items.map(({ name }) => name)])];
    this.#add({ kind: 'eval', items });
  }

  /** The columns of the result as far as it has come. */
  #shown(): string[] {
    return this.#columns ?? [...COLUMNS_OF_EVENTS];
  }

  /** Aggregates beside the rows that they are of. */
  #eventStats(): void {
    const { aggregates, by } = this.#aggregates('eventstats');
    const partition = by.map(({ expression }) => expression);
    const over = (node: Expression): Expression | undefined => {
      if (node.kind !== 'call' || !isAggregate(node.name)) return undefined;
      return { kind: 'over', call: node, partition, order: [], start: node.start, end: node.end };
    };
    this.#define(aggregates.map((item) => ({ ...item, alias: item.name, expression: replace(item.expression, over) })));
  }

  /** `trendline sort t sma(3, a) as mean wma(2, b)`: averages of so many rows up to each; none where there are fewer. */
  #trendline(): void {
    const reader = this.#reader;
    if (reader.acceptWord('sort')) {
      const descending = reader.acceptSymbol('-');
      if (!descending) reader.acceptSymbol('+');
      this.#add({ kind: 'sort', keys: [{ expression: reader.field(), descending }] });
    }
    const items: Item[] = [];
    do {
      const { start } = reader.lexer.next;
      const weighted = reader.acceptWord('wma');
      if (!weighted) reader.word('sma');
      reader.symbol('(');
      const token = reader.lexer.next;
      const count = reader.rowCount();
      if (count > MOST_ROWS_OF_TREND) throw reader.unexpected(token, [`a number from 1 to ${MOST_ROWS_OF_TREND}`]);
      reader.symbol(',');
      const field = reader.field();
      reader.symbol(')');
      const name = reader.acceptWord('as') ? reader.name() : `${field.name}_trendline`;
      const at = { start, end: reader.lexer.at };
      const expression = weighted ? weightedAverage(field, count, at) : movingAverage(field, count, at);
      items.push({ expression, alias: name, name, ...at });
    } while (reader.isWord('sma') || reader.isWord('wma'));
    this.#define(items);
  }

  /** `left=l, right=r on l.a = r.b` and a log group, or a query in brackets. */
  #join(type: 'inner' | 'left'): void {
    const reader = this.#reader;
    const side = (word: string) => {
      reader.word(word);
      reader.symbol('=');
      return reader.name();
    };
    const left = side('left');
    reader.acceptSymbol(',');
    const right = side('right');
    if (!reader.acceptWord('on')) reader.word('where');
    const condition = reader.expression();
    const keys = joinKeys(condition, left, right);
    if (!keys) throw reader.unfit('a join on other than equal fields of both sides', condition);
    const query = reader.isQuery() ? reader.query() : (this.#source() ?? { source: this.#group(), commands: [] });
    this.#columns = undefined;
    this.#add({ kind: 'join', type, left, right, keys, query });
  }

  #group(): SourceCommand {
    const { start } = this.#reader.lexer.next;
    const groups = [this.#reader.name()];
    return { kind: 'source', groups, namePrefixes: [], accountIds: [], start, end: this.#reader.lexer.at };
  }

  /** `flatten object as (a, b)`: its members under these names, in their order. */
  #flatten(): void {
    const reader = this.#reader;
    const field = reader.field();
    if (!reader.acceptWord('as')) throw reader.unfit('flatten without names: as (…)', field);
    const { start } = reader.lexer.next;
    const bracketed = reader.acceptSymbol('(');
    const names = reader.list(() => reader.name());
    if (bracketed) reader.symbol(')');
    const at = { start, end: reader.lexer.at };
    const member = (name: string, i: number): Item => {
      const place: Expression = { kind: 'number', value: i + 1, ...at };
      return { expression: { kind: 'call', name: 'MEMBER', args: [field, place], ...at }, alias: name, name, ...at };
    };
    this.#define(names.map(member));
  }

  /** `fieldsummary includefields=a`: of one field, as AWS has it. */
  #fieldSummary(): void {
    const reader = this.#reader;
    reader.word('includefields');
    reader.symbol('=');
    const field = reader.field();
    if (reader.isSymbol(',')) throw reader.unfit('fieldsummary of several fields');
    if (reader.acceptWord('nulls')) {
      reader.symbol('=');
      const nulls = reader.expression();
      if (nulls.kind !== 'boolean') throw reader.fault('expected true or false', nulls, ['true', 'false']);
    }
    const at = { start: field.start, end: reader.lexer.at };
    const call = (name: string, args: Expression[] = [field]): Expression => ({ kind: 'call', name, args, ...at });
    const item = (name: string, expression: Expression): Item => ({ expression, alias: name, name, ...at });
    const aggregates = [
      item('COUNT', call('count')),
      item('COUNT_DISTINCT', call('count_distinct')),
      item('MIN', call('MIN')),
      item('MAX', call('MAX')),
      item('AVG', call('avg')),
      item('MEAN', call('avg')),
      item('STDDEV', call('STDDEV_SAMP')),
      item('NULLS', binary('-', call('count', []), call('count'), at)),
    ];
    this.#add({ kind: 'stats', aggregates, by: [] });
    this.#columns = [];
    this.#show([
      item('Field', { kind: 'string', value: field.name, ...at }),
      ...aggregates.map(({ name }) => plain({ kind: 'field', name, ...at })),
    ]);
  }

  #grok(): void {
    const reader = this.#reader;
    const input = reader.field();
    const token = reader.lexer.next;
    const unknown = (name: string) => reader.fault(`There is no grok pattern ${name}`, token);
    const source = grokExpression(reader.string(), unknown);
    const names = namedGroups(source);
    if (names.length === 0) throw reader.fault('grok needs a field: %{PATTERN:field}', token);
    this.#columns?.push(...names);
    this.#add({ kind: 'parse', input, pattern: { kind: 'regex', source, names } });
  }

  #assignment(): Item {
    const { name, start } = this.#reader.field();
    this.#reader.symbol('=');
    return { expression: this.#reader.expression(), alias: name, name, start, end: this.#reader.lexer.at };
  }

  #aggregates(command: string) {
    const reader = this.#reader;
    const aggregates = reader.list(() => {
      const item = reader.item(true);
      if (!hasAggregate(item.expression)) {
        throw reader.fault(`${command} needs an aggregation function`, item.expression, ['count']);
      }
      return item;
    });
    return { aggregates, by: reader.acceptWord('by') ? reader.list(() => reader.item(false)) : [] };
  }

  #stats(): void {
    const { aggregates, by } = this.#aggregates('stats');
    this.#columns = [...by, ...aggregates].map(({ name }) => name);
    this.#add({ kind: 'stats', aggregates, by });
  }

  #sort(): void {
    const reader = this.#reader;
    const count = reader.lexer.next.kind === 'number' ? reader.rowCount() : undefined;
    const keys = reader.list((): SortKey => {
      let descending = reader.acceptSymbol('-');
      if (!descending) reader.acceptSymbol('+');
      const expression = this.#sortedField();
      if (reader.acceptWord('desc') || reader.acceptWord('d')) descending = true;
      else if (!reader.acceptWord('asc')) reader.acceptWord('a');
      return { expression, descending };
    });
    this.#add({ kind: 'sort', keys });
    if (count !== undefined) this.#add({ kind: 'limit', count });
  }

  /** A field; how it compares follows from its values, whatever `num(…)` or `auto(…)` says. */
  #sortedField(): Expression {
    const reader = this.#reader;
    const field = reader.field();
    if (!reader.acceptSymbol('(')) return field;
    if (!['num', 'auto'].includes(field.name.toLowerCase())) throw reader.unfit(`sort by ${field.name}()`, field);
    const inner = reader.field();
    reader.symbol(')');
    return inner;
  }

  #head(): void {
    const reader = this.#reader;
    const count = reader.lexer.next.kind === 'number' ? reader.rowCount() : DEFAULT_ROWS;
    const offset = reader.acceptWord('from') ? reader.rowCount() : undefined;
    this.#add({ kind: 'limit', count, ...(offset !== undefined && { offset }) });
  }

  #dedup(): void {
    const reader = this.#reader;
    const count = reader.lexer.next.kind === 'number' ? reader.rowCount() : 1;
    const fields = reader.list(() => reader.field());
    let keepEmpty = false;
    while (reader.isWord('keepempty') || reader.isWord('consecutive')) {
      const option = reader.field();
      reader.symbol('=');
      const value = reader.expression();
      if (value.kind !== 'boolean') throw reader.fault('expected true or false', value, ['true', 'false']);
      if (option.name.toLowerCase() === 'keepempty') keepEmpty = value.value;
      else if (value.value) throw reader.unfit('dedup … consecutive=true', option);
    }
    if (!keepEmpty) {
      for (const field of fields) {
        const { start, end } = field;
        this.#add({ kind: 'filter', condition: { kind: 'call', name: 'ispresent', args: [field], start, end } });
      }
    }
    this.#add({ kind: 'dedup', fields, ...(count > 1 && { count }) });
  }

  /** The most or least frequent values. */
  #frequent(descending: boolean): void {
    const reader = this.#reader;
    const count = reader.lexer.next.kind === 'number' ? reader.rowCount() : DEFAULT_ROWS;
    const fields = reader.list(() => plain(reader.field()));
    const by = reader.acceptWord('by') ? reader.list(() => plain(reader.field())) : [];
    const at = { start: fields[0]!.start, end: reader.lexer.at };
    const name = 'count';
    const counted: Item = { expression: { kind: 'call', name, args: [], ...at }, alias: name, name, ...at };
    this.#columns = [...by, ...fields].map((field) => field.name).concat(name);
    this.#add({ kind: 'stats', aggregates: [counted], by: [...by, ...fields] });
    this.#add({ kind: 'sort', keys: [{ expression: { kind: 'field', name, ...at }, descending }] });
    if (by.length === 0) this.#add({ kind: 'limit', count });
    else this.#add({ kind: 'dedup', fields: by.map(({ expression }) => expression), ...(count > 1 && { count }) });
  }

  #rename(): void {
    const reader = this.#reader;
    const renamed = reader.list((): Item => {
      const field = reader.field();
      reader.word('as');
      const alias = reader.name();
      return { expression: field, alias, name: alias, start: field.start, end: reader.lexer.at };
    });
    if (!this.#columns) {
      this.#define(renamed);
      return;
    }
    const at = { start: renamed[0]!.start, end: reader.lexer.at };
    this.#show(
      this.#columns.map((name): Item => {
        const found = renamed.find(({ expression }) => expression.kind === 'field' && expression.name === name);
        return found ?? plain({ kind: 'field', name, ...at });
      }),
    );
  }

  #parse(): void {
    const reader = this.#reader;
    const input = reader.field();
    const token = reader.lexer.next;
    const source = reader.string();
    const names = namedGroups(source);
    if (names.length === 0) throw reader.fault('parse needs a named group: (?<name>…)', token, ['(?<name>…)']);
    this.#columns?.push(...names);
    this.#add({ kind: 'parse', input, pattern: { kind: 'regex', source, names } });
  }

  /** `fillnull with V in a, b`, `fillnull value=V a, b`, or `fillnull using a = V, b = W` */
  #fillNull(): void {
    const reader = this.#reader;
    if (reader.acceptWord('using')) {
      this.#define(reader.list(() => this.#assignment()).map(filled));
      return;
    }
    const isNamed = reader.acceptWord('value');
    if (isNamed) reader.symbol('=');
    else reader.word('with');
    const value = reader.value();
    if (!isNamed) reader.word('in');
    this.#define(
      reader
        .list(() => reader.field())
        .map(({ name, start, end }) => filled({ expression: value, alias: name, name, start, end })),
    );
  }

  #add(command: WithoutSpan<Command>): void {
    this.#commands.push({ ...command, start: 0, end: 0 } as Command);
  }
}

type WithoutSpan<T> = T extends unknown ? Omit<T, 'start' | 'end'> : never;

function plain(expression: Expression & { kind: 'field' }): Item {
  return { expression, name: expression.name, start: expression.start, end: expression.end };
}

/** The value where the field is missing. */
function filled(item: Item): Item {
  const { name, start, end, expression } = item;
  const args: Expression[] = [{ kind: 'field', name, start, end }, expression];
  return { ...item, expression: { kind: 'call', name: 'coalesce', args, start, end } };
}

/** The average of a row and those before it, where there are so many. */
function movingAverage(field: Expression, count: number, at: Span): Expression {
  const over = (name: string): Expression => {
    const frame = { unit: 'rows', from: { side: 'preceding', count: count - 1 }, to: { side: 'current row' } } as const;
    const rows = count === 1 ? { ...frame, from: { side: 'current row' } as const } : frame;
    return {
      kind: 'over',
      call: { kind: 'call', name, args: [field], ...at },
      partition: [],
      order: [],
      frame: rows,
      ...at,
    };
  };
  const enough = binary('=', over('count'), { kind: 'number', value: count, ...at });
  return { kind: 'call', name: 'case', args: [enough, over('avg')], ...at };
}

/** The row itself weighs most: as much as there are rows. */
function weightedAverage(field: Expression, count: number, at: Span): Expression {
  const number = (value: number): Expression => ({ kind: 'number', value, ...at });
  const before = (rows: number): Expression =>
    rows === 0
      ? field
      : {
          kind: 'over',
          call: { kind: 'call', name: 'LAG', args: [field, number(rows)], ...at },
          partition: [],
          order: [],
          ...at,
        };
  const weighted = Array.from({ length: count }, (_, i) => binary('*', before(i), number(count - i)));
  return binary(
    '/',
    weighted.reduce((sum, each) => binary('+', sum, each)),
    number((count * (count + 1)) / 2),
    at,
  );
}
