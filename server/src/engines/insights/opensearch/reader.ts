// What PPL and SQL have in common: words, expressions, and faults with their place.

import { isAggregate } from '../syntax/functions.ts';
import { Lexer, type Token } from '../syntax/lexer.ts';
import { children } from '../syntax/parser.ts';
import { faultIn, type QuerySyntaxError, unexpectedSymbol } from '../syntax/query-syntax-error.ts';
import type {
  ArithmeticOperator,
  Call,
  ComparisonOperator,
  DurationUnit,
  Expression,
  Item,
  Query,
  SortKey,
  Span,
} from '../syntax/tree.ts';
import { binary, findOpenSearchFunction, like, negation } from './functions.ts';
import { whereTrue } from './missing-fields.ts';
import { findWindowFunction, readFrame, WINDOW_ALONE } from './window.ts';

/** Nested deeper than this a query is refused, so that no text exhausts the stack. */
const DEEPEST = 100;
const MOST_ROWS = 10_000;
const RESERVED = new Set('and or not like ilike rlike regexp in is between as by null'.split(' '));

/** What the two languages do differently. */
export interface Dialect {
  name: 'PPL' | 'SQL';
  /** Words that cannot be a field where one may stand. */
  reserved: ReadonlySet<string>;
  /** 100 where percentiles are given in percent, 1 where as a fraction. */
  percentiles: 100 | 1;
  /** How a query inside of the query begins, and in which brackets it stands as a value. */
  queries: RegExp;
  brackets: string;
}

export class OpenSearchReader {
  readonly lexer: Lexer;
  readonly #dialect: Dialect;
  /** Reads a query inside of the query, from its first word on, without the bracket after it. */
  readonly #query: () => Query;
  #depth = 0;

  constructor(text: string, dialect: Dialect, query: () => Query) {
    this.lexer = new Lexer(withoutComments(text));
    this.#dialect = dialect;
    this.#query = query;
  }

  // ---- expressions ----

