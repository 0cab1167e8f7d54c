// Patterns over space-delimited events: [ip, user, ..., status = 4* || status = 500, bytes > 1000]
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/matching-terms-space-delimited-log-events.html

import { type Condition, compileCondition, isGroup, parseCondition } from './condition.ts';
import { FilterPatternError } from './filter-pattern-error.ts';
import type { LogLine } from './log-line.ts';
import { compileComparison, isNumber, type Operand, type Operator, parseOperand, parseOperator } from './operand.ts';
import type { Scanner } from './scanner.ts';

export interface DelimitedPattern {
  kind: 'delimited';
  slots: Slot[];
}

export type Slot = { kind: 'ellipsis' } | FieldSlot;

export interface FieldSlot {
  kind: 'field';
  name: string | undefined;
  condition: Condition<FieldTest> | undefined;
  holds: ((value: string) => boolean) | undefined;
}

export interface FieldTest {
  kind: 'comparison';
  name: string;
  operator: Operator;
  operand: Operand;
}

const NAME = /[A-Za-z0-9_-]+/y;
const BARE_NAME = /[A-Za-z0-9_-]+\s*(?=[,\]])/y;

export function parseDelimited(scanner: Scanner): DelimitedPattern {
  const start = scanner.position;
  if (!scanner.text.trimEnd().endsWith(']')) {
    throw new FilterPatternError("If a filter pattern starts with '[' it must end with ']'", start, true);
  }
  scanner.expect('[');
  const slots: Slot[] = [];
  do {
    slots.push(...parseSlots(scanner));
    scanner.skipSpace();
  } while (scanner.take(','));
  scanner.expect(']');
  scanner.skipSpace();
  if (!scanner.atEnd()) scanner.fail('expected nothing after the closing bracket');
  if (slots.filter(({ kind }) => kind === 'ellipsis').length > 1) {
    throw new FilterPatternError('a pattern can hold only one ellipsis', start);
  }
  const names = slots.flatMap((slot) => (slot.kind === 'field' && slot.name !== undefined ? [slot.name] : []));
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new FilterPatternError(`two fields are named '${repeated}'`, start);
  return { kind: 'delimited', slots };
}

/** What stands between two commas: one slot, or several fields whose conditions are joined by &&. */
function parseSlots(scanner: Scanner): Slot[] {
  scanner.skipSpace();
  if (scanner.take('...') || scanner.take('…')) return [{ kind: 'ellipsis' }];
  const next = scanner.peek();
  if (next === ',' || next === ']') return [{ kind: 'field', name: undefined, condition: undefined, holds: undefined }];
  const start = scanner.position;
  const bareName = scanner.takeMatch(BARE_NAME).trimEnd();
  if (bareName !== '') return [{ kind: 'field', name: bareName, condition: undefined, holds: undefined }];
  const condition = parseCondition(scanner, () => parseTest(scanner));
  return [...byField(condition, start)].map(([name, terms]) => {
    const own: Condition<FieldTest> = terms.length === 1 ? terms[0]! : { kind: 'and', terms };
    return { kind: 'field', name, condition: own, holds: compileCondition(own, compileTest) };
  });
}

/** AWS documents [… status_code = 4* && bytes > 1000] for a line that goes on with both fields, in this order. */
function byField(condition: Condition<FieldTest>, start: number): Map<string, Condition<FieldTest>[]> {
  const terms = isGroup(condition) && condition.kind === 'and' ? condition.terms : [condition];
  const fields = new Map<string, Condition<FieldTest>[]>();
  for (const term of terms) {
    const [name, ...others] = [...new Set(namesOf(term))] as [string, ...string[]];
    if (others.length > 0) {
      const names = [name, ...others].map((one) => `'${one}'`).join(' and ');
      throw new FilterPatternError(`one field is named ${names}`, start);
    }
    fields.set(name, [...(fields.get(name) ?? []), term]);
  }
  return fields;
}

function namesOf(condition: Condition<FieldTest>): string[] {
  return isGroup(condition) ? condition.terms.flatMap(namesOf) : [condition.name];
}

function parseTest(scanner: Scanner): FieldTest {
  scanner.skipSpace();
  const name = scanner.takeMatch(NAME);
  if (name === '') scanner.fail('expected the name of a field');
  scanner.skipSpace();
  let operator = parseOperator(scanner);
  // AWS's examples write [w1=!ERROR] for "is not ERROR".
  if (operator === '=' && scanner.take('!')) operator = '!=';
  scanner.skipSpace();
  return { kind: 'comparison', name, operator, operand: parseOperand(scanner, operator) };
}

/** A field that looks like a number is compared with one as such. */
function compileTest({ operator, operand }: FieldTest): (value: string) => boolean {
  const compare = compileComparison(operator, operand);
  if (operand.kind !== 'number') return compare;
  return (value) => compare(isNumber(value) ? Number(value) : value);
}

export interface DelimitedMatch {
  fields: readonly string[];
  /** The pattern's name for each field (sparse: ellipses and nameless slots). */
  names: (string | undefined)[];
}

/** Undefined when the event does not match. */
export function matchDelimited({ slots }: DelimitedPattern, line: LogLine): DelimitedMatch | undefined {
  const fields = fieldsAsDivided(slots, line);
  const names: (string | undefined)[] = [];
  let position = 0;
  for (const [i, slot] of slots.entries()) {
    if (slot.kind === 'field') {
      if (position >= fields.length || slot.holds?.(fields[position]!) === false) return undefined;
      names[position++] = slot.name;
    } else {
      // What follows the ellipsis stands at the end of the event.
      const start = fields.length - (slots.length - i - 1);
      if (start < position) return undefined;
      position = start;
    }
  }
  return position === fields.length ? { fields, names } : undefined;
}

/** Without an ellipsis, the last slot has the rest of the line as it is written: AWS's own [timestamp=*Z, request_id="*-*", event]. */
function fieldsAsDivided(slots: readonly Slot[], line: LogLine): readonly string[] {
  const { fields } = line;
  const last = slots.length - 1;
  if (fields.length <= slots.length || slots.some(({ kind }) => kind === 'ellipsis')) return fields;
  return [...fields.slice(0, last), line.from(last)];
}
