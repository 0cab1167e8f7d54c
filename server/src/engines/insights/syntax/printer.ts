// Tree -> text that parses to the same tree. What only PPL and SQL have is written much as they write it.

import { COUNTS } from './functions.ts';
import type {
  Command,
  Duration,
  Expression,
  Frame,
  FrameBound,
  Item,
  ParsePattern,
  Query,
  SortKey,
  SourceCommand,
  TagCondition,
  TimePoint,
} from './tree.ts';

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
    case 'eval':
      return `${command.kind} ${printItems(command.items)}`;
    case 'filter':
    case 'filterIndex':
      return `${command.kind} ${printExpression(command.condition)}`;
    case 'stats': {
      const by = command.by.length > 0 ? ` by ${printItems(command.by)}` : '';
      const { offset } = command;
      return `stats ${printItems(command.aggregates)}${by}${offset ? ` offset ${printDuration(offset)}` : ''}`;
    }
    case 'sort':
      return `sort ${printKeys(command.keys)}`;
    case 'limit':
      return `limit ${command.any ? 'any ' : ''}${command.count}${command.offset ? ` offset ${command.offset}` : ''}`;
    case 'parse':
      return `parse ${printExpression(command.input)} ${printPattern(command.pattern)}`;
    case 'json':
      return `json field=${printName(command.field)} ${printString(command.path)} as ${printName(command.into)}`;
    case 'dedup':
      return `dedup ${command.count === undefined ? '' : `${command.count} `}${command.fields.map((field) => printExpression(field)).join(', ')}`;
    case 'unnest':
      return `unnest ${printExpression(command.input)} into ${printName(command.into)}`;
    case 'expand':
      return `expand ${printName(command.field)}`;
    case 'pattern':
      return `pattern ${printExpression(command.input)}`;
    case 'diff':
      return command.period === undefined ? 'diff' : `diff ${printName(command.period)}`;
    case 'logcompare':
      return `logcompare timeshift ${printDuration(command.shift)}`;
    case 'anomaly':
    case 'estimate':
      return command.kind;
    case 'relevantfields': {
      const fields = command.fields.length > 0 ? `${printNames(command.fields)} ` : '';
      return `relevantfields ${fields}where ${printExpression(command.condition)}`;
    }
    case 'lookup': {
      const keys = command.keys.map(({ column, field }) => `${printName(column)} as ${printExpression(field)}`);
      return `lookup ${printName(command.table)} ${keys.join(', ')} output ${printItems(command.outputs)}`;
    }
    case 'cidrlookup': {
      const { table, field, column, outputs, onlyMissing } = command;
      const of = column === undefined ? '' : ` as ${printName(column)}`;
      const output = onlyMissing ? 'outputnew' : 'output';
      return `cidrlookup ${printName(table)} ${printExpression(field)}${of} ${output} ${printItems(outputs)}`;
    }
    case 'accum':
      return `accum ${printName(command.field)} as ${printName(command.into)}`;
    case 'autoregress': {
      const { field, alias, first, last } = command;
      const as = alias === undefined ? '' : ` as ${printName(alias)}`;
      return `autoregress ${printName(field)}${as} p=${first === last ? first : `${first}-${last}`}`;
    }
    case 'filldown':
      return ['filldown', ...command.fields.map(printWildcard)].join(' ');
    case 'fillmissing': {
      const values = command.values.map(({ value, field }) => `${printExpression(value)} for ${printName(field)}`);
      return values.length === 0 ? 'fillmissing' : `fillmissing with ${values.join(', ')}`;
    }
    case 'sessionize': {
      const { fields, gap, into } = command;
      const list = fields.map((field) => printExpression(field)).join(', ');
      return `sessionize ${list} maxspan ${printDuration(gap)} as ${printName(into)}`;
    }
    case 'outlier': {
      const { action, factor, lower, mark, fields } = command;
      const options = `action=${action} param=${factor} uselower=${lower} mark=${mark}`;
      return `outlier ${options} ${fields.map(printName).join(' ')}`;
    }
    case 'addtotals': {
      const { name, row, column, fields } = command;
      return `addtotals fieldname=${printName(name)} row=${row} col=${column} ${fields.map(printName).join(', ')}`.trim();
    }
    case 'countFrequent':
      return `countFrequent ${command.fields.map((field) => printExpression(field)).join(', ')}`;
    case 'appendcols': {
      const { override, most, query } = command;
      return `appendcols override=${override} max=${most} (${printQuery(query)})`;
    }
    case 'join': {
      const { type, left, right, query } = command;
      const keys = command.keys.map(
        (key) => `${printName(`${left}.${key.left}`)} = ${printName(`${right}.${key.right}`)}`,
      );
      const aliases = `left=${printName(left)} right=${printName(right)}`;
      return `join type=${type} ${aliases} where ${keys.join(' and ')} (${printQuery(query)})`;
    }
    case 'union':
      return `${command.operator}${command.all ? ' all' : ''} (${printQuery(command.query)})`;
  }
}

