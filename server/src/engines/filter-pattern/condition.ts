// Conditions joined by && and || (&& binds tighter) with parentheses, over whatever a leaf is.

import type { Scanner } from './scanner.ts';

export type Condition<Leaf> = Leaf | { kind: 'and' | 'or'; terms: Condition<Leaf>[] };

export function parseCondition<Leaf>(scanner: Scanner, parseLeaf: (scanner: Scanner) => Leaf): Condition<Leaf> {
  const parsePrimary = (): Condition<Leaf> => {
    scanner.skipSpace();
    if (!scanner.take('(')) return parseLeaf(scanner);
    const inner = scanner.nested(parseOr);
    scanner.skipSpace();
    scanner.expect(')');
    return inner;
  };
  const parseSequence = (kind: 'and' | 'or', operator: string, parseTerm: () => Condition<Leaf>): Condition<Leaf> => {
    const terms = [parseTerm()];
    for (scanner.skipSpace(); scanner.take(operator); scanner.skipSpace()) terms.push(parseTerm());
    return terms.length === 1 ? terms[0]! : { kind, terms };
  };
  const parseAnd = () => parseSequence('and', '&&', parsePrimary);
  const parseOr = (): Condition<Leaf> => parseSequence('or', '||', parseAnd);
  return parseOr();
}

export function compileCondition<Leaf extends { kind: string }, Subject>(
  condition: Condition<Leaf>,
  compileLeaf: (leaf: Leaf) => (subject: Subject) => boolean,
): (subject: Subject) => boolean {
  if (!isGroup(condition)) return compileLeaf(condition);
  const terms = condition.terms.map((term) => compileCondition(term, compileLeaf));
  if (condition.kind === 'and') return (subject) => terms.every((holds) => holds(subject));
  return (subject) => terms.some((holds) => holds(subject));
}

export function isGroup<Leaf>(
  condition: Condition<Leaf>,
): condition is { kind: 'and' | 'or'; terms: Condition<Leaf>[] } {
  const { kind } = condition as { kind: string };
  return kind === 'and' || kind === 'or';
}
