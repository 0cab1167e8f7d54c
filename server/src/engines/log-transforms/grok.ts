// grok: `%{PATTERN:field}` and literal text between, matched anywhere in a text, in time proportional to it (RE2).

import { RE2JS } from 're2js';
import { COMMON_FORMATS, EXPENSIVE_PATTERNS, GROK_PATTERNS } from './grok-patterns.ts';
import { type JsonObject, setAt } from './key-path.ts';
import { TransformConfigError } from './transform-error.ts';

const MOST_PATTERNS = 20;
const MOST_EXPENSIVE = 5;
const REFERENCE = /%\{([^{}]*)\}/g;
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

interface Capture {
  group: string;
  field: string;
  kind: 'text' | 'number' | 'time';
}

/** False when the text does not match, which leaves the event as it is. */
export type Grok = (text: string, into: JsonObject) => boolean;

/** Throws TransformConfigError. */
export function compileGrok(match: string): Grok {
  const captures: Capture[] = [];
  const { expression, common } = expressionOf(match, captures);
  const compiled = RE2JS.compile(expression);
  return (text, into) => {
    const matcher = compiled.matcher(text);
    if (!matcher.find()) return false;
    for (const { group, field, kind } of captures) {
      const value = matcher.group(group);
      // A common format writes `-` for what it has not.
      if (value === null || (value === '-' && common)) continue;
      setAt(into, field, kind === 'number' ? Number(value) : kind === 'time' ? isoOf(value) : value);
    }
    return true;
  };
}

function expressionOf(match: string, captures: Capture[]): { expression: string; common: boolean } {
  const uses = new Map<string, number>();
  let expression = '';
  let copied = 0;
  let count = 0;
  let expensive = 0;
  let common = false;
  const capture = (field: string, kind: Capture['kind'] = 'text') => {
    const group = `g${captures.length}`;
    captures.push({ group, field, kind });
    return group;
  };
  for (const reference of match.matchAll(REFERENCE)) {
    expression += literal(match.slice(copied, reference.index));
    copied = reference.index + reference[0].length;
    const [name, field, ...rest] = reference[1]!.split(':') as [string, string?, ...string[]];
    if (rest.length > 0) throw new TransformConfigError(`Grok type conversion is not supported: ${reference[0]}`);
    if (field === '') throw new TransformConfigError(`Invalid grok pattern: ${reference[0]}`);
    if (++count > MOST_PATTERNS) throw new TransformConfigError(`At most ${MOST_PATTERNS} grok patterns are allowed`);
    const format = COMMON_FORMATS.get(name);
    if (format) {
      if (count > 1 || match.slice(0, reference.index).trim() !== '') {
        throw new TransformConfigError(`${name} must be the first grok pattern`);
      }
      common = true;
      let i = 0;
      expression += format.expression.replace(/\\\(|\((?!\?)/g, (opening) => {
        if (opening !== '(') return opening;
        const { name: own, kind } = format.fields[i++]!;
        return `(?P<${capture(own, kind)}>`;
      });
      continue;
    }
    const pattern = GROK_PATTERNS.get(name);
    if (!pattern) throw new TransformConfigError(`Unsupported grok pattern: ${name}`);
    if (common && !/^(DATA|GREEDYDATA|GREEDYDATA_MULTILINE)$/.test(name)) {
      throw new TransformConfigError('Only DATA, GREEDYDATA and GREEDYDATA_MULTILINE may follow a common log pattern');
    }
    if (common && count > 2) throw new TransformConfigError('Only one pattern may follow a common log pattern');
    const used = (uses.get(name) ?? 0) + 1;
    uses.set(name, used);
    if (EXPENSIVE_PATTERNS.has(name)) expensive++;
    if (used > pattern.most || expensive > MOST_EXPENSIVE) {
      throw new TransformConfigError(`Grok pattern ${name} is used too often`);
    }
    expression += referenced(pattern.expression, field, capture);
  }
  if (count === 0) throw new TransformConfigError('A grok match needs at least one grok pattern');
  expression += literal(match.slice(copied));
  return { expression: common ? `^${expression}` : expression, common };
}

/** The captures inside of a pattern are given under their own names; that of `*` is the value itself. */
function referenced(expression: string, field: string | undefined, capture: (field: string) => string): string {
  let own = false;
  // The field's own group is opened first, so that its value comes before what it holds.
  const opened = field !== undefined && !expression.includes('(?<*>') ? capture(field) : undefined;
  const inner = expression.replace(/\(\?<([^>]+)>/g, (_, name: string) => {
    if (name === '*') {
      own = true;
      return field === undefined ? '(?:' : `(?P<${capture(field)}>`;
    }
    return field === undefined ? '(?:' : `(?P<${capture(name)}>`;
  });
  return own || opened === undefined ? `(?:${inner})` : `(?P<${opened}>${inner})`;
}

/** Text between patterns stands for itself; a backslash before punctuation is let go. */
function literal(text: string): string {
  return RE2JS.quote(text.replace(/\\([^\w\s])/g, '$1'));
}

/** `03/Aug/2023:12:34:56 +0000` -> `2023-08-03T12:34:56Z`; left as it is when it is something else. */
function isoOf(value: string): string {
  const parts = /^(\d\d?)\/(\w{3})\w*\/(\d{4}):(\d\d?):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(value);
  if (!parts) return value;
  const [, day, month, year, hour, minute, second, sign, zoneHours, zoneMinutes] = parts;
  const offsetMs = (sign === '-' ? -1 : 1) * (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  const ms = Date.UTC(Number(year), MONTHS.indexOf(month!), Number(day), Number(hour), Number(minute), Number(second));
  return Number.isNaN(ms) ? value : new Date(ms - offsetMs).toISOString().replace('.000Z', 'Z');
}
