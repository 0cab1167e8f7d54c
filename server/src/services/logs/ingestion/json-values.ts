// JSON values that stand one after another in a text, without a list around them, as log collectors send them.

/** The texts of up to `most` values. Throws SyntaxError where something else stands, or more. */
export function splitJsonValues(text: string, most: number): string[] {
  const values: string[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    if (values.length === most) throw new SyntaxError(`more than ${most} values`);
    const end = endOfValue(text, at);
    values.push(text.slice(at, end));
    at = skipSpace(text, end);
  }
  return values;
}

/** Finds the end only; whether the value is JSON, JSON.parse tells. */
function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') {
    const scalar = /[^\s,:"{}[\]]+/y;
    scalar.lastIndex = start;
    if (!scalar.test(text)) throw new SyntaxError(`unexpected ${first} at ${start}`);
    return scalar.lastIndex;
  }
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') {
      depth--;
      if (depth === 0) return at + 1;
    }
  }
  throw new SyntaxError('the text ends within a value');
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at];
    if (character === '\\') at++;
    else if (character === '"') return at + 1;
  }
  throw new SyntaxError('the text ends within a string');
}

function skipSpace(text: string, at: number): number {
  const space = /\s*/y;
  space.lastIndex = at;
  space.test(text);
  return space.lastIndex;
}
