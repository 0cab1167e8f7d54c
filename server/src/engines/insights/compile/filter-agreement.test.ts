// Random filters over random events: what the statement finds is what a slow evaluator, written from AWS's rules and
// without any SQL, finds as well. Set SEED to repeat a run.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seeded } from '#test/seeded-random.ts';
import { openTestStore } from '../../../../test/insights-store.ts';
import { parseQuery } from '../syntax/parser.ts';
import { printExpression } from '../syntax/printer.ts';
import type { Expression } from '../syntax/tree.ts';

const SEED = Number(process.env.SEED ?? 20261123);
const ROUNDS = 150;
const EVENTS = 60;

let store: Awaited<ReturnType<typeof openTestStore>>;
before(async () => {
  store = await openTestStore();
});
after(() => store.close());

const random = seeded(SEED);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;

// ---- events ----

const STRINGS = [
  'ERROR',
  'error',
  'info',
  'timeout in worker',
  '5',
  '-2.5',
  '1e1',
  '',
  'a"b',
  'tab\t',
  'naïve',
  '100%',
  'x_y',
  'true',
  'C:\\dir',
];
const NUMBERS = [0, 5, -2.5, 10, 100, 0.1];
const FIELDS = ['level', 'n', 'user.id', 'user.tags.0', 'ok', 'absent'];

function randomValue(): unknown {
  return pick<() => unknown>([() => pick(STRINGS), () => pick(NUMBERS), () => random() < 0.5, () => null])();
}

function randomMessage(): string {
  if (random() < 0.15) return pick(STRINGS);
  const event: Record<string, unknown> = {};
  if (random() < 0.8) event.level = randomValue();
  if (random() < 0.8) event.n = randomValue();
  if (random() < 0.6) event.user = random() < 0.8 ? { id: randomValue(), tags: [randomValue()] } : randomValue();
  if (random() < 0.4) event.ok = randomValue();
  return JSON.stringify(event);
}

// ---- filters ----

const AT = { start: 0, end: 0 };
const REGEXES = [
  'ERR',
  '(?i)error',
  '^.*out',
  'r$',
  '[0-9]+',
  'a.b',
  'time(out)?',
  'ERR|worker',
  'x_y|[0-9]%|(?:a|o).t',
  'err.r|\\.5|"n',
  '\\d%',
];

function randomOperand(): Expression {
  const kind = random();
  if (kind < 0.5) return { kind: 'field', name: pick([...FIELDS, '@message']), ...AT };
  if (kind < 0.75) return { kind: 'string', value: pick(STRINGS), ...AT };
  return { kind: 'number', value: pick(NUMBERS), ...AT };
}

function randomCondition(depth: number): Expression {
  const kind = depth === 0 ? 0.6 + random() * 0.4 : random();
  if (kind < 0.25) {
    const operator = pick(['and', 'or'] as const);
    return { kind: 'binary', operator, left: randomCondition(depth - 1), right: randomCondition(depth - 1), ...AT };
  }
  if (kind < 0.4) return { kind: 'unary', operator: 'not', operand: randomCondition(depth - 1), ...AT };
  const field: Expression = { kind: 'field', name: pick([...FIELDS, '@message']), ...AT };
  if (kind < 0.75) {
    const operator = pick(['=', '!=', '<', '<=', '>', '>='] as const);
    return { kind: 'binary', operator, left: field, right: randomOperand(), ...AT };
  }
  if (kind < 0.9) {
    const operator = pick(['like', 'not like'] as const);
    const right: Expression =
      random() < 0.5
        ? { kind: 'string', value: pick(STRINGS), ...AT }
        : { kind: 'regex', source: pick(REGEXES), ...AT };
    return { kind: 'binary', operator, left: field, right, ...AT };
  }
  if (kind < 0.96) {
    const options = [1, 2, 3].map(
      (): Expression =>
        random() < 0.5
          ? { kind: 'string', value: pick(STRINGS), ...AT }
          : { kind: 'number', value: pick(NUMBERS), ...AT },
    );
    return { kind: 'in', not: random() < 0.5, value: field, options, ...AT };
  }
  return { kind: 'call', name: pick(['ispresent', 'isempty', 'isblank']), args: [field], ...AT };
}

