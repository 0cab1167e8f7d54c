// OpenSearch's Piped Processing Language onto the tree of Logs Insights. Commands without a counterpart there are refused by name.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_PPL.html

import { type Dialect, OpenSearchReader } from '../opensearch/reader.ts';
import { hasAggregate } from '../syntax/parser.ts';
import { namedGroups } from '../syntax/regex-groups.ts';
import type { Command, Expression, Item, Query, SortKey, SourceCommand } from '../syntax/tree.ts';

const PPL: Dialect = { name: 'PPL', reserved: new Set(), percentiles: 100 };
const COMMANDS = 'dedup eval expand fields fillnull head parse rare rename sort stats top where'.split(' ');
/** What the language has beside them. */
const OTHERS = new Set(
  'ad append appendcol describe eventstats fieldsummary filterindex flatten grok join inner left lookup ml multisearch patterns reverse rex subquery table timechart trendline'.split(
    ' ',
  ),
);
const DEFAULT_ROWS = 10;

/** Throws QuerySyntaxError. */
export function parsePpl(text: string): Query {
  return new PplParser(text).query();
}

class PplParser {
  readonly #reader: OpenSearchReader;
  readonly #commands: Command[] = [];
  /** What the result shows, where a command has settled it. */
  #columns: string[] | undefined;

  constructor(text: string) {
    this.#reader = new OpenSearchReader(text, PPL);
  }

  query(): Query {
    const reader = this.#reader;
    reader.acceptSymbol('|');
    const source = this.#source();
    const query: Query = { ...(source && { source }), commands: this.#commands };
    if (source && reader.lexer.next.kind === 'end') return query;
    if (source) reader.symbol('|');
    for (;;) {
      this.#command();
      if (reader.lexer.next.kind === 'end') return query;
      reader.symbol('|');
    }
  }

  /** ``source = [`a`, `b`]`` */
  #source(): SourceCommand | undefined {
    const reader = this.#reader;
    const { start } = reader.lexer.next;
    const search = reader.acceptWord('search');
    if (!reader.isWord('source') && !reader.isWord('index')) {
      if (search) throw reader.unexpected(reader.lexer.next, ['source']);
      return undefined;
    }
    reader.lexer.take();
    reader.symbol('=');
    const group = () => (reader.lexer.next.kind === 'string' ? reader.string() : reader.name());
    const bracketed = reader.acceptSymbol('[');
    const groups = reader.list(group);
    if (bracketed) reader.symbol(']');
    return { kind: 'source', groups, namePrefixes: [], accountIds: [], start, end: reader.lexer.at };
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
    if (reader.isSymbol('-')) throw reader.unfit('fields with a minus sign');
    reader.acceptSymbol('+');
    this.#show(reader.list(() => plain(reader.field())));
  }

  #show(items: Item[]): void {
    this.#columns = items.map(({ name }) => name);
    this.#add({ kind: 'display', items });
  }

  #define(items: Item[]): void {
    for (const { name } of items) if (this.#columns && !this.#columns.includes(name)) this.#columns.push(name);
    this.#add({ kind: 'fields', items });
  }

  #assignment(): Item {
    const { name, start } = this.#reader.field();
    this.#reader.symbol('=');
    return { expression: this.#reader.expression(), alias: name, name, start, end: this.#reader.lexer.at };
  }

  #stats(): void {
    const reader = this.#reader;
    const aggregates = reader.list(() => {
      const item = reader.item(true);
      if (!hasAggregate(item.expression)) {
        throw reader.fault('stats needs an aggregation function', item.expression, ['count']);
      }
      return item;
    });
    const by = reader.acceptWord('by') ? reader.list(() => reader.item(false)) : [];
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
    if (reader.isWord('from')) throw reader.unfit('head … from');
    this.#add({ kind: 'limit', count });
  }

  #dedup(): void {
    const reader = this.#reader;
    if (reader.lexer.next.kind === 'number') {
      const token = reader.lexer.next;
      if (reader.rowCount() !== 1) throw reader.unfit('dedup of several events', token);
    }
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
    this.#add({ kind: 'dedup', fields });
  }

  /** The most or least frequent values. */
  #frequent(descending: boolean): void {
    const reader = this.#reader;
    const count = reader.lexer.next.kind === 'number' ? reader.rowCount() : DEFAULT_ROWS;
    const fields = reader.list(() => plain(reader.field()));
    if (reader.isWord('by')) throw reader.unfit('top and rare … by');
    const at = { start: fields[0]!.start, end: reader.lexer.at };
    const name = 'count';
    const counted: Item = { expression: { kind: 'call', name, args: [], ...at }, alias: name, name, ...at };
    this.#columns = [...fields.map((field) => field.name), name];
    this.#add({ kind: 'stats', aggregates: [counted], by: fields });
    this.#add({ kind: 'sort', keys: [{ expression: { kind: 'field', name, ...at }, descending }] });
    this.#add({ kind: 'limit', count });
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

  /** `fillnull with V in a, b`, or `fillnull using a = V, b = W` */
  #fillNull(): void {
    const reader = this.#reader;
    if (reader.acceptWord('using')) {
      this.#define(reader.list(() => this.#assignment()).map(filled));
      return;
    }
    reader.word('with');
    const value = reader.value();
    reader.word('in');
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