  /** Aggregation functions stand only where they are allowed, and not in one another. */
  expression(aggregates = false): Expression {
    const expression = whereTrue(this.#nested(() => this.#or()));
    this.#check(expression, aggregates);
    return expression;
  }

  /** No condition: what may stand before `in`. */
  value(): Expression {
    const value = this.#nested(() => this.#additive());
    this.#check(value, false);
    return value;
  }

  item(aggregates: boolean): Item {
    const expression = this.expression(aggregates);
    const text = this.lexer.text.slice(expression.start, this.lexer.at).trim();
    const name = expression.kind === 'field' ? expression.name : text;
    if (!this.acceptWord('as')) return { expression, name, start: expression.start, end: this.lexer.at };
    const alias = this.name();
    return { expression, alias, name: alias, start: expression.start, end: this.lexer.at };
  }

  #or(): Expression {
    let left = this.#and();
    while (this.acceptWord('or')) left = binary('or', left, this.#and());
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.acceptWord('and')) left = binary('and', left, this.#not());
    return left;
  }

  #not(): Expression {
    const { start } = this.lexer.next;
    if (!this.acceptWord('not')) return this.#comparison();
    return { ...negation(this.#nested(() => this.#not())), start };
  }

  #comparison(): Expression {
    const left = this.#additive();
    const operator = this.#comparisonOperator();
    if (operator) {
      const right = this.#additive();
      return binary(operator, beside(right, left), beside(left, right));
    }
    if (this.acceptWord('is')) {
      const not = this.acceptWord('not');
      this.word('null');
      const present: Expression = {
        kind: 'call',
        name: 'ispresent',
        args: [left],
        start: left.start,
        end: this.lexer.at,
      };
      return not ? present : negation(present);
    }
    const not = this.acceptWord('not');
    const found = this.#tested(left);
    if (found) return not ? negation(found) : found;
    if (not) throw this.unexpected(this.lexer.next, ['LIKE', 'IN', 'BETWEEN']);
    return left;
  }

  /** What may also follow `not`. */
  #tested(left: Expression): Expression | undefined {
    if (this.acceptWord('like')) return like(left, this.#additive(), 's');
    if (this.acceptWord('ilike')) return like(left, this.#additive(), 'is');
    if (this.acceptWord('rlike') || this.acceptWord('regexp')) {
      const { start } = this.lexer.next;
      const source = this.string();
      return binary('like', left, { kind: 'regex', source, start, end: this.lexer.at });
    }
    if (this.acceptWord('between')) {
      const least = beside(left, this.#additive());
      this.word('and');
      const most = beside(left, this.#additive());
      return binary('and', binary('>=', left, least), binary('<=', left, most));
    }
    if (!this.acceptWord('in')) return undefined;
    if (this.isQuery('([')) {
      const query = this.query();
      return { kind: 'in query', not: false, value: left, query, start: left.start, end: this.lexer.at };
    }
    this.symbol('(');
    const options = this.list(() => this.#additive());
    this.symbol(')');
    return { kind: 'in', not: false, value: left, options, start: left.start, end: this.lexer.at };
  }

  #comparisonOperator(): ComparisonOperator | undefined {
    const token = this.lexer.next;
    if (token.kind !== 'symbol' || !['=', '==', '!=', '<', '<=', '>', '>='].includes(token.text)) return undefined;
    this.lexer.take();
    if (token.text === '<' && this.isSymbol('>') && this.lexer.next.start === token.end) {
      this.lexer.take();
      return '!=';
    }
    return token.text === '==' ? '=' : (token.text as ComparisonOperator);
  }

  #additive(): Expression {
    let left = this.#multiplicative();
    for (let operator = this.#operator('+', '-'); operator; operator = this.#operator('+', '-')) {
      const right = this.#multiplicative();
      if (right.kind !== 'duration') left = binary(operator, left, right);
      else {
        const name = operator === '+' ? 'DATE_ADD' : 'DATE_SUB';
        left = { kind: 'call', name, args: [left, right], start: left.start, end: right.end };
      }
    }
    return left;
  }

  #multiplicative(): Expression {
    let left = this.#unary();
    for (let operator = this.#operator('*', '/', '%'); operator; operator = this.#operator('*', '/', '%')) {
      left = binary(operator, left, this.#unary());
    }
    return left;
  }

  #unary(): Expression {
    const { start } = this.lexer.next;
    if (!this.acceptSymbol('-')) return this.#primary();
    const operand = this.#nested(() => this.#unary());
    if (operand.kind === 'number') return { ...operand, value: -operand.value, start };
    return { kind: 'unary', operator: '-', operand, start, end: operand.end };
  }

  #primary(): Expression {
    const { next } = this.lexer;
    if (next.kind === 'string') {
      const value = this.string();
      return { kind: 'string', value, start: next.start, end: this.lexer.at };
    }
    const { start } = next;
    if (this.isQuery()) return { kind: 'query', query: this.query(), start, end: this.lexer.at };
    const token = this.lexer.take();
    if (token.kind === 'number') return { kind: 'number', value: token.value, start, end: token.end };
    if (token.kind === 'name') return this.#named(token);
    if (token.kind === 'symbol' && token.text === '(') {
      const inner = this.#nested(() => this.#or());
      this.symbol(')');
      return { ...inner, start, end: this.lexer.at };
    }
    throw this.unexpected(token, ['a field', 'a value', '(']);
  }

  #named(token: Token & { kind: 'name' }): Expression {
    const { start, end, text, quoted } = token;
    const word = text.toLowerCase();
    if (quoted) return { kind: 'field', name: text, start, end };
    if (word === 'exists') throw this.unfit(text.toUpperCase(), token);
    if (word === 'case') return this.#case(start);
    if (word === 'interval') return this.#interval(start);
    const isLikeFunction = ['like', 'regexp', 'rlike'].includes(word) && this.isSymbol('(');
    const isFunction = ['left', 'right'].includes(word) && this.isSymbol('(');
    if ((RESERVED.has(word) && !isLikeFunction) || (this.#dialect.reserved.has(word) && !isFunction)) {
      throw this.unexpected(token, ['a field', 'a value', '(']);
    }
    if (this.#dialect.name === 'SQL' && ['current_date', 'current_timestamp'].includes(word) && !this.isSymbol('(')) {
      return { kind: 'call', name: word.toUpperCase(), args: [], start, end };
    }
    if (this.acceptSymbol('(')) return this.#windowed(this.#call(token));
    if (word === 'true' || word === 'false') return { kind: 'boolean', value: word === 'true', start, end };
    return { kind: 'field', name: text.replace(/\[(\d+)\]/g, '.$1'), start, end };
  }

  /** After its opening parenthesis. */
  #call(token: Token & { kind: 'name' }): Expression {
    const { start, text } = token;
    const call = (name: string, args: Expression[]): Expression => {
      this.symbol(')');
      return { kind: 'call', name, args, start, end: this.lexer.at };
    };
    const argument = () => this.#nested(() => this.#or());
    switch (text.toLowerCase()) {
      case 'count':
        if (this.acceptSymbol('*') || this.isSymbol(')')) return call('count', []);
        return this.acceptWord('distinct') ? call('count_distinct', [argument()]) : call('count', [argument()]);
      case 'percentile':
      case 'percentile_approx': {
        const value = argument();
        this.symbol(',');
        const rank = this.lexer.take();
        const most = this.#dialect.percentiles;
        if (rank.kind !== 'number' || rank.value > most) throw this.unexpected(rank, [`a number from 0 to ${most}`]);
        const percent = Number(((rank.value * 100) / most).toPrecision(12));
        return call('pct', [value, { kind: 'number', value: percent, start: rank.start, end: rank.end }]);
      }
      case 'extract':
        return this.#extract(start);
      case 'timestampdiff':
      case 'timestampadd': {
        const at = { start: this.lexer.next.start, end: this.lexer.next.end };
        const unit: Expression = { kind: 'duration', count: 1, unit: this.#unit(), ...at };
        this.symbol(',');
        const value = argument();
        this.symbol(',');
        return call(text.toUpperCase(), [unit, value, argument()]);
      }
      case 'position': {
        const part = this.#additive();
        if (!this.acceptWord('in')) this.symbol(',');
        return call('LOCATE', [part, this.#additive()]);
      }
      case 'span':
        return this.#span(start);
      case 'date_trunc':
        return this.#dateTrunc(start);
      case 'cast':
        return this.#cast(start);
    }
    const found = (this.#dialect.name === 'SQL' ? findWindowFunction(text) : undefined) ?? findOpenSearchFunction(text);
    if (!found) throw this.unfit(`the function ${text}`, token);
    const args = this.isSymbol(')') ? [] : this.list(argument);
    this.symbol(')');
    const [least, most] = found.arity;
    if (args.length < least || args.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      throw this.fault(`Function ${text} takes ${wanted} arguments, not ${args.length}`, { start, end: this.lexer.at });
    }
    return found.build(args, { start, end: this.lexer.at });
  }

  /** `CASE WHEN a THEN b … ELSE c END`, `CASE x WHEN v THEN b … END`, and PPL's `case(a, b, … else c)`. */
  #case(start: number): Expression {
    const args: Expression[] = [];
    const condition = () => whereTrue(this.#nested(() => this.#or()));
    if (this.acceptSymbol('(')) {
      do {
        args.push(condition());
        this.symbol(',');
        args.push(this.#nested(() => this.#or()));
      } while (this.acceptSymbol(','));
      if (this.acceptWord('else')) args.push(this.#nested(() => this.#or()));
      this.symbol(')');
      return { kind: 'call', name: 'case', args, start, end: this.lexer.at };
    }
    const subject = this.isWord('when') ? undefined : this.#nested(() => this.#or());
    this.word('when');
    do {
      const when = condition();
      args.push(subject ? binary('=', subject, when) : when);
      this.word('then');
      args.push(this.#nested(() => this.#or()));
    } while (this.acceptWord('when'));
    if (this.acceptWord('else')) args.push(this.#nested(() => this.#or()));
    this.word('end');
    return { kind: 'call', name: 'case', args, start, end: this.lexer.at };
  }

  /** `INTERVAL 5 MINUTES`, `INTERVAL '1' DAY` */
  #interval(start: number): Expression {
    const token = this.lexer.take();
    const count = token.kind === 'number' ? token.value : token.kind === 'string' ? Number(token.value) : Number.NaN;
    if (!Number.isInteger(count)) throw this.unexpected(token, ['a whole number']);
    const unit = this.#unit();
    return { kind: 'duration', count, unit, start, end: this.lexer.at };
  }

  #unit(): DurationUnit {
    const token = this.lexer.next;
    const unit = DATE_UNITS[this.name().toLowerCase().replace(/s$/, '')];
    if (!unit) throw this.unexpected(token, Object.keys(DATE_UNITS));
    return unit;
  }

  /** `extract(year from t)` */
  #extract(start: number): Expression {
    const token = this.lexer.next;
    const part = this.name();
    const found = EXTRACTED.has(part.toLowerCase()) ? findOpenSearchFunction(part) : undefined;
    if (!found) throw this.unexpected(token, [...EXTRACTED]);
    this.word('from');
    const value = this.#additive();
    this.symbol(')');
    return found.build([value], { start, end: this.lexer.at });
  }

  /** `f(…) OVER (PARTITION BY … ORDER BY … ROWS …)` */
  #windowed(call: Expression): Expression {
    if (this.#dialect.name !== 'SQL' || !this.isWord('over') || call.kind !== 'call') return call;
    this.lexer.take();
    this.symbol('(');
    const by = (word: string) => {
      if (!this.acceptWord(word)) return false;
      this.word('by');
      return true;
    };
    const value = () => this.#nested(() => this.#additive());
    const partition = by('partition') ? this.list(value) : [];
    const order = by('order') ? this.list(() => this.sortKey(value())) : [];
    const frame = readFrame(this);
    this.symbol(')');
    const { start } = call;
    return { kind: 'over', call: call as Call, partition, order, ...(frame && { frame }), start, end: this.lexer.at };
  }

  /** What follows the expression that rows are ordered by. */
  sortKey(expression: Expression): SortKey {
    const descending = this.acceptWord('desc');
    if (!descending) this.acceptWord('asc');
    if (!this.acceptWord('nulls')) return { expression, descending };
    if (this.acceptWord('first')) return { expression, descending, missingFirst: true };
    this.word('last');
    return { expression, descending };
  }

  /** Whether a query in parentheses or brackets comes. */
  isQuery(brackets = this.#dialect.brackets): boolean {
    const { next, text } = this.lexer;
    if (next.kind !== 'symbol' || !brackets.includes(next.text)) return false;
    const { queries } = this.#dialect;
    queries.lastIndex = next.end;
    return queries.test(text);
  }

  query(): Query {
    const bracket = this.lexer.take();
    const query = this.#nested(() => this.#query());
    this.symbol(bracket.kind === 'symbol' && bracket.text === '[' ? ']' : ')');
    return query;
  }

  /** `span(field, 5m)` of times, `span(field, 10)` of numbers. */
  #span(start: number): Expression {
    const value = this.#additive();
    this.symbol(',');
    const token = this.lexer.take();
    this.symbol(')');
    const at = { start, end: this.lexer.at };
    if (token.kind === 'duration') {
      return { kind: 'call', name: 'bin', args: [value, { ...token, kind: 'duration' }], ...at };
    }
    if (token.kind !== 'number' || token.value === 0) throw this.unexpected(token, ['a duration', 'a number']);
    const width: Expression = { kind: 'number', value: token.value, start: token.start, end: token.end };
    const whole: Expression = { kind: 'call', name: 'floor', args: [binary('/', value, width)], ...at };
    return binary('*', whole, width, at);
  }

  #dateTrunc(start: number): Expression {
    const unitAt = this.lexer.next;
    const word = this.string().toLowerCase();
    const unit = DATE_UNITS[word];
    if (!unit) throw this.fault(`Invalid unit: ${word}`, unitAt, Object.keys(DATE_UNITS));
    this.symbol(',');
    const value = this.#additive();
    this.symbol(')');
    const duration: Expression = { kind: 'duration', count: 1, unit, start: unitAt.start, end: unitAt.end };
    const at = { start, end: this.lexer.at };
    const isTime = value.kind === 'field' && value.name === '@timestamp';
    const time: Expression = isTime ? value : { kind: 'call', name: 'TO_TIMESTAMP', args: [value], ...at };
    return { kind: 'call', name: 'bin', args: [time, duration], ...at };
  }

  /** Fields have no type: a cast makes a number or a text of what follows. */
  #cast(start: number): Expression {
    const value = this.#nested(() => this.#or());
    this.word('as');
    const type = this.lexer.next;
    const name = this.name().toLowerCase();
    this.symbol(')');
    const at = { start, end: this.lexer.at };
    if (name === 'double' || name === 'float') {
      return binary('+', value, { kind: 'number', value: 0, start: type.start, end: type.end }, at);
    }
    if (name === 'string' || name === 'varchar') return { kind: 'call', name: 'concat', args: [value], ...at };
    if (['int', 'integer', 'smallint', 'tinyint', 'bigint', 'long'].includes(name)) {
      return { kind: 'call', name: name === 'bigint' || name === 'long' ? 'toLong' : 'toInt', args: [value], ...at };
    }
    if (name === 'timestamp') return { kind: 'call', name: 'TO_TIMESTAMP', args: [value], ...at };
    if (name === 'date') return { kind: 'call', name: 'TO_DATE', args: [value], ...at };
    if (name === 'boolean') return { kind: 'call', name: 'BOOLEAN', args: [value], ...at };
    throw this.unfit(`CAST to ${name}`, type);
  }

  #operator<Operator extends ArithmeticOperator>(...operators: Operator[]): Operator | undefined {
    return operators.find((operator) => this.acceptSymbol(operator));
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > DEEPEST) throw this.fault('The query is nested too deeply', this.lexer.next);
    const result = parse();
    this.#depth--;
    return result;
  }

