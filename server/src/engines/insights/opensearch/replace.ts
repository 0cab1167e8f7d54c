// Expressions with parts of them replaced, and the keys of joins found in conditions.

import { printExpression } from '../syntax/printer.ts';
import type { Expression, JoinKey } from '../syntax/tree.ts';

export function isSame(a: Expression, b: Expression): boolean {
  return printExpression(a) === printExpression(b);
}

/** The expression with those of its parts replaced for which there is another. */
export function replace(node: Expression, other: (node: Expression) => Expression | undefined): Expression {
  const replaced = other(node);
  if (replaced) return replaced;
  const inner = (child: Expression) => replace(child, other);
  switch (node.kind) {
    case 'unary':
      return { ...node, operand: inner(node.operand) };
    case 'binary':
      return { ...node, left: inner(node.left), right: inner(node.right) };
    case 'in':
      return { ...node, value: inner(node.value), options: node.options.map(inner) };
    case 'in query':
      return { ...node, value: inner(node.value) };
    case 'over':
      return {
        ...node,
        call: { ...node.call, args: node.call.args.map(inner) },
        partition: node.partition.map(inner),
        order: node.order.map((key) => ({ ...key, expression: inner(key.expression) })),
      };
    case 'call':
      return { ...node, args: node.args.map(inner) };
    default:
      return node;
  }
}

/** Of `l.a = r.b and …`; undefined where the condition says anything else. */
export function joinKeys(condition: Expression, left: string, right: string): JoinKey[] | undefined {
  if (condition.kind !== 'binary') return undefined;
  if (condition.operator === 'and') {
    const [a, b] = [joinKeys(condition.left, left, right), joinKeys(condition.right, left, right)];
    return a && b && [...a, ...b];
  }
  if (condition.operator !== '=') return undefined;
  const of = (alias: string) => {
    const sides = [condition.left, condition.right].flatMap((side) => {
      return side.kind === 'field' && side.name.startsWith(`${alias}.`) ? [side.name.slice(alias.length + 1)] : [];
    });
    return sides.length === 1 ? sides[0] : undefined;
  };
  const key = { left: of(left), right: of(right) };
  return key.left !== undefined && key.right !== undefined ? [{ left: key.left, right: key.right }] : undefined;
}