function printKeys(keys: readonly SortKey[]): string {
  return keys
    .map(({ expression, descending, missingFirst }) => {
      const direction = descending ? 'desc' : 'asc';
      return `${printExpression(expression)} ${direction}${missingFirst ? ' nulls first' : ''}`;
    })
    .join(', ');
}

function printFrame({ unit, from, to }: Frame): string {
  const bound = ({ side, count }: FrameBound) =>
    side === 'current row' ? side : `${count === undefined ? 'unbounded' : count} ${side}`;
  return `${unit} between ${bound(from)} and ${bound(to)}`;
}

function printPattern(pattern: ParsePattern): string {
  switch (pattern.kind) {
    case 'glob':
      return `${printString(pattern.text)} as ${printNames(pattern.names)}`;
    case 'regex': {
      const names = pattern.byPosition ? ` as ${printNames(pattern.names)}` : '';
      return `${printRegex(pattern.source)}${names}${pattern.multi ? ' multi' : ''}`;
    }
    case 'logfmt':
      return `logfmt as ${printName(pattern.into)}`;
    case 'csv':
      return `csv as ${printNames(pattern.names)}`;
  }
}

function printSource(source: SourceCommand): string {
  const { groups, namePrefixes, class: logClass, accountIds, tags, dataSources, from, to } = source;
  const options: string[] = [];
  if (namePrefixes.length > 0) options.push(`namePrefix: ${printStrings(namePrefixes)}`);
  if (logClass !== undefined) options.push(`class: ${printStrings([logClass])}`);
  if (accountIds.length > 0) options.push(`accountIdentifiers: ${printStrings(accountIds)}`);
  const selectors: string[] = [];
  if (groups.length > 0) selectors.push(printStrings(groups));
  else if (options.length > 0 || !(tags || dataSources)) selectors.push(`logGroups(${options.join(', ')})`);
  if (tags) selectors.push(`logGroupTags([${tags.map(printTag).join(', ')}])`);
  if (dataSources) selectors.push(`dataSource(${printStrings(dataSources)})`);
  return `SOURCE ${selectors.join(' ')}${from ? ` start=${printTime(from)}` : ''}${to ? ` end=${printTime(to)}` : ''}`;
}

function printTag({ key, values }: TagCondition): string {
  return `{key: ${printString(key)}${values.length > 0 ? `, values: ${printStrings(values)}` : ''}}`;
}

function printStrings(values: readonly string[]): string {
  return `[${values.map(printString).join(', ')}]`;
}

function printTime(time: TimePoint): string {
  return time.kind === 'epoch' ? String(time.ms) : `-${printDuration(time)}`;
}

function printDuration({ count, unit }: Duration): string {
  return `${count}${unit}`;
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
      return [printRegex(expression.source), PRIMARY];
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
    case 'query':
      return [`(${printQuery(expression.query)})`, PRIMARY];
    case 'over': {
      const { call, partition, order, frame } = expression;
      const parts: string[] = [];
      if (partition.length > 0) parts.push(`partition by ${partition.map((each) => printExpression(each)).join(', ')}`);
      if (order.length > 0) parts.push(`order by ${printKeys(order)}`);
      if (frame) parts.push(printFrame(frame));
      return [`${printExpression(call)} over (${parts.join(' ')})`, PRIMARY];
    }
    case 'call': {
      const args = expression.args.map((arg) => printExpression(arg)).join(', ');
      return [`${expression.name}(${COUNTS.has(expression.name) && args === '' ? '*' : args})`, PRIMARY];
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
  'multi',
  'maxspan',
  'offset',
  'for',
  'any',
]);

function printName(name: string): string {
  return PLAIN_NAME.test(name) && !WORDS.has(name.toLowerCase()) ? name : `\`${name}\``;
}

function printNames(names: readonly string[]): string {
  return names.map(printName).join(', ');
}

/** A name that may have stars. */
function printWildcard(name: string): string {
  return PLAIN_NAME.test(name.replaceAll('*', 'x')) && !WORDS.has(name.toLowerCase()) ? name : printName(name);
}

function printString(value: string): string {
  return `"${value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t')}"`;
}

function printRegex(source: string): string {
  return `/${source.replaceAll('/', '\\/')}/`;
}
