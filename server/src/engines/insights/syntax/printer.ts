// Tree -> text that parses to the same tree.

import type { Command, Expression, Item, Query, SourceCommand } from './tree.ts';

/** Higher binds tighter. */
const PRECEDENCE: Record<string, number> = {
  or: 1,
  and: 2,
  not: 3,
  '=': 4,
  '!=': 4,
  '<': 4,
  '<=': 4,
  '>': 4,
  '>=': 4,
  like: 4,
  'not like': 4,
  in: 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
  '^': 7,
};
const UNARY = 8;
const PRIMARY = 9;

export function printQuery({ source, commands }: Query): string {
  return [...(source ? [printSource(source)] : []), ...commands.map(printCommand)].join('\n| ');
}

function printCommand(command: Command): string {
  switch (command.kind) {
    case 'fields':
    case 'display':
      return `${command.kind} ${printItems(command.items)}`;
    case 'filter':
    case 'filterIndex':
      return `${command.kind} ${printExpression(command.condition)}`;
    case 'stats':
      return `stats ${printItems(command.aggregates)}${command.by.length > 0 ? ` by ${printItems(command.by)}` : ''}`;
    case 'sort':
      return `sort ${command.keys.map(({ expression, descending }) => `${printExpression(expression)} ${descending ? 'desc' : 'asc'}`).join(', ')}`;
    case 'limit':
      return `limit ${command.count}`;
    case 'parse': {
      const { pattern } = command;
      const by =
        pattern.kind === 'regex'
          ? printRegex(pattern.source, pattern.flags)
          : `${printString(pattern.text)} as ${pattern.names.map(printName).join(', ')}`;
      return `parse ${printExpression(command.input)} ${by}`;
    }
    case 'dedup':
      return `dedup ${command.fields.map((field) => printExpression(field)).join(', ')}`;
    case 'unnest':
      return `unnest ${printExpression(command.input)} into ${printName(command.into)}`;
    case 'pattern':
      return `pattern ${printExpression(command.input)}`;
    case 'diff':
      return command.period === undefined ? 'diff' : `diff ${printName(command.period)}`;
    case 'anomaly':
      return 'anomaly';
    case 'lookup': {
      const keys = command.keys.map(({ column, field }) => `${printName(column)} as ${printExpression(field)}`);
      return `lookup ${printName(command.table)} ${keys.join(', ')} output ${printItems(command.outputs)}`;
    }
    case 'join': {
      const { type, left, right, query } = command;
      const keys = command.keys.map(
        (key) => `${printName(`${left}.${key.left}`)} = ${printName(`${right}.${key.right}`)}`,
      );
      const aliases = `left=${printName(left)} right=${printName(right)}`;
      return `join type=${type} ${aliases} where ${keys.join(' and ')} (${printQuery(query)})`;
    }
  }
}

function printSource({ groups, namePrefixes, class: logClass, accountIds }: SourceCommand): string {
  if (groups.length > 0) return `SOURCE [${groups.map(printString).join(', ')}]`;
  const options: string[] = [];
  if (namePrefixes.length > 0) options.push(`namePrefix: [${namePrefixes.map(printString).join(', ')}]`);
  if (logClass !== undefined) options.push(`class: [${printString(logClass)}]`);
  if (accountIds.length > 0) options.push(`accountIdentifiers: [${accountIds.map(printString).join(', ')}]`);
  return `SOURCE logGroups(${options.join(', ')})`;
}

function printItems(items: readonly Item[]): string {
  return items
    .map(
      ({ expression, alias }) => printExpression(expression) + (alias === undefined ? '' : ` as ${printName(alias)}`),
    )
    .join(', ');
}

/** In parentheses where it binds less tightly than `least`. */
export function printExpression(expression: Expression, least = 0): string {
  const [text, precedence] = print(expression);
  return precedence < least ? `(${text})` : text;
}

function print(expression: Expression): [text: string, precedence: number] {
  switch (expression.kind) {
    case 'field':
      return [printName(expression.name), PRIMARY];
    case 'number':
      return expression.value < 0 ? [String(expression.value), UNARY] : [String(expression.value), PRIMARY];
    case 'string':
      return [printString(expression.value), PRIMARY];
    case 'boolean':
      return [String(expression.value), PRIMARY];
    case 'duration':
      return [`${expression.count}${expression.unit}`, PRIMARY];
    case 'regex':
      return [printRegex(expression.source, expression.flags), PRIMARY];
    case 'unary': {
      const precedence = expression.operator === 'not' ? PRECEDENCE.not! : UNARY;
      // A minus sign before a number would be a part of it.
      const least = expression.operator === '-' && expression.operand.kind === 'number' ? PRIMARY + 1 : precedence;
      const operand = printExpression(expression.operand, least);
      return [expression.operator === 'not' ? `not ${operand}` : `-${operand}`, precedence];
    }
    case 'binary': {
      const { operator, left, right } = expression;
      const precedence = PRECEDENCE[operator]!;
      const isPower = operator === '^';
      const isComparison = precedence === PRECEDENCE.in;
      const leftText = printExpression(left, isPower || isComparison ? precedence + 1 : precedence);
      const rightText = printExpression(right, isPower ? precedence : precedence + 1);
      return [`${leftText} ${operator} ${rightText}`, precedence];
    }
    case 'in': {
      const precedence = PRECEDENCE.in!;
      const options = expression.options.map((option) => printExpression(option, precedence + 1)).join(', ');
      const value = printExpression(expression.value, precedence + 1);
      return [`${value} ${expression.not ? 'not in' : 'in'} [${options}]`, precedence];
    }
    case 'in query': {
      const precedence = PRECEDENCE.in!;
      const value = printExpression(expression.value, precedence + 1);
      return [`${value} ${expression.not ? 'not in' : 'in'} (${printQuery(expression.query)})`, precedence];
    }
    case 'call': {
      const args = expression.args.map((arg) => printExpression(arg)).join(', ');
      return [`${expression.name}(${expression.name === 'count' && args === '' ? '*' : args})`, PRIMARY];
    }
  }
}

const PLAIN_NAME = /^[@$A-Za-z_][\w@$]*(\.[\w@$]+)*$/;
const WORDS = new Set([
  'and',
  'or',
  'not',
  'like',
  'in',
  'as',
  'by',
  'true',
  'false',
  'asc',
  'desc',
  'into',
  'output',
  'where',
]);

function printName(name: string): string {
  return PLAIN_NAME.test(name) && !WORDS.has(name.toLowerCase()) ? name : `\`${name}\``;
}

function printString(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t')}"`;
}

function printRegex(source: string, flags: string): string {
  return `/${source.replaceAll('/', '\\/')}/${flags}`;
}
