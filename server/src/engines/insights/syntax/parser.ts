// Text -> tree, by recursive descent.

import { findFunction } from './functions.ts';
import { Lexer, type Token } from './lexer.ts';
import { QuerySyntaxError } from './query-syntax-error.ts';
import { namedGroups } from './regex-groups.ts';
import type {
  BinaryOperator,
  Command,
  Expression,
  Item,
  JoinKey,
  LookupKey,
  ParsePattern,
  Query,
  SortKey,
  SourceCommand,
  Span,
} from './tree.ts';

/** Nested deeper than this a query is refused, so that no text exhausts the stack. */
const DEEPEST = 100;
const COMMANDS = [
  'anomaly',
  'dedup',
  'diff',
  'display',
  'fields',
  'filter',
  'filterIndex',
  'join',
  'limit',
  'lookup',
  'parse',
  'pattern',
  'sort',
  'stats',
  'unnest',
] as const;
/** What AWS has and Brume does not yet. */
const UNSUPPORTED = ['addtotals', 'unmask'];
const RESERVED = new Set(['and', 'or', 'not', 'like', 'in', 'as', 'by']);
const COMPARISONS = new Set(['=', '==', '!=', '<', '<=', '>', '>=']);
const MOST_LIMIT = 10_000;

/** Throws QuerySyntaxError. */
export function parseQuery(text: string): Query {
  return new Parser(text).query();
}

class Parser {
  readonly #lexer: Lexer;
  #depth = 0;
  #isInSubquery = false;

  constructor(text: string) {
    this.#lexer = new Lexer(text);
  }

  query(): Query {
    return this.#query(() => this.#lexer.next.kind === 'end');
  }

