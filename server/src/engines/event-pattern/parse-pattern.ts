// Text -> tokens -> ObjectPattern, with the checks and the words of AWS's own compiler.

import { type JsonToken, PatternError, type Place, tokenizeJson } from './json-tokens.ts';
import type { FieldPattern, ObjectPattern, ValuesTest } from './pattern.ts';
import {
  endingWith,
  equalIgnoringCase,
  equalTo,
  inBlock,
  type NumericRange,
  noneOf,
  oneOf,
  type Scalar,
  startingWith,
  type ValueMatcher,
  wildcard,
  within,
} from './value-matcher.ts';

const OR = '$or';
/** Names that only operators have: an alternative of `$or` with such a field is no alternative. */
const RESERVED = new Set([
  'exists',
  'equals-ignore-case',
  'prefix',
  'suffix',
  'anything-but',
  'numeric',
  'cidr',
  'wildcard',
]);

export function parsePattern(text: string): ObjectPattern {
  const parser = new Parser(tokenizeJson(text));
  if (parser.peek().kind !== '{') throw new PatternError('Filter is not an object', parser.peek().lazyPlace);
  const pattern = parser.object();
  if (pattern.fields.length === 0 && pattern.alternatives.length === 0) {
    throw new PatternError('Empty objects are not allowed', parser.last.place);
  }
  return pattern;
}

class Parser {
  readonly #tokens: JsonToken[];
  #at = 0;

  constructor(tokens: JsonToken[]) {
    this.#tokens = tokens;
  }

  get last(): JsonToken {
    return this.#tokens.at(-1)!;
  }

  peek(): JsonToken {
    return this.#tokens[this.#at]!;
  }

  next(): JsonToken {
    return this.#tokens[this.#at++]!;
  }

