// The parts of a message that are variable by their looks: runs of letters, digits, `_`, `-` and `.` with a digit in them
// (numbers, addresses, identifiers, dates), with the unit of a size, and dates with names of months; and what such parts of one message are replaced by before patterns are mined.
// One pass over the characters, in time proportional to the text.

/** Stands for a variable part in a masked message and in templates. No log message is expected to have it. */
export const VARIABLE = '\u0001';

const BREAK = 0;
const LETTER = 1;
const DIGIT = 2;
/** Belongs to a run inside of it: `10.0.0.1`, `2026-11-23`. */
const INNER = 3;
/** Belongs to a run between two digits only: `12:30:05,123`, `23/11/2026`. */
const BETWEEN = 4;

const CLASSES = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  if (/[A-Za-z_]/.test(character)) CLASSES[code] = LETTER;
  else if (/\d/.test(character)) CLASSES[code] = DIGIT;
  else if (character === '.' || character === '-') CLASSES[code] = INNER;
  else if (character === ':' || character === ',' || character === '/' || character === '+') CLASSES[code] = BETWEEN;
}

function classOf(code: number): number {
  return code < 128 ? CLASSES[code]! : LETTER;
}

const WEEKDAYS = 'Mon|Tue|Wed|Thu|Fri|Sat|Sun';
const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const NAMES_IN_DATES = new Set(`${WEEKDAYS}|${MONTHS}`.split('|'));
/** `Fri Jun 17 07:07:00 2005`, `Jun 17, 2005`. */
const DATE = new RegExp(
  `(?:(?:${WEEKDAYS}),? )?(?:${MONTHS}) {1,2}\\d{1,2}\\b(?:,? \\d{4}\\b)?(?: \\d\\d:\\d\\d(?::\\d\\d)?)?(?: [A-Z]{3,4}\\b)?(?: \\d{4}\\b)?`,
  'y',
);
/** After a number: ` KB`, ` bytes (1.5 KB)`. */
const SIZE_UNIT = / (?:bytes?|[KMGTP]i?B|B)\b(?: \(\d[\d.,]* ?[KMGTP]?i?B\))?/y;
/** `<1 sec`. */
const LESS_THAN = /<\d+ (?:ms|s|sec|secs|seconds?|minutes?)\b/y;
const LESS = '<'.charCodeAt(0);
const SPACE = ' '.charCodeAt(0);
const DOT = '.'.charCodeAt(0);

/** The text with each variable part replaced by VARIABLE. */
export function maskVariables(text: string): string {
  const scanner = new VariableScanner(text);
  let masked = '';
  let copied = 0;
  while (scanner.next()) {
    masked += text.slice(copied, scanner.start) + VARIABLE;
    copied = scanner.end;
  }
  return copied === 0 ? text : masked + text.slice(copied);
}

/** The variable parts in the order in which maskVariables replaces them. */
export function variablesOf(text: string): string[] {
  const scanner = new VariableScanner(text);
  const variables: string[] = [];
  while (scanner.next()) variables.push(text.slice(scanner.start, scanner.end));
  return variables;
}

/** Goes from one variable part to the next. */
class VariableScanner {
  start = 0;
  end = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  next(): boolean {
    const text = this.#text;
    let position = this.end;
    while (position < text.length) {
      const code = text.charCodeAt(position);
      const kind = classOf(code);
      if (kind === BREAK || kind === BETWEEN) {
        if (code === LESS && classOf(text.charCodeAt(position + 1)) === DIGIT) {
          const end = endOfMatch(LESS_THAN, text, position);
          if (end > 0) return this.#found(position, end);
        }
        position++;
        continue;
      }
      const end = endOfRun(text, position);
      if (end > 0) {
        const size = kind === DIGIT && text.charCodeAt(end) === SPACE ? endOfMatch(SIZE_UNIT, text, end) : 0;
        return this.#found(position, size || end);
      }
      if (-end - position === 3 && NAMES_IN_DATES.has(text.slice(position, -end))) {
        const date = endOfMatch(DATE, text, position);
        if (date > 0) return this.#found(position, date);
      }
      position = -end;
    }
    return false;
  }

  #found(start: number, end: number): true {
    this.start = start;
    this.end = end;
    return true;
  }
}

function endOfMatch(expression: RegExp, text: string, position: number): number {
  expression.lastIndex = position;
  return expression.test(text) ? expression.lastIndex : 0;
}

/** End of the run that begins at `start`; negated when there is no digit in it, so that it is no variable. */
function endOfRun(text: string, start: number): number {
  const { length } = text;
  let position = start;
  let digits = false;
  let end = start;
  for (; position < length; position++) {
    const kind = classOf(text.charCodeAt(position));
    if (kind === DIGIT) {
      digits = true;
      end = position + 1;
    } else if (kind === LETTER) {
      end = position + 1;
    } else if (kind === BETWEEN) {
      const digitBefore = position > start && classOf(text.charCodeAt(position - 1)) === DIGIT;
      const digitAfter = position + 1 < length && classOf(text.charCodeAt(position + 1)) === DIGIT;
      if (!digitBefore || !digitAfter) break;
    } else if (kind === BREAK || isLeader(text, position)) break;
  }
  const isVariable = digits ? !isAcronym(text, start, end) : isHexadecimal(text, start, end);
  return isVariable ? end : -Math.max(position, start + 1);
}

/** As long as a 32-bit number at least; words of these letters only are shorter. */
function isHexadecimal(text: string, start: number, end: number): boolean {
  if (end - start < 8) return false;
  for (let i = start; i < end; i++) {
    const letter = text.charCodeAt(i) | 0x20;
    if (letter < 0x61 || letter > 0x66) return false;
  }
  return true;
}

/** Capitals with one digit after them are a name: SHA1, SOCKS5, IPV4. */
function isAcronym(text: string, start: number, end: number): boolean {
  if (end - start < 4 || end - start > 8) return false;
  for (let i = start; i < end - 1; i++) {
    const code = text.charCodeAt(i);
    if (code < 65 || code > 90) return false;
  }
  return true;
}

/** Of a line of dots, as in `threshold......2`. */
function isLeader(text: string, position: number): boolean {
  return text.charCodeAt(position) === DOT && text.charCodeAt(position + 1) === DOT;
}
