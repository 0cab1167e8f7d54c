// The parts of a message that are variable by their looks: runs of letters, digits, `_`, `-` and `.` with a digit in them
// (numbers, addresses, identifiers, dates), and what such parts of one message are replaced by before patterns are mined.
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

/** The text with each variable part replaced by VARIABLE. */
export function maskVariables(text: string): string {
  let masked = '';
  let copied = 0;
  let position = 0;
  const { length } = text;
  while (position < length) {
    const code = text.charCodeAt(position);
    if (classOf(code) === BREAK || classOf(code) === BETWEEN) {
      position++;
      continue;
    }
    const start = position;
    const end = endOfRun(text, start);
    if (end > 0) {
      masked += text.slice(copied, start) + VARIABLE;
      copied = end;
      position = end;
    } else position = -end;
  }
  return copied === 0 ? text : masked + text.slice(copied);
}

/** The variable parts in the order in which maskVariables replaces them. */
export function variablesOf(text: string): string[] {
  const variables: string[] = [];
  let position = 0;
  while (position < text.length) {
    const kind = classOf(text.charCodeAt(position));
    if (kind === BREAK || kind === BETWEEN) {
      position++;
      continue;
    }
    const end = endOfRun(text, position);
    if (end > 0) variables.push(text.slice(position, end));
    position = Math.abs(end);
  }
  return variables;
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
    } else if (kind === BREAK) break;
  }
  return digits ? end : -Math.max(position, start + 1);
}
