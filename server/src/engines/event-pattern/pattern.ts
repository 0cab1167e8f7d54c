// Event patterns: EventBridge rules and SNS filter policies are written in this language. A pattern is compiled once and
// then tested against events, which are parsed JSON.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html

import { parsePattern } from './parse-pattern.ts';
import type { Scalar, ValueMatcher } from './value-matcher.ts';

/** All fields and all alternatives of an object pattern have to match. */
export interface ObjectPattern {
  fields: FieldPattern[];
  /** `$or`: of each list, one at least. */
  alternatives: ObjectPattern[][];
}

export type FieldPattern =
  | { name: string; kind: 'object'; pattern: ObjectPattern }
  | { name: string; kind: 'values'; test: ValuesTest };

/** One of these has to hold. */
export interface ValuesTest {
  /** As many as the pattern lists: what limits are counted in. */
  count: number;
  matchers: ValueMatcher[];
  /** `{"exists": true}`: a value is there. */
  present: boolean;
  /** `{"exists": false}`: none is. */
  absent: boolean;
}

export interface Pattern {
  readonly root: ObjectPattern;
  matches(event: unknown): boolean;
}

/** Throws PatternError (json-tokens.ts) with AWS's reason and the place in the text. */
export function compilePattern(text: string): Pattern {
  const root = parsePattern(text);
  return { root, matches: (event) => matchesObject(root, event) };
}

function matchesObject(pattern: ObjectPattern, event: unknown): boolean {
  return (
    pattern.fields.every((field) => matchesField(field, event)) &&
    pattern.alternatives.every((list) => list.some((alternative) => matchesObject(alternative, event)))
  );
}

function matchesField(field: FieldPattern, event: unknown): boolean {
  const found = [...childrenOf(event, field.name)];
  if (field.kind === 'values') return matchesValues(field.test, found);
  const { pattern } = field;
  // An array of objects matches by one of its elements as a whole, not by fields of several.
  const candidates = found.flatMap((child) => [...elementsOf(child)]).filter(isObject);
  // With nothing there, a pattern of absences alone still matches.
  return (candidates.length > 0 ? candidates : [{}]).some((candidate) => matchesObject(pattern, candidate));
}

function matchesValues({ matchers, present, absent }: ValuesTest, found: readonly unknown[]): boolean {
  let any = false;
  for (const child of found) {
    for (const value of elementsOf(child)) {
      if (isObject(value)) continue;
      any = true;
      if (present) return true;
      for (const matches of matchers) if (matches(value as Scalar)) return true;
    }
  }
  return absent && !any;
}

/**
 * What an object holds under a name. A dot in a name stands for nesting as well, on either side: AWS compares flattened
 * paths.
 */
function* childrenOf(event: unknown, name: string): Generator<unknown> {
  if (!isObject(event)) return;
  if (Object.hasOwn(event, name)) yield event[name];
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const head = name.slice(0, dot);
    if (!Object.hasOwn(event, head)) continue;
    for (const child of elementsOf(event[head])) yield* childrenOf(child, name.slice(dot + 1));
  }
  const prefix = `${name}.`;
  const dotted = Object.keys(event).filter((key) => key.startsWith(prefix));
  if (dotted.length > 0) yield Object.fromEntries(dotted.map((key) => [key.slice(prefix.length), event[key]]));
}

/** Arrays stand for their elements, however deep. */
function* elementsOf(value: unknown): Generator<unknown> {
  if (!Array.isArray(value)) yield value;
  else for (const element of value) yield* elementsOf(element);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
