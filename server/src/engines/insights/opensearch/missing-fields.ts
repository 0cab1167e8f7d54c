// With a field that is missing a comparison is neither true nor false in OpenSearch's languages, so that its denial does not
// hold either. In Logs Insights `!=` and `not` hold there. Here such conditions get what says so: `ispresent`.

import { isAggregate } from '../syntax/functions.ts';
import { children } from '../syntax/parser.ts';
import type { Expression } from '../syntax/tree.ts';

/** The condition that holds in Logs Insights where this one is true; what is no condition stays. */
export function whereTrue(node: Expression): Expression {
  if (node.kind === 'unary' && node.operator === 'not') return whereFalse(node.operand);
  if (node.kind !== 'binary') return node;
  if (node.operator === 'and' || node.operator === 'or') {
    return { ...node, left: whereTrue(node.left), right: whereTrue(node.right) };
  }
  return node.operator === '!=' ? withFields(node, node) : node;
}

function whereFalse(node: Expression): Expression {
  if (node.kind === 'unary' && node.operator === 'not') return whereTrue(node.operand);
  if (node.kind === 'binary' && (node.operator === 'and' || node.operator === 'or')) {
    const operator = node.operator === 'and' ? 'or' : 'and';
    return { ...node, operator, left: whereFalse(node.left), right: whereFalse(node.right) };
  }
  if (node.kind === 'binary' && node.operator === '!=') return { ...node, operator: '=' };
  const { start, end } = node;
  return withFields(node, { kind: 'unary', operator: 'not', operand: node, start, end });
}

function withFields(of: Expression, condition: Expression): Expression {
  const { start, end } = of;
  return [...neededFields(of).values()].reduceRight<Expression>((right, field) => {
    const left: Expression = { kind: 'call', name: 'ispresent', args: [field], start, end };
    return { kind: 'binary', operator: 'and', left, right, start, end };
  }, condition);
}

const HAVE_ALWAYS_A_VALUE = new Set('ispresent coalesce isempty isblank case if NVL2 CONCAT_WS'.split(' '));

/** Those without which the expression has no value. */
function neededFields(node: Expression, found = new Map<string, Expression>()): Map<string, Expression> {
  if (node.kind === 'field') found.set(node.name, node);
  const hasAlwaysValue = node.kind === 'call' && (HAVE_ALWAYS_A_VALUE.has(node.name) || isAggregate(node.name));
  if (!hasAlwaysValue) for (const child of children(node)) neededFields(child, found);
  return found;
}