  #check(node: Expression, allowed: boolean): void {
    let inside = allowed;
    if (node.kind === 'over') {
      if (!allowed) throw this.fault('A window function is not allowed here', node);
      for (const child of children(node)) this.#check(child, true);
      return;
    }
    if (node.kind === 'call' && WINDOW_ALONE.has(node.name)) {
      throw this.fault(`${node.name} needs OVER (…)`, node);
    }
    if (node.kind === 'call' && isAggregate(node.name)) {
      if (!allowed) throw this.fault(`Aggregation function ${node.name} is not allowed here`, node);
      inside = false;
    }
    for (const child of children(node)) this.#check(child, inside);
  }

  // ---- words ----

  list<T>(parse: () => T): T[] {
    const items = [parse()];
    while (this.acceptSymbol(',')) items.push(parse());
    return items;
  }

  isWord(word: string): boolean {
    const { next } = this.lexer;
    return next.kind === 'name' && !next.quoted && next.text.toLowerCase() === word;
  }

  acceptWord(word: string): boolean {
    const found = this.isWord(word);
    if (found) this.lexer.take();
    return found;
  }

  word(word: string): void {
    if (!this.acceptWord(word)) throw this.unexpected(this.lexer.next, [word.toUpperCase()]);
  }

  isSymbol(symbol: string): boolean {
    const { next } = this.lexer;
    return next.kind === 'symbol' && next.text === symbol;
  }

  acceptSymbol(symbol: string): boolean {
    const found = this.isSymbol(symbol);
    if (found) this.lexer.take();
    return found;
  }

  symbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected(this.lexer.next, [symbol]);
  }

  name(): string {
    const token = this.lexer.take();
    if (token.kind !== 'name') throw this.unexpected(token, ['a name']);
    return token.quoted ? token.text : token.text.replace(/\[(\d+)\]/g, '.$1');
  }

  field(): Expression & { kind: 'field' } {
    const { start } = this.lexer.next;
    const name = this.name();
    return { kind: 'field', name, start, end: this.lexer.at };
  }

  /** A quote inside may be doubled. */
  string(): string {
    const token = this.lexer.take();
    if (token.kind !== 'string') throw this.unexpected(token, ['a string']);
    let { value } = token;
    const quote = this.lexer.text[token.start]!;
    while (this.lexer.text[this.lexer.at] === quote) {
      const next = this.lexer.take();
      if (next.kind === 'string') value += quote + next.value;
    }
    return value;
  }

  /** How many rows, at most what a query may give. */
  rowCount(): number {
    const token = this.lexer.take();
    if (token.kind === 'number' && Number.isInteger(token.value) && token.value >= 1 && token.value <= MOST_ROWS) {
      return token.value;
    }
    throw this.unexpected(token, [`a whole number from 1 to ${MOST_ROWS}`]);
  }

  // ---- faults ----

  unexpected(token: Token, expected: readonly string[]): QuerySyntaxError {
    return unexpectedSymbol(this.lexer.text, token, expected);
  }

  /** What the language has and Brume does not run. */
  unfit(what: string, at: Span = this.lexer.next): QuerySyntaxError {
    return this.fault(`Brume does not run ${what} of ${this.#dialect.name}`, at);
  }

  fault(message: string, span: Span, expected: readonly string[] = []): QuerySyntaxError {
    return faultIn(this.lexer.text, message, span, expected);
  }
}

const DATE_UNITS: Record<string, DurationUnit> = {
  second: 's',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'mo',
  quarter: 'q',
  year: 'y',
};

const EXTRACTED = new Set('year quarter month week day dayofweek dayofyear hour minute second'.split(' '));

/** A text beside an event's time is a time, however it is written. */
function beside(other: Expression, value: Expression): Expression {
  const isTime = other.kind === 'field' && /(?:^|\.)@(?:timestamp|ingestionTime)$/.test(other.name);
  if (!isTime || value.kind !== 'string') return value;
  return { kind: 'call', name: 'TO_TIMESTAMP', args: [value], start: value.start, end: value.end };
}

/** Spaces in their place, so that offsets stay. */
function withoutComments(text: string): string {
  const pieces = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(pieces, (piece) => (/^(--|\/\*)/.test(piece) ? piece.replace(/[^\n]/g, ' ') : piece));
}
