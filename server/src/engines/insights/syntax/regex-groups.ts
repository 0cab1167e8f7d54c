// The groups of a regular expression as AWS (Java) writes it, and the expression as ClickHouse (RE2) reads it.

export interface RegexGroups {
  /** For RE2: named groups are plain ones, all others capture nothing. */
  source: string;
  /** In the order of the captures. */
  names: string[];
  /** What RE2 cannot do (look-around, back references), as it stands in the text. */
  unsupported: string | undefined;
}

export function namedGroups(source: string): string[] {
  return readGroups(source).names;
}

export function readGroups(source: string): RegexGroups {
  const names: string[] = [];
  let unsupported: string | undefined;
  let inClass = false;
  let out = '';
  for (let at = 0; at < source.length; at++) {
    const character = source[at]!;
    if (character === '\\') {
      const next = source[at + 1] ?? '';
      if (!inClass && /[1-9k]/.test(next)) unsupported ??= `\\${next}`;
      // Any horizontal white space, and the end of the text: spelled otherwise in RE2.
      out += next === 'h' ? '[\\t ]' : next === 'Z' ? '\\z' : `\\${next}`;
      at++;
      continue;
    }
    if (inClass) {
      if (character === ']') inClass = false;
      out += character;
      continue;
    }
    if (character === '[') {
      inClass = true;
      out += character;
      if (source[at + 1] === '^') out += source[++at];
      if (source[at + 1] === ']') out += `\\${source[++at]}`;
      continue;
    }
    if (character !== '(') {
      // Possessive quantifiers differ from greedy ones only in how fast they fail.
      if (character === '+' && /[*+?}]/.test(source[at - 1] ?? '') && source[at - 2] !== '\\') continue;
      out += character;
      continue;
    }
    const named = /^\(\?P?<([A-Za-z_]\w*)>/.exec(source.slice(at));
    if (named) {
      names.push(named[1]!);
      out += '(';
      at += named[0].length - 1;
    } else if (source[at + 1] !== '?') out += '(?:';
    else {
      const special = /^\(\?(<?[=!]|>)/.exec(source.slice(at))?.[0];
      if (special === '(?>') {
        out += '(?:';
        at += 2;
      } else {
        if (special) unsupported ??= special;
        out += '(';
      }
    }
  }
  return { source: out, names, unsupported };
}
