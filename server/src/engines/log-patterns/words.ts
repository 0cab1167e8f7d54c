// Words of a message: between white space; of a JSON document also its keys and values and what stands between them.

const MOST_WORDS = 256;
const DELIMITERS = new Set('{}[],:"');

/** Joined again by joinWords. Words of JSON keep the delimiters as words of their own. */
export function splitWords(text: string): string[] {
  const words = text.charCodeAt(0) === 0x7b /* { */ ? splitJson(text) : text.split(/\s+/).filter((word) => word !== '');
  if (words.length <= MOST_WORDS) return words;
  return words.slice(0, MOST_WORDS);
}

/** A word that began after white space is set apart by a space. */
export function joinWords(words: readonly string[]): string {
  if (!isJson(words)) return words.join(' ');
  return words.map((word) => (word.startsWith(' ') ? ` ${word.trimStart()}` : word)).join('');
}

/** Whether they are words of a JSON document. */
export function isJson(words: readonly string[]): boolean {
  return words[0] === '{';
}

function splitJson(text: string): string[] {
  const words: string[] = [];
  let word = '';
  const flush = () => {
    if (word !== '') words.push(word);
    word = '';
  };
  for (const character of text) {
    if (DELIMITERS.has(character)) {
      flush();
      words.push(character);
    } else if (/\s/.test(character)) {
      flush();
      word = ' ';
    } else word += character;
    if (words.length > MOST_WORDS) return words;
  }
  flush();
  return words;
}