  #query(isAtEnd: () => boolean): Query {
    const query: Query = { commands: [] };
    if (this.#isSymbol('|')) this.#lexer.take();
    if (this.#isWord('source')) {
      query.source = this.#source();
      if (isAtEnd()) return query;
      this.#symbol('|');
    }
    for (;;) {
      query.commands.push(this.#command());
      if (isAtEnd()) return query;
      this.#symbol('|');
    }
  }

  /** `(SOURCE … | …)` of a join or a filter. */
  #subquery(): Query {
    const { next } = this.#lexer;
    this.#symbol('(');
    if (this.#isInSubquery) throw this.#fault('Nested subqueries are not supported', next);
    this.#isInSubquery = true;
    const query = this.#query(() => this.#isSymbol(')'));
    this.#isInSubquery = false;
    this.#symbol(')');
    return query;
  }

  // ---- commands ----

  #command(): Command {
    const token = this.#lexer.next;
    const word = token.kind === 'name' && !token.quoted ? token.text.toLowerCase() : '';
    const name = COMMANDS.find((command) => command.toLowerCase() === word);
    if (name === undefined && word !== 'head') {
      if (UNSUPPORTED.includes(word)) throw this.#fault(`Brume does not run the command ${word} yet`, token);
      throw this.#unexpected(token, [...COMMANDS, 'SOURCE']);
    }
    this.#lexer.take();
    const command = this.#rest(name ?? 'limit');
    return { ...command, start: token.start, end: this.#lexer.at } as Command;
  }

  #rest(name: (typeof COMMANDS)[number]) {
    switch (name) {
      case 'fields':
      case 'display':
        return { kind: name, items: this.#items(false) };
      case 'filter':
      case 'filterIndex':
        return { kind: name, condition: this.#checked(this.#expression(), false) };
      case 'stats':
        return this.#stats();
      case 'sort':
        return { kind: name, keys: this.#list(() => this.#sortKey()) };
      case 'limit':
        return { kind: name, count: this.#limit() };
      case 'parse':
        return this.#parse();
      case 'dedup':
        return { kind: name, fields: this.#list(() => this.#checked(this.#expression(), false)) };
      case 'unnest': {
        const input = this.#checked(this.#expression(), false);
        this.#word('into');
        return { kind: name, input, into: this.#name() };
      }
      case 'pattern':
        return { kind: name, input: this.#checked(this.#expression(), false) };
      case 'diff':
        return this.#lexer.next.kind === 'name' ? { kind: name, period: this.#name() } : { kind: name };
      case 'anomaly':
        return { kind: name };
      case 'lookup':
        return this.#lookup();
      case 'join':
        return this.#join();
    }
  }

  /** `join type=left left=a right=b where a.id=b.id (SOURCE "group" | …)` */
  #join() {
    const options = new Map<string, string>();
    while (!this.#isWord('where')) {
      const token = this.#lexer.next;
      const option = token.kind === 'name' ? token.text.toLowerCase() : '';
      if (!['type', 'left', 'right'].includes(option) || options.has(option)) {
        throw this.#unexpected(token, ['type=', 'left=', 'right=', 'where']);
      }
      this.#lexer.take();
      this.#symbol('=');
      const value = this.#lexer.next;
      options.set(option, this.#name());
      if (option === 'type' && !['inner', 'left'].includes(options.get('type')!.toLowerCase())) {
        throw this.#unexpected(value, ['inner', 'left']);
      }
    }
    const where = this.#lexer.take();
    const left = options.get('left');
    const right = options.get('right');
    if (left === undefined || right === undefined || left === right) {
      throw this.#fault('join needs two different aliases', where, ['left=', 'right=']);
    }
    const keys = [this.#joinKey(left, right)];
    while (this.#isWord('and')) {
      this.#lexer.take();
      keys.push(this.#joinKey(left, right));
    }
    const type = options.get('type')?.toLowerCase() === 'left' ? ('left' as const) : ('inner' as const);
    return { kind: 'join', type, left, right, keys, query: this.#subquery() };
  }

  #joinKey(left: string, right: string): JoinKey {
    const { start } = this.#lexer.next;
    const names = [this.#name()];
    if (!this.#isSymbol('==')) this.#symbol('=');
    else this.#lexer.take();
    names.push(this.#name());
    const of = (alias: string) => names.find((name) => name.startsWith(`${alias}.`))?.slice(alias.length + 1);
    const key = { left: of(left), right: of(right) };
    if (key.left === undefined || key.right === undefined) {
      throw this.#fault('join compares a field of each side', { start, end: this.#lexer.at }, [
        `${left}.field = ${right}.field`,
      ]);
    }
    return key as JoinKey;
  }

  #stats() {
    const aggregates = this.#items(true);
    const known = new Set<string>();
    for (const { expression, alias } of aggregates) {
      if (!hasAggregate(expression) && !isOf(known, expression))
        throw this.#fault('stats needs an aggregation function', expression, ['count']);
      if (alias !== undefined) known.add(alias);
    }
    let by: Item[] = [];
    if (this.#isWord('by')) {
      this.#lexer.take();
      by = this.#items(false);
    }
    return { kind: 'stats', aggregates, by };
  }

  #sortKey(): SortKey {
    const expression = this.#checked(this.#expression(), true);
    for (const [word, descending] of [
      ['desc', true],
      ['asc', false],
    ] as const) {
      if (!this.#isWord(word)) continue;
      this.#lexer.take();
      return { expression, descending };
    }
    return { expression, descending: false };
  }

  #limit(): number {
    const token = this.#lexer.take();
    if (token.kind !== 'number' || !Number.isInteger(token.value)) throw this.#unexpected(token, ['a whole number']);
    if (token.value < 1 || token.value > MOST_LIMIT) {
      throw this.#fault(`limit must be between 1 and ${MOST_LIMIT}`, token, ['a whole number']);
    }
    return token.value;
  }

  #parse() {
    // A division would begin like a regular expression, so no operator stands in the input.
    const { start } = this.#lexer.next;
    const startsWithPattern = this.#lexer.text[start] === '/' || this.#lexer.next.kind === 'string';
    const input: Expression = startsWithPattern
      ? { kind: 'field', name: '@message', start, end: start }
      : this.#checked(this.#primary(), false);
    return { kind: 'parse', input, pattern: this.#parsePattern() };
  }

  #parsePattern(): ParsePattern {
    const regex = this.#lexer.regex();
    if (regex) {
      const names = namedGroups(regex.source);
      if (names.length === 0) throw this.#fault('parse needs a named group: (?<name>…)', regex, ['(?<name>…)']);
      return { kind: 'regex', source: regex.source, flags: regex.flags, names };
    }
    const token = this.#lexer.take();
    if (token.kind !== 'string') throw this.#unexpected(token, ['a string', 'a regular expression']);
    const stars = token.value.split('*').length - 1;
    if (stars === 0) throw this.#fault('parse needs a * in its pattern', token, ['*']);
    this.#word('as');
    const names = this.#list(() => this.#name());
    if (names.length !== stars) {
      throw this.#fault(`the pattern has ${stars} * and ${names.length} names`, token, [`${stars} names`]);
    }
    return { kind: 'glob', text: token.value, names };
  }

  #lookup() {
    const table = this.#name();
    const keys = this.#list((): LookupKey => {
      const column = this.#name();
      this.#word('as');
      return { column, field: this.#field() };
    });
    this.#word('output');
    return { kind: 'lookup', table, keys, outputs: this.#items(false) };
  }

  /** `SOURCE logGroups(namePrefix: ["a"], class: "STANDARD")`, or names and ARNs. */
  #source(): SourceCommand {
    const { start } = this.#lexer.take();
    const source: SourceCommand = { kind: 'source', groups: [], namePrefixes: [], accountIds: [], start, end: start };
    if (!this.#isWord('loggroups')) {
      source.groups = this.#isSymbol('[') ? this.#strings() : this.#list(() => this.#string());
      return { ...source, end: this.#lexer.at };
    }
    this.#lexer.take();
    this.#symbol('(');
    if (!this.#isSymbol(')')) {
      this.#list(() => {
        const token = this.#lexer.next;
        const option = this.#name().toLowerCase();
        this.#symbol(':');
        if (option === 'nameprefix') source.namePrefixes = this.#strings();
        else if (option === 'class' || option === 'loggroupclass') source.class = this.#strings()[0]!;
        else if (option === 'accountidentifiers' || option === 'accountidentifier') source.accountIds = this.#strings();
        else throw this.#unexpected(token, ['namePrefix', 'class', 'accountIdentifiers']);
      });
    }
    this.#symbol(')');
    return { ...source, end: this.#lexer.at };
  }

  #strings(): string[] {
    if (!this.#isSymbol('[')) return [this.#string()];
    this.#lexer.take();
    const strings = this.#list(() => this.#string());
    this.#symbol(']');
    return strings;
  }

  #items(withAggregates: boolean): Item[] {
    return this.#list(() => {
      const expression = this.#checked(this.#expression(), withAggregates);
      const text = this.#lexer.text.slice(expression.start, this.#lexer.at).trim();
      const item = { expression, start: expression.start };
      if (!this.#isWord('as')) {
        const name = expression.kind === 'field' ? expression.name : text;
        return { ...item, name, end: this.#lexer.at };
      }
      this.#lexer.take();
      const alias = this.#name();
      return { ...item, alias, name: alias, end: this.#lexer.at };
    });
  }

  // ---- expressions ----

  #expression(): Expression {
    if (++this.#depth > DEEPEST) throw this.#fault('The query is nested too deeply', this.#lexer.next);
    const expression = this.#or();
    this.#depth--;
    return expression;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.#isWord('or')) {
      this.#lexer.take();
      left = binary('or', left, this.#and());
    }
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.#isWord('and')) {
      this.#lexer.take();
      left = binary('and', left, this.#not());
    }
    return left;
  }

  #not(): Expression {
    if (!this.#isWord('not')) return this.#comparison();
    if (++this.#depth > DEEPEST) throw this.#fault('The query is nested too deeply', this.#lexer.next);
    const { start } = this.#lexer.take();
    const operand = this.#not();
    this.#depth--;
    return { kind: 'unary', operator: 'not', operand, start, end: operand.end };
  }

  #comparison(): Expression {
    const left = this.#additive();
    const token = this.#lexer.next;
    if (token.kind === 'symbol' && COMPARISONS.has(token.text)) {
      this.#lexer.take();
      const operator = (token.text === '==' ? '=' : token.text) as BinaryOperator;
      return binary(operator, left, this.#additive());
    }
    if (token.kind === 'symbol' && token.text === '=~') {
      this.#lexer.take();
      return binary('like', left, this.#searched());
    }
    const not = this.#isWord('not');
    if (not) this.#lexer.take();
    if (this.#isWord('like')) {
      this.#lexer.take();
      return binary(not ? 'not like' : 'like', left, this.#searched());
    }
    if (this.#isWord('in')) {
      this.#lexer.take();
      if (this.#isSymbol('(')) {
        const query = this.#subquery();
        return { kind: 'in query', not, value: left, query, start: left.start, end: this.#lexer.at };
      }
      if (!this.#isSymbol('[')) throw this.#unexpected(this.#lexer.next, ['[', '(']);
      this.#symbol('[');
      const options = this.#list(() => this.#additive());
      this.#symbol(']');
      return { kind: 'in', not, value: left, options, start: left.start, end: this.#lexer.at };
    }
    if (not) throw this.#unexpected(this.#lexer.next, ['like', 'in']);
    return left;
  }

  /** What `like` looks for. */
  #searched(): Expression {
    return this.#lexer.regex() ?? this.#additive();
  }

  #additive(): Expression {
    let left = this.#multiplicative();
    for (let symbol = this.#oneOf('+', '-'); symbol; symbol = this.#oneOf('+', '-')) {
      left = binary(symbol, left, this.#multiplicative());
    }
    return left;
  }

  #multiplicative(): Expression {
    let left = this.#power();
    for (let symbol = this.#oneOf('*', '/', '%'); symbol; symbol = this.#oneOf('*', '/', '%')) {
      left = binary(symbol, left, this.#power());
    }
    return left;
  }

  #power(): Expression {
    const left = this.#unary();
    if (!this.#oneOf('^')) return left;
    return binary(
      '^',
      left,
      this.#nested(() => this.#power()),
    );
  }

  #unary(): Expression {
    const { start } = this.#lexer.next;
    if (!this.#oneOf('-')) return this.#primary();
    const operand = this.#nested(() => this.#unary());
    if (operand.kind === 'number') return { ...operand, value: -operand.value, start };
    return { kind: 'unary', operator: '-', operand, start, end: operand.end };
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > DEEPEST) throw this.#fault('The query is nested too deeply', this.#lexer.next);
    const result = parse();
    this.#depth--;
    return result;
  }

  #primary(): Expression {
    const regex = this.#lexer.regex();
    if (regex) return regex;
    const token = this.#lexer.take();
    const { start, end } = token;
    switch (token.kind) {
      case 'number':
        return { kind: 'number', value: token.value, start, end };
      case 'string':
        return { kind: 'string', value: token.value, start, end };
      case 'duration':
        return { kind: 'duration', count: token.count, unit: token.unit, start, end };
      case 'name':
        return this.#named(token);
      case 'symbol':
        if (token.text !== '(') break;
        {
          const inner = this.#expression();
          this.#symbol(')');
          return { ...inner, start, end: this.#lexer.at };
        }
    }
    throw this.#unexpected(token, ['a field', 'a value', '(']);
  }

  #named(token: Token & { kind: 'name' }): Expression {
    const { start, end, text, quoted } = token;
    if (quoted) return { kind: 'field', name: text, start, end };
    const word = text.toLowerCase();
    if (RESERVED.has(word)) throw this.#unexpected(token, ['a field', 'a value', '(']);
    if (!this.#isSymbol('(')) {
      if (word === 'true' || word === 'false') return { kind: 'boolean', value: word === 'true', start, end };
      return { kind: 'field', name: text.replace(/\[(\d+)\]/g, '.$1'), start, end };
    }
    const shape = findFunction(text);
    if (!shape) throw this.#fault(`Invalid function name: ${text}`, token, ['a function']);
    this.#lexer.take();
    let args: Expression[] = [];
    if (shape.name === 'count' && this.#oneOf('*')) args = [];
    else if (!this.#isSymbol(')')) args = this.#list(() => this.#expression());
    this.#symbol(')');
    const [least, most] = shape.arity;
    if (args.length < least || args.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      const message = `Function ${shape.name} takes ${wanted} arguments, not ${args.length}`;
      throw this.#fault(message, { start, end: this.#lexer.at });
    }
    return { kind: 'call', name: shape.name, args, start, end: this.#lexer.at };
  }

  #field(): Expression {
    const { start, end } = this.#lexer.next;
    return { kind: 'field', name: this.#name(), start, end };
  }

  /** Aggregation functions stand in stats alone, and not in one another. */
  #checked(expression: Expression, aggregates: boolean): Expression {
    const visit = (node: Expression, allowed: boolean) => {
      let inside = allowed;
      if (node.kind === 'call' && findFunction(node.name)!.aggregate) {
        if (!allowed) throw this.#fault(`Aggregation function ${node.name} is not allowed here`, node);
        inside = false;
      }
      for (const child of children(node)) visit(child, inside);
    };
    visit(expression, aggregates);
    return expression;
  }

  // ---- words ----

  #list<T>(parse: () => T): T[] {
    const items = [parse()];
    while (this.#isSymbol(',')) {
      this.#lexer.take();
      items.push(parse());
    }
    return items;
  }

  #isWord(word: string): boolean {
    const { next } = this.#lexer;
    return next.kind === 'name' && !next.quoted && next.text.toLowerCase() === word;
  }

  #word(word: string): void {
    if (!this.#isWord(word)) throw this.#unexpected(this.#lexer.next, [word]);
    this.#lexer.take();
  }

  #name(): string {
    const token = this.#lexer.take();
    if (token.kind === 'name') return token.quoted ? token.text : token.text.replace(/\[(\d+)\]/g, '.$1');
    throw this.#unexpected(token, ['a name']);
  }

  #string(): string {
    const token = this.#lexer.take();
    if (token.kind === 'string') return token.value;
    throw this.#unexpected(token, ['a string']);
  }

  #isSymbol(symbol: string): boolean {
    const { next } = this.#lexer;
    return next.kind === 'symbol' && next.text === symbol;
  }

  #symbol(symbol: string): void {
    if (!this.#isSymbol(symbol)) throw this.#unexpected(this.#lexer.next, [symbol]);
    this.#lexer.take();
  }

  #oneOf<Symbol extends BinaryOperator>(...symbols: Symbol[]): Symbol | undefined {
    const { next } = this.#lexer;
    const found = next.kind === 'symbol' ? symbols.find((symbol) => symbol === next.text) : undefined;
    if (found !== undefined) this.#lexer.take();
    return found;
  }

  #unexpected(token: Token, expected: string[]): QuerySyntaxError {
    const found = token.kind === 'end' ? 'end of query' : this.#lexer.text.slice(token.start, token.end);
    return this.#fault(`unexpected symbol found ${found}`, token, expected);
  }

  #fault(message: string, { start, end }: Span, expected: string[] = []): QuerySyntaxError {
    const hint = expected.length > 0 ? ` at line ${this.#lineOf(start)}; expected ${expected.join(', ')}` : '';
    return new QuerySyntaxError(`${message}${hint}`, start, end, expected);
  }

  #lineOf(offset: number): string {
    const before = this.#lexer.text.slice(0, offset).split('\n');
    return `${before.length} and position ${before.at(-1)!.length}`;
  }
}

function binary(operator: BinaryOperator, left: Expression, right: Expression): Expression {
  return { kind: 'binary', operator, left, right, start: left.start, end: right.end };
}

/** `max(a) as high, min(a) as low, high - low`: made of results before it. */
function isOf(names: ReadonlySet<string>, expression: Expression): boolean {
  if (expression.kind === 'field') return names.has(expression.name);
  return children(expression).some((child) => isOf(names, child));
}

export function hasAggregate(expression: Expression): boolean {
  if (expression.kind === 'call' && findFunction(expression.name)!.aggregate) return true;
  return children(expression).some(hasAggregate);
}

export function children(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'unary':
      return [expression.operand];
    case 'binary':
      return [expression.left, expression.right];
    case 'in':
      return [expression.value, ...expression.options];
    case 'in query':
      return [expression.value];
    case 'call':
      return expression.args;
    default:
      return [];
  }
}
