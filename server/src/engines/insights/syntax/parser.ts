// Text -> tree, by recursive descent.

import { COUNTS, findFunction, isAggregate } from './functions.ts';
import { Lexer, type Token } from './lexer.ts';
import { faultIn, type QuerySyntaxError, unexpectedSymbol } from './query-syntax-error.ts';
import { namedGroups } from './regex-groups.ts';
import type {
  BinaryOperator,
  Command,
  Duration,
  Expression,
  Item,
  JoinKey,
  LookupKey,
  ParsePattern,
  Query,
  SortKey,
  SourceCommand,
  Span,
  TagCondition,
  TimePoint,
} from './tree.ts';

/** Nested deeper than this a query is refused, so that no text exhausts the stack. */
const DEEPEST = 100;
const COMMANDS = [
  'accum',
  'addtotals',
  'anomaly',
  'appendcols',
  'autoregress',
  'cidrlookup',
  'countFrequent',
  'dedup',
  'diff',
  'display',
  'estimate',
  'expand',
  'fields',
  'filldown',
  'fillmissing',
  'filter',
  'filterIndex',
  'join',
  'json',
  'limit',
  'logcompare',
  'lookup',
  'outlier',
  'parse',
  'pattern',
  'relevantfields',
  'sessionize',
  'sort',
  'stats',
  'unmask',
  'unnest',
  'where',
] as const;
/** Other names of commands. */
const ALIASES: Record<string, (typeof COMMANDS)[number]> = { head: 'limit', count_frequent: 'countFrequent' };
const RESERVED = new Set(['and', 'or', 'not', 'like', 'in', 'as', 'by']);
const COMPARISONS = new Set(['=', '==', '!=', '<', '<=', '>', '>=']);
/** AWS lets no other command follow. */
const AFTER_DEDUP: ReadonlySet<string> = new Set(['limit', 'estimate']);
const MOST_LIMIT = 100_000;
/** Of a SOURCE. */
const MOST_PREFIXES = 5;
const MOST_ACCOUNTS = 20;
const MOST_DATA_SOURCES = 10;
const MOST_TAGS = 5;
const MOST_LAGS = 100;
/** A time below it counts seconds, not milliseconds. */
const SECONDS_BELOW = 100_000_000_000;
const DEFAULT_GAP: Duration = { count: 30, unit: 'm' };
const DEFAULT_FACTOR = 2.5;
const MOST_APPENDED = 100_000;
const DEFAULT_APPENDED = 10_000;

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
    for (let isAfterDedup = false; ; ) {
      const token = this.#lexer.next;
      const command = this.#command();
      const isLast = isAtEnd();
      if (isAfterDedup && !AFTER_DEDUP.has(command.kind)) throw this.#unexpected(token, [...AFTER_DEDUP]);
      if (command.kind === 'estimate' && (!isLast || this.#isInSubquery)) {
        throw this.#fault('estimate must be the last command', token);
      }
      query.commands.push(command);
      if (isLast) return query;
      this.#symbol('|');
      isAfterDedup ||= command.kind === 'dedup';
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
    const name = COMMANDS.find((command) => command.toLowerCase() === word) ?? ALIASES[word];
    if (name === undefined) throw this.#unexpected(token, [...COMMANDS, 'SOURCE']);
    this.#lexer.take();
    const command = this.#rest(name);
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
      case 'where':
        return { kind: 'filter', condition: this.#checked(this.#expression(), false) };
      case 'stats':
        return this.#stats();
      case 'sort':
        return { kind: name, keys: this.#list(() => this.#sortKey()) };
      case 'limit':
        return this.#limit();
      case 'parse':
        return this.#parse();
      case 'dedup':
        return { kind: name, fields: this.#list(() => this.#checked(this.#expression(), false)) };
      case 'unmask':
        return this.#unmask();
      case 'json':
        return this.#json();
      case 'expand':
        return { kind: name, field: this.#name() };
      case 'accum': {
        const field = this.#name();
        return { kind: name, field, into: this.#alias() ?? field };
      }
      case 'autoregress':
        return this.#autoregress();
      case 'filldown': {
        const fields: string[] = [];
        while (this.#lexer.next.kind === 'name' || this.#isSymbol('*')) {
          fields.push(this.#wildcard());
          if (this.#isSymbol(',')) this.#lexer.take();
        }
        return { kind: name, fields };
      }
      case 'fillmissing':
        return this.#fillmissing();
      case 'sessionize':
        return this.#sessionize();
      case 'outlier':
        return this.#outlier();
      case 'addtotals':
        return this.#addtotals();
      case 'countFrequent':
        return { kind: name, fields: this.#list(() => this.#checked(this.#expression(), false)) };
      case 'appendcols':
        return this.#appendcols();
      case 'cidrlookup':
        return this.#cidrlookup();
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
      case 'estimate':
        return { kind: name };
      case 'logcompare':
        this.#word('timeshift');
        return { kind: name, shift: this.#duration() };
      case 'relevantfields': {
        const fields = this.#isWord('where') ? [] : this.#list(() => this.#name());
        this.#word('where');
        return { kind: name, fields, condition: this.#checked(this.#expression(), false) };
      }
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
    if (!this.#isWord('offset')) return { kind: 'stats', aggregates, by };
    this.#lexer.take();
    return { kind: 'stats', aggregates, by, offset: this.#duration() };
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

  #limit() {
    const any = this.#isWord('any');
    if (any) this.#lexer.take();
    return { kind: 'limit', count: this.#count(1, MOST_LIMIT, 'limit'), ...(any && { any: true as const }) };
  }

  /** A whole number of this range. */
  #count(least: number, most: number, of: string): number {
    const token = this.#lexer.take();
    if (token.kind !== 'number' || !Number.isInteger(token.value)) throw this.#unexpected(token, ['a whole number']);
    if (token.value < least || token.value > most) {
      throw this.#fault(`${of} must be between ${least} and ${most}`, token, ['a whole number']);
    }
    return token.value;
  }

  /** `unmask(@message)` or `unmask @message`: as the function in fields. */
  #unmask() {
    const fields = this.#list(() => this.#checked(this.#expression(), false));
    const items = fields.map((field): Item => {
      const { start, end } = field;
      const text = this.#lexer.text.slice(start, end);
      const expression: Expression = { kind: 'call', name: 'unmask', args: [field], start, end };
      return { expression, name: `unmask${text.startsWith('(') ? text : `(${text})`}`, start, end };
    });
    return { kind: 'fields', items };
  }

  /** `json field=payload "user.name" as user` */
  #json() {
    this.#word('field');
    this.#symbol('=');
    const field = this.#name();
    const path = this.#string();
    this.#word('as');
    return { kind: 'json', field, path, into: this.#name() };
  }

  /** `autoregress bytes as before p=1-4` */
  #autoregress() {
    const field = this.#name();
    const alias = this.#alias();
    let [first, last] = [1, 1];
    if (this.#isWord('p')) {
      this.#lexer.take();
      this.#symbol('=');
      first = last = this.#count(1, MOST_LAGS, 'p');
      if (this.#oneOf('-')) last = this.#count(first, MOST_LAGS, 'p');
    }
    return { kind: 'autoregress', field, ...(alias !== undefined && { alias }), first, last };
  }

  #fillmissing() {
    if (!this.#isWord('with')) return { kind: 'fillmissing', values: [] };
    this.#lexer.take();
    const values = this.#list(() => {
      const value = this.#checked(this.#additive(), false);
      this.#word('for');
      return { value, field: this.#name() };
    });
    return { kind: 'fillmissing', values };
  }

  /** `sessionize user, device maxspan 1h as session` */
  #sessionize() {
    const fields = this.#list(() => this.#checked(this.#additive(), false));
    let gap = DEFAULT_GAP;
    if (this.#isWord('maxspan')) {
      this.#lexer.take();
      gap = this.#duration();
    }
    return { kind: 'sessionize', fields, gap, into: this.#alias() ?? 'session_id' };
  }

  /** `outlier action=remove param=3 uselower=true mark=true cpu memory` */
  #outlier() {
    const fields: string[] = [];
    const options = this.#options(
      { action: ['remove', 'transform'], param: 'number', uselower: 'boolean', mark: 'boolean' },
      (name) => fields.push(name),
    );
    if (fields.length === 0) throw this.#unexpected(this.#lexer.next, ['a field']);
    const { action = 'transform', param: factor = DEFAULT_FACTOR, uselower: lower = false, mark = false } = options;
    return { kind: 'outlier', action, factor, lower, mark, fields };
  }

  /** `addtotals fieldname=Sum row=true col=true price, tax` */
  #addtotals() {
    const fields: string[] = [];
    const options = this.#options({ fieldname: 'name', row: 'boolean', col: 'boolean' }, (name) => fields.push(name));
    const { fieldname: name = 'Total', row = true, col: column = false } = options;
    return { kind: 'addtotals', name, row, column, fields };
  }

  /** `appendcols override=true max=100 (SOURCE "group" | …)` */
  #appendcols() {
    const start = this.#lexer.next;
    const { override = false, max: most = DEFAULT_APPENDED } = this.#options({ override: 'boolean', max: 'number' });
    if (!Number.isInteger(most) || (most as number) < 1 || (most as number) > MOST_APPENDED) {
      throw this.#fault(`max must be between 1 and ${MOST_APPENDED}`, start, ['a whole number']);
    }
    return { kind: 'appendcols', override, most, query: this.#subquery() };
  }

  /** `cidrlookup table ip as column output region, owner` */
  #cidrlookup() {
    const table = this.#name();
    const field = this.#field();
    const column = this.#alias();
    const onlyMissing = this.#isWord('outputnew');
    if (onlyMissing) this.#lexer.take();
    else this.#word('output');
    const outputs = this.#items(false);
    return { kind: 'cidrlookup', table, field, ...(column !== undefined && { column }), outputs, onlyMissing };
  }

  /** `name=value` in any order; a name without a value is given to `onName`. */
  #options(
    known: Record<string, 'boolean' | 'number' | 'name' | readonly string[]>,
    onName?: (name: string) => void,
  ): Record<string, string | number | boolean> {
    const options: Record<string, string | number | boolean> = {};
    while (this.#lexer.next.kind === 'name') {
      const token = this.#lexer.next;
      const name = this.#name();
      if (!this.#isSymbol('=')) {
        if (!onName)
          throw this.#unexpected(
            token,
            Object.keys(known).map((option) => `${option}=`),
          );
        onName(name);
        if (this.#isSymbol(',')) this.#lexer.take();
        continue;
      }
      this.#lexer.take();
      const kind = known[name.toLowerCase()];
      if (kind === undefined)
        throw this.#unexpected(
          token,
          Object.keys(known).map((option) => `${option}=`),
        );
      options[name.toLowerCase()] = this.#optionValue(kind);
    }
    return options;
  }

  #optionValue(kind: 'boolean' | 'number' | 'name' | readonly string[]): string | number | boolean {
    const token = this.#lexer.next;
    if (kind === 'number') {
      if (token.kind !== 'number') throw this.#unexpected(token, ['a number']);
      this.#lexer.take();
      return token.value;
    }
    const word = token.kind === 'string' ? this.#string() : this.#name();
    if (kind === 'name') return word;
    const allowed = kind === 'boolean' ? ['true', 'false'] : [...kind];
    if (!allowed.includes(word.toLowerCase())) throw this.#unexpected(token, allowed);
    return kind === 'boolean' ? word.toLowerCase() === 'true' : word.toLowerCase();
  }

  /** A name with stars in it. */
  #wildcard(): string {
    let name = '';
    do name += this.#isSymbol('*') ? this.#lexer.take() && '*' : this.#name();
    while (this.#lexer.next.start === this.#lexer.at && (this.#lexer.next.kind === 'name' || this.#isSymbol('*')));
    return name;
  }

  #alias(): string | undefined {
    if (!this.#isWord('as')) return undefined;
    this.#lexer.take();
    return this.#name();
  }

  #duration(): Duration {
    const token = this.#lexer.take();
    if (token.kind !== 'duration') throw this.#unexpected(token, ['a period such as 1h']);
    return { count: token.count, unit: token.unit };
  }

  #parse() {
    // A division would begin like a regular expression, so no operator stands in the input.
    const { start } = this.#lexer.next;
    const message: Expression = { kind: 'field', name: '@message', start, end: start };
    if (this.#lexer.text[start] === '/' || this.#lexer.next.kind === 'string') {
      return { kind: 'parse', input: message, pattern: this.#parsePattern() };
    }
    const input = this.#checked(this.#primary(), false);
    // `parse logfmt as lf`: the format, and not a field of that name.
    if (input.kind === 'field' && this.#isWord('as') && isFormat(input.name)) {
      return { kind: 'parse', input: message, pattern: this.#formatPattern(input.name) };
    }
    return { kind: 'parse', input, pattern: this.#parsePattern() };
  }

  #parsePattern(): ParsePattern {
    const regex = this.#lexer.regex();
    if (regex) return this.#regexPattern(regex);
    const token = this.#lexer.take();
    if (token.kind === 'name' && isFormat(token.text)) return this.#formatPattern(token.text);
    if (token.kind !== 'string') throw this.#unexpected(token, ['a string', 'a regular expression', 'logfmt', 'csv']);
    const stars = token.value.split('*').length - 1;
    if (stars === 0) throw this.#fault('parse needs a * in its pattern', token, ['*']);
    this.#word('as');
    const names = this.#list(() => this.#name());
    if (names.length !== stars) {
      throw this.#fault(`the pattern has ${stars} * and ${names.length} names`, token, [`${stars} names`]);
    }
    return { kind: 'glob', text: token.value, names };
  }

  #formatPattern(format: string): ParsePattern {
    this.#word('as');
    if (format.toLowerCase() === 'logfmt') return { kind: 'logfmt', into: this.#name() };
    return { kind: 'csv', names: this.#list(() => this.#name()) };
  }

  #regexPattern(regex: Token & { kind: 'regex' }): ParsePattern {
    const { source } = regex;
    let names = namedGroups(source);
    const byPosition = names.length === 0 && this.#isWord('as');
    if (byPosition) {
      this.#lexer.take();
      names = this.#list(() => this.#name());
      const groups = source.replace(/\\.|\[(?:\\.|[^\]])*\]/g, '').match(/\((?!\?)/g)?.length ?? 0;
      if (groups !== names.length)
        throw this.#fault(`the pattern has ${groups} groups and ${names.length} names`, regex);
    } else if (names.length === 0) throw this.#fault('parse needs a named group: (?<name>…)', regex, ['(?<name>…)']);
    else if (this.#isWord('as')) {
      // Named twice, as AWS's own sample has it.
      this.#lexer.take();
      this.#list(() => this.#name());
    }
    const multi = this.#isWord('multi');
    if (multi) this.#lexer.take();
    return { kind: 'regex', source, names, ...(byPosition && { byPosition }), ...(multi && { multi }) };
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

  /** `SOURCE logGroups(namePrefix: ["a"], class: "STANDARD") dataSource(["a.b"])`, or names and ARNs. */
  #source(): SourceCommand {
    const { start } = this.#lexer.take();
    const source: SourceCommand = { kind: 'source', groups: [], namePrefixes: [], accountIds: [], start, end: start };
    const isSelector = () => ['loggroups', 'loggrouptags', 'datasource'].some((word) => this.#isWord(word));
    if (!isSelector()) source.groups = this.#isSymbol('[') ? this.#strings() : this.#list(() => this.#groupName());
    while (isSelector()) {
      const selector = this.#name().toLowerCase();
      this.#symbol('(');
      if (selector === 'datasource') source.dataSources = this.#strings(MOST_DATA_SOURCES);
      else if (selector === 'loggrouptags') source.tags = this.#tags();
      else if (!this.#isSymbol(')')) this.#list(() => this.#groupOption(source));
      this.#symbol(')');
    }
    return this.#sourceTime(source);
  }

  #groupOption(source: SourceCommand): void {
    const token = this.#lexer.next;
    const option = this.#name().toLowerCase();
    this.#symbol(':');
    if (option === 'nameprefix') source.namePrefixes = this.#strings(MOST_PREFIXES);
    else if (option === 'class' || option === 'loggroupclass') source.class = this.#strings()[0]!;
    else if (option === 'accountidentifiers' || option === 'accountidentifier') {
      source.accountIds = this.#strings(MOST_ACCOUNTS);
    } else throw this.#unexpected(token, ['namePrefix', 'class', 'accountIdentifiers']);
  }

  /** `[{key: "team", values: ["a", "b*"]}, {"key": "stage"}]` */
  #tags(): TagCondition[] {
    const { start } = this.#lexer.next;
    this.#symbol('[');
    const tags = this.#list(() => {
      const tag: TagCondition = { key: '', values: [] };
      const token = this.#lexer.next;
      this.#symbol('{');
      this.#list(() => {
        const member = this.#lexer.next;
        const name = this.#groupName();
        this.#symbol(':');
        if (name === 'key') tag.key = this.#string();
        else if (name === 'values') tag.values = this.#strings(MOST_TAGS);
        else throw this.#unexpected(member, ['key', 'values']);
      });
      this.#symbol('}');
      if (tag.key === '') throw this.#fault('A tag needs a key', token, ['key']);
      return tag;
    });
    this.#symbol(']');
    if (tags.length > MOST_TAGS)
      throw this.#fault(`The list has more than ${MOST_TAGS} elements`, { start, end: this.#lexer.at });
    return tags;
  }

  /** `start=-1d end=now` */
  #sourceTime(source: SourceCommand): SourceCommand {
    for (const [word, side] of [
      ['start', 'from'],
      ['end', 'to'],
    ] as const) {
      if (!this.#isWord(word)) continue;
      this.#lexer.take();
      this.#symbol('=');
      source[side] = this.#timePoint();
    }
    return { ...source, end: this.#lexer.at };
  }

  #timePoint(): TimePoint {
    if (this.#isWord('now')) {
      this.#lexer.take();
      return { kind: 'ago', count: 0, unit: 's' };
    }
    const isAgo = this.#oneOf('-') !== undefined;
    const token = this.#lexer.take();
    if (token.kind === 'duration' && (isAgo || token.count === 0)) {
      return { kind: 'ago', count: token.count, unit: token.unit };
    }
    if (token.kind !== 'number' || isAgo) throw this.#unexpected(token, ['now', '-1h', 'seconds since 1970']);
    return { kind: 'epoch', ms: token.value < SECONDS_BELOW ? token.value * 1_000 : token.value };
  }

  #groupName(): string {
    const token = this.#lexer.next;
    return token.kind === 'name' ? this.#name() : this.#string();
  }

  #strings(most = Number.POSITIVE_INFINITY): string[] {
    if (!this.#isSymbol('[')) return [this.#string()];
    const { start } = this.#lexer.take();
    const strings = this.#list(() => this.#string());
    this.#symbol(']');
    if (strings.length > most)
      throw this.#fault(`The list has more than ${most} elements`, { start, end: this.#lexer.at });
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
    if (COUNTS.has(shape.name) && this.#oneOf('*')) args = [];
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
      if (node.kind === 'call' && isAggregate(node.name)) {
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
    return unexpectedSymbol(this.#lexer.text, token, expected);
  }

  #fault(message: string, span: Span, expected: string[] = []): QuerySyntaxError {
    return faultIn(this.#lexer.text, message, span, expected);
  }
}

function isFormat(word: string): boolean {
  return ['logfmt', 'csv'].includes(word.toLowerCase());
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
  if (expression.kind === 'call' && isAggregate(expression.name)) return true;
  return children(expression).some(hasAggregate);
}

export function hasWindow(expression: Expression): boolean {
  return expression.kind === 'over' || children(expression).some(hasWindow);
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
    case 'over':
      return [...expression.call.args, ...expression.partition, ...expression.order.map((key) => key.expression)];
    case 'call':
      return expression.args;
    default:
      return [];
  }
}
