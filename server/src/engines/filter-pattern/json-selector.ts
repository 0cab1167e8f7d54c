// Property selectors: $.users[0].email, $['dotted.name'], $.users[*].id, $.byId.*.name
// A wildcard stands for any element or member: a condition holds when it holds for one of them.

import type { Scanner } from './scanner.ts';

export type SelectorStep = { property: string } | { index: number } | { any: true };

export interface JsonSelector {
  steps: SelectorStep[];
}

const PROPERTY = /[A-Za-z0-9_-]+/y;
const INDEX = /\d{1,9}/y;
const SINGLE_QUOTED = /'[^']*'/y;
/** AWS allows one wildcard in a selector. */
const MOST_WILDCARDS = 1;

export function parseSelector(scanner: Scanner): JsonSelector {
  scanner.expect('$');
  const steps: SelectorStep[] = [];
  while (true) {
    if (scanner.take('.')) {
      if (scanner.take('[')) steps.push(parseBracket(scanner));
      else if (scanner.take('*')) steps.push({ any: true });
      else {
        const property = scanner.takeMatch(PROPERTY);
        if (property === '') scanner.fail('expected a property name');
        steps.push({ property });
      }
    } else if (scanner.take('[')) {
      steps.push(parseBracket(scanner));
    } else {
      break;
    }
  }
  if (steps.length === 0) scanner.fail("expected '.' and a property name");
  if (steps.filter((step) => 'any' in step).length > MOST_WILDCARDS) {
    scanner.fail('a property selector can hold only one wildcard');
  }
  return { steps };
}

function parseBracket(scanner: Scanner): SelectorStep {
  scanner.skipSpace();
  const step = parseBracketed(scanner);
  scanner.skipSpace();
  scanner.expect(']');
  return step;
}

function parseBracketed(scanner: Scanner): SelectorStep {
  if (scanner.peek() === '"') return { property: scanner.takeQuoted() };
  if (scanner.take('*')) return { any: true };
  const quoted = scanner.takeMatch(SINGLE_QUOTED);
  if (quoted !== '') return { property: quoted.slice(1, -1) };
  const index = scanner.takeMatch(INDEX);
  if (index === '') scanner.fail('expected an array index or a quoted property name');
  return { index: Number(index) };
}

/** Whether `holds` is true for a node the selector points to; a node that is missing is undefined. */
export function compileSelector(
  { steps }: JsonSelector,
  holds: (node: unknown) => boolean,
): (root: unknown) => boolean {
  const wildcard = steps.findIndex((step) => 'any' in step);
  if (wildcard < 0) return (root) => holds(walk(root, steps));
  const before = steps.slice(0, wildcard);
  const after = steps.slice(wildcard + 1);
  return (root) => {
    const parent = walk(root, before);
    if (typeof parent !== 'object' || parent === null) return holds(undefined);
    const children = Object.values(parent);
    return children.length === 0 ? holds(undefined) : children.some((child) => holds(walk(child, after)));
  };
}

/** The node, or undefined when there is none; steps without wildcards. */
export function walk(root: unknown, steps: readonly SelectorStep[]): unknown {
  let node: any = root;
  for (const step of steps) {
    if (typeof node !== 'object' || node === null) return undefined;
    if ('index' in step) {
      if (!Array.isArray(node)) return undefined;
      node = node[step.index];
    } else {
      const { property } = step as { property: string };
      if (Array.isArray(node) || !Object.hasOwn(node, property)) return undefined;
      node = node[property];
    }
  }
  return node;
}