  object(): ObjectPattern {
    this.next();
    const pattern: ObjectPattern = { fields: [], alternatives: [] };
    for (let token = this.next(); token.kind === 'field'; token = this.next()) {
      const opening = this.peek();
      if (token.text === OR && opening.kind === '[' && this.#startsAlternatives()) {
        pattern.alternatives.push(this.#alternatives());
      } else if (opening.kind === '{') {
        pattern.fields.push(this.#nested(token.text));
      } else if (opening.kind === '[') {
        pattern.fields.push({ name: token.text, kind: 'values', test: this.#values() });
      } else {
        throw new PatternError(`"${token.text}" must be an object or an array`, opening.lazyPlace);
      }
    }
    return pattern;
  }

  #nested(name: string): FieldPattern {
    const pattern = this.object();
    if (pattern.fields.length === 0 && pattern.alternatives.length === 0) {
      throw new PatternError('Empty objects are not allowed', this.#tokens[this.#at - 1]!.place);
    }
    return { name, kind: 'object', pattern };
  }

  /** `$or` relates when it lists two objects or more, none with an operator's name; otherwise it is a field like any. */
  #startsAlternatives(): boolean {
    let depth = 0;
    let objects = 0;
    for (let at = this.#at; ; at++) {
      const token = this.#tokens[at]!;
      if (token.kind === ']' && depth === 1) return objects >= 2;
      if (depth === 1) {
        if (token.kind !== '{' || this.#tokens[at + 1]!.kind === '}') return false;
        objects++;
      }
      if (depth === 2 && token.kind === 'field' && RESERVED.has(token.text)) return false;
      if (token.kind === '{' || token.kind === '[') depth++;
      if (token.kind === '}' || token.kind === ']') depth--;
    }
  }

  #alternatives(): ObjectPattern[] {
    this.next();
    const alternatives: ObjectPattern[] = [];
    while (this.peek().kind === '{') alternatives.push(this.object());
    this.next();
    return alternatives;
  }

  #values(): ValuesTest {
    this.next();
    const test: ValuesTest = { count: 0, matchers: [], present: false, absent: false };
    const literals: Scalar[] = [];
    for (let token = this.next(); token.kind !== ']'; token = this.next()) {
      test.count++;
      if (token.kind === '{') this.#expression(test);
      else if (token.kind === '[') {
        throw new PatternError('Match value must be String, number, true, false, or null', token.place);
      } else literals.push(scalarOf(token));
    }
    if (test.count === 0) throw new PatternError('Empty arrays are not allowed', this.#tokens[this.#at - 1]!.place);
    if (literals.length > 0) test.matchers.unshift(oneOf(literals));
    return test;
  }

  /** `{"operator": …}`; the brace is read. */
  #expression(test: ValuesTest): void {
    const name = this.next();
    if (name.kind !== 'field') throw new PatternError('Match expression name not found', name.place);
    const operand = this.next();
    const operator = name.text;
    switch (operator) {
      case 'exists':
        if (operand.kind !== 'literal' || operand.text === 'null') {
          throw new PatternError('exists match pattern must be either true or false.', operand.lazyPlace);
        }
        if (operand.text === 'true') test.present = true;
        else test.absent = true;
        break;
      case 'anything-but':
        test.matchers.push(this.#anythingBut(operand));
        break;
      case 'numeric':
        test.matchers.push(within(this.#numeric(operand)));
        break;
      default:
        test.matchers.push(this.#textOperator(operator, operand));
    }
    const closing = this.next();
    if (closing.kind !== '}') throw new PatternError('Only one key allowed in match expression', closing.lazyPlace);
  }

  #textOperator(operator: string, operand: JsonToken): ValueMatcher {
    switch (operator) {
      case 'prefix':
      case 'suffix': {
        const make = operator === 'prefix' ? startingWith : endingWith;
        if (operand.kind !== '{') return make(this.#text(operator, operand));
        const inner = this.next();
        if (inner.kind !== 'field' || inner.text !== 'equals-ignore-case') {
          throw new PatternError(
            `Unsupported ${operator} pattern: ${inner.kind === 'field' ? inner.text : inner.kind}`,
            inner.lazyPlace,
          );
        }
        const matcher = make(this.#text('equals-ignore-case', this.next()), true);
        this.#closeExpression();
        return matcher;
      }
      case 'equals-ignore-case':
        return equalIgnoringCase(this.#text(operator, operand));
      case 'wildcard':
        return parseWildcard(this.#text(operator, operand), operand.place);
      case 'cidr': {
        const text = this.#text('cidr', operand);
        const matcher = inBlock(text);
        if (matcher) return matcher;
        const reason =
          text.split('/').length === 2 ? `Invalid IP address block: ${text}` : "Malformed CIDR, one '/' required";
        throw new PatternError(reason, operand.place);
      }
      default:
        throw new PatternError(`Unrecognized match type ${operator}`, operand.lazyPlace);
    }
  }

  #text(operator: string, operand: JsonToken): string {
    if (operand.kind === 'string') return operand.text;
    throw new PatternError(`${operator} match pattern must be a string`, operand.lazyPlace);
  }

  /** The operand of anything-but: a value, a list, or one of the text operators over a text or a list. */
  #anythingBut(operand: JsonToken): ValueMatcher {
    if (operand.kind === 'string' || operand.kind === 'number') return noneOf([equalTo(scalarOf(operand))]);
    if (operand.kind === '[') return noneOf([oneOf(this.#anythingButList())]);
    if (operand.kind !== '{') {
      throw new PatternError(
        'Value of anything-but must be an array or single string/number value.',
        operand.lazyPlace,
      );
    }
    const name = this.next();
    if (name.kind !== 'field') throw new PatternError('Anything-But expression name not found', name.place);
    if (!['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(name.text)) {
      throw new PatternError(`Unsupported anything-but pattern: ${name.text}`, name.lazyPlace);
    }
    const matchers: ValueMatcher[] = [];
    const inner = this.next();
    if (inner.kind === '[') {
      for (let token = this.next(); token.kind !== ']'; token = this.next()) {
        if (token.kind !== 'string') {
          throw new PatternError(
            `Inside anything-but/${name.text} list, number|start|null|boolean is not supported.`,
            token.lazyPlace,
          );
        }
        matchers.push(this.#negated(name.text, token));
      }
      if (matchers.length === 0)
        throw new PatternError('Empty arrays are not allowed', this.#tokens[this.#at - 1]!.place);
    } else {
      matchers.push(this.#negated(name.text, inner));
    }
    this.#closeExpression();
    return noneOf(matchers);
  }

  #negated(operator: string, operand: JsonToken): ValueMatcher {
    const text = this.#text(operator, operand);
    if (text === '' && (operator === 'prefix' || operator === 'suffix')) {
      throw new PatternError(`Null prefix/suffix not allowed`, operand.place);
    }
    return this.#textOperator(operator, operand);
  }

  #anythingButList(): Scalar[] {
    const values: Scalar[] = [];
    let kind: string | undefined;
    for (let token = this.next(); token.kind !== ']'; token = this.next()) {
      if (token.kind !== 'string' && token.kind !== 'number') {
        throw new PatternError('Inside anything but list, start|null|boolean is not supported.', token.lazyPlace);
      }
      if (kind !== undefined && token.kind !== kind) {
        throw new PatternError(
          'Inside anything but list, either all values are number or string, mixed type is not supported',
          token.lazyPlace,
        );
      }
      kind = token.kind;
      values.push(scalarOf(token));
    }
    if (values.length === 0) throw new PatternError('Empty arrays are not allowed', this.#tokens[this.#at - 1]!.place);
    return values;
  }

  /** `["=", 5]`, `[">", 0]`, `[">=", 0, "<", 5]`. */
  #numeric(operand: JsonToken): NumericRange {
    if (operand.kind !== '[') throw new PatternError('Value of numeric must be an array.', operand.lazyPlace);
    const first = this.next();
    if (first.kind !== 'string') {
      throw new PatternError(`Invalid member in numeric match: ${textOf(first)}`, first.place);
    }
    const value = this.next();
    switch (first.text) {
      case '=': {
        const number = numberOf(value, 'equals');
        this.#endNumeric('Too many elements in numeric expression');
        return { bottom: number, openBottom: false, top: number, openTop: false };
      }
      case '<':
      case '<=': {
        const top = numberOf(value, first.text);
        this.#endNumeric('Too many elements in numeric expression');
        return { bottom: -Infinity, openBottom: false, top, openTop: first.text === '<' };
      }
      case '>':
      case '>=': {
        const bottom = numberOf(value, first.text);
        const openBottom = first.text === '>';
        const second = this.next();
        if (second.kind === ']') return { bottom, openBottom, top: Infinity, openTop: false };
        if (second.kind !== 'string') {
          throw new PatternError(`Bad value in numeric range: ${textOf(second)}`, second.place);
        }
        if (second.text !== '<' && second.text !== '<=') {
          throw new PatternError(`Bad numeric range operator: ${second.text}`, second.place);
        }
        const top = numberOf(this.next(), second.text);
        this.#endNumeric('Too many terms in numeric range expression');
        if (bottom >= top) throw new PatternError('Bottom must be less than top', this.#tokens[this.#at - 1]!.place);
        return { bottom, openBottom, top, openTop: second.text === '<' };
      }
      default:
        throw new PatternError(`Unrecognized numeric range operator: ${first.text}`, value.lazyPlace);
    }
  }

  #endNumeric(complaint: string): void {
    const token = this.next();
    if (token.kind !== ']') throw new PatternError(complaint, token.lazyPlace);
  }

  #closeExpression(): void {
    const closing = this.next();
    if (closing.kind !== '}') throw new PatternError('Only one key allowed in match expression', closing.lazyPlace);
  }
}

function scalarOf(token: JsonToken): Scalar {
  if (token.kind === 'number') return token.value;
  if (token.kind === 'literal') return token.text === 'null' ? null : token.text === 'true';
  return textOf(token);
}

function textOf(token: JsonToken): string {
  return 'text' in token ? token.text : token.kind;
}

function numberOf(token: JsonToken, operator: string): number {
  if (token.kind === 'number') return token.value;
  throw new PatternError(`Value of ${operator} must be numeric`, token.lazyPlace);
}

/** An asterisk stands for any text; `\*` and `\\` for themselves. */
function parseWildcard(text: string, place: Place): ValueMatcher {
  const pieces = [''];
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!;
    if (character === '*') {
      if (text[at - 1] === '*' && pieces.length > 1 && pieces.at(-1) === '') {
        throw new PatternError(`Consecutive wildcard characters at pos ${at - 1}`, place);
      }
      pieces.push('');
    } else if (character === '\\') {
      const escaped = text[++at];
      if (escaped !== '*' && escaped !== '\\')
        throw new PatternError(`Invalid escape character at pos ${at - 1}`, place);
      pieces[pieces.length - 1] += escaped;
    } else {
      pieces[pieces.length - 1] += character;
    }
  }
  return pieces.length === 1 ? equalTo(pieces[0]!) : wildcard(pieces);
}