// ---- the evaluator ----

type Loose = string | undefined;

function rawOf(name: string, message: string): unknown {
  if (name === '@message') return message;
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    return undefined;
  }
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}

/** True of JSON is 1 where a number is wanted. */
function numberOf(expression: Expression, message: string): number | undefined {
  if (expression.kind === 'number') return expression.value;
  if (expression.kind === 'field') {
    const raw = rawOf(expression.name, message);
    if (typeof raw === 'boolean') return Number(raw);
  }
  const text = looseOf(expression, message);
  return text !== undefined && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

function looseOf(expression: Expression, message: string): Loose {
  switch (expression.kind) {
    case 'field':
      return textOf(rawOf(expression.name, message));
    case 'string':
      return expression.value;
    case 'number':
      return String(expression.value);
    default:
      throw new Error('not in these filters');
  }
}

function textOf(raw: unknown): Loose {
  if (raw === null || raw === undefined) return undefined;
  return typeof raw === 'string' ? raw : JSON.stringify(raw);
}

function holds(expression: Expression, message: string): boolean {
  switch (expression.kind) {
    case 'unary':
      return !holds(expression.operand, message);
    case 'in': {
      const isOne = expression.options.some((option) => equal(expression.value, option, message));
      return expression.not ? !isOne : isOne;
    }
    case 'call': {
      const text = looseOf(expression.args[0]!, message);
      if (expression.name === 'ispresent') return text !== undefined;
      return expression.name === 'isempty' ? !text : (text ?? '').trim() === '';
    }
    case 'binary': {
      const { operator, left, right } = expression;
      if (operator === 'and') return holds(left, message) && holds(right, message);
      if (operator === 'or') return holds(left, message) || holds(right, message);
      if (operator === 'like' || operator === 'not like') {
        const text = looseOf(left, message);
        const found =
          text !== undefined &&
          (right.kind === 'regex' ? javaRegex(right.source).test(text) : text.includes(looseOf(right, message)!));
        return found === (operator === 'like');
      }
      if (operator === '!=') return !equal(left, right, message);
      const order = compared(left, right, message);
      if (order === undefined) return false;
      return { '=': order === 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[operator as '=']!;
    }
    default:
      throw new Error('not in these filters');
  }
}

function equal(left: Expression, right: Expression, message: string): boolean {
  return compared(left, right, message) === 0;
}

/** As numbers where both are; as texts where neither side is a number by its own nature. */
function compared(left: Expression, right: Expression, message: string): number | undefined {
  const [a, b] = [looseOf(left, message), looseOf(right, message)];
  if (a === undefined || b === undefined) return undefined;
  const [x, y] = [numberOf(left, message), numberOf(right, message)];
  if (x !== undefined && y !== undefined) return Math.sign(x - y);
  // A constant that is a number compares with numbers only.
  if (right.kind !== 'field' && y !== undefined) return undefined;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function javaRegex(source: string): RegExp {
  const insensitive = source.startsWith('(?i)');
  return new RegExp(insensitive ? source.slice(4) : source, insensitive ? 'i' : '');
}

test(`random filters find what an evaluator finds (SEED=${SEED})`, async () => {
  const messages = Array.from({ length: EVENTS }, randomMessage);
  const group = await store.group(messages);
  let found = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const text = printExpression(randomCondition(3));
    const [command] = parseQuery(`filter ${text}`).commands;
    const condition = command?.kind === 'filter' ? command.condition : assert.fail('no filter');
    const expected = messages.filter((message) => holds(condition, message)).reverse();
    const result = await store.run(`fields @message | filter ${text}`, [group]);
    const given = result.found.map((row) => row['@message']);
    assert.deepEqual(given, expected, `filter ${text}\n${result.sql}`);
    found += given.length;
  }
  assert.ok(found > ROUNDS, 'the filters find something');
  assert.ok(found < (ROUNDS * EVENTS * 9) / 10, 'and not everything');
});
