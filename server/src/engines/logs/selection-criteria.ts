// Selection criteria: which log groups an account policy applies to, or which events (by account and region) a filter
// does. text -> tree -> answer.   LogGroupName NOT IN ["a", "b"]      @aws.region = "us-east-1" AND @aws.account IN [...]
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html

export type SelectionCriteria =
  | { kind: 'and' | 'or'; terms: SelectionCriteria[] }
  | { kind: 'in' | 'notIn'; field: string; values: string[] };

export class SelectionCriteriaError extends Error {
  /** Offset of the fault. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message} at position ${position + 1}`);
    this.name = 'SelectionCriteriaError';
    this.position = position;
  }
}

const TOKEN = /\s*(?:(?<word>[@\w][\w.@-]*)|"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<sign>!=|==|[=()[\],]))/y;
/** Parentheses inside one another. */
const DEEPEST = 50;

interface Token {
  kind: 'word' | 'text' | 'sign' | 'end';
  text: string;
  position: number;
}

/** AND binds tighter than OR. Throws SelectionCriteriaError. */
export function parseSelectionCriteria(text: string): SelectionCriteria {
  const parser = new Parser(tokenize(text));
  const criteria = parser.or(0);
  parser.end();
  return criteria;
}

/** What a field that is not among them has: no value, so only `!=` and NOT IN hold for it. */
export function evaluateSelection(criteria: SelectionCriteria, fields: Readonly<Record<string, string>>): boolean {
  return holds(criteria, (field, value) => fields[field] === value);
}

/** Of account policies: by the group's name, what it begins with, or the data source that its tags name. */
export function groupsSelected(
  criteria: SelectionCriteria,
  { name, document: { tags } }: { name: string; document: { tags: Readonly<Record<string, string>> } },
): boolean {
  return holds(criteria, (field, value) => {
    switch (field) {
      case 'LogGroupName':
        return name === value;
      case 'LogGroupNamePrefix':
        return name.startsWith(value);
      case 'DataSourceName':
        return tags['cw:datasource:name'] === value;
      default:
        return tags['cw:datasource:type'] === value;
    }
  });
}

function holds(criteria: SelectionCriteria, has: (field: string, value: string) => boolean): boolean {
  switch (criteria.kind) {
    case 'and':
      return criteria.terms.every((term) => holds(term, has));
    case 'or':
      return criteria.terms.some((term) => holds(term, has));
    default: {
      const among = criteria.values.some((value) => has(criteria.field, value));
      return criteria.kind === 'in' ? among : !among;
    }
  }
}

/** Of filters: whether their criteria, if any, let in events of this account and region. */
export function selectsScope(criteria: string | undefined, scope: { account: string; region: string }): boolean {
  if (!criteria) return true;
  const fields = { '@aws.account': scope.account, '@aws.region': scope.region };
  return evaluateSelection(parseSelectionCriteria(criteria), fields);
}

/** The names of the fields that the criteria look at. */
export function selectedFields(criteria: SelectionCriteria): string[] {
  return 'field' in criteria ? [criteria.field] : criteria.terms.flatMap(selectedFields);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const end = text.trimEnd().length;
  while (position < end) {
    TOKEN.lastIndex = position;
    const { groups, 0: all } = TOKEN.exec(text) ?? {};
    const start = position + /^\s*/.exec(text.slice(position))![0].length;
    if (!groups || all === undefined) throw new SelectionCriteriaError(`unexpected '${text[start]}'`, start);
    const { word, double, single, sign } = groups;
    if (word !== undefined) tokens.push({ kind: 'word', text: word, position: start });
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, position: start });
    else tokens.push({ kind: 'text', text: (double ?? single)!, position: start });
    position += all.length;
  }
  tokens.push({ kind: 'end', text: '', position: text.length });
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  or(depth: number): SelectionCriteria {
    return this.#sequence('or', 'OR', () => this.#sequence('and', 'AND', () => this.#term(depth)));
  }

  end(): void {
    if (this.#peek().kind !== 'end') this.#fail('expected AND, OR or the end');
  }

  #sequence(kind: 'and' | 'or', operator: string, parse: () => SelectionCriteria): SelectionCriteria {
    const terms = [parse()];
    while (this.#takeWord(operator)) terms.push(parse());
    return terms.length === 1 ? terms[0]! : { kind, terms };
  }

  #term(depth: number): SelectionCriteria {
    if (this.#takeSign('(')) {
      if (depth >= DEEPEST) this.#fail('too many parentheses inside one another');
      const inner = this.or(depth + 1);
      if (!this.#takeSign(')')) this.#fail("expected ')'");
      return inner;
    }
    const { kind, text: field } = this.#peek();
    if (kind !== 'word') this.#fail('expected a field');
    this.#next++;
    if (this.#takeSign('=') || this.#takeSign('==')) return { kind: 'in', field, values: [this.#value()] };
    if (this.#takeSign('!=')) return { kind: 'notIn', field, values: [this.#value()] };
    const negated = this.#takeWord('NOT');
    if (!this.#takeWord('IN')) this.#fail(negated ? 'expected IN' : 'expected =, !=, IN or NOT IN');
    return { kind: negated ? 'notIn' : 'in', field, values: this.#list() };
  }

  #list(): string[] {
    if (!this.#takeSign('[')) this.#fail("expected '['");
    const values: string[] = [];
    if (this.#takeSign(']')) return values;
    do values.push(this.#value());
    while (this.#takeSign(','));
    if (!this.#takeSign(']')) this.#fail("expected ',' or ']'");
    return values;
  }

  #value(): string {
    const { kind, text } = this.#peek();
    if (kind !== 'text') this.#fail('expected a value in quotes');
    this.#next++;
    return text;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #takeWord(word: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== 'word' || text.toUpperCase() !== word) return false;
    this.#next++;
    return true;
  }

  #takeSign(sign: string): boolean {
    const { kind, text } = this.#peek();
    if (kind !== 'sign' || text !== sign) return false;
    this.#next++;
    return true;
  }

  #fail(message: string): never {
    throw new SelectionCriteriaError(message, this.#peek().position);
  }
}
