// Files that are JSON as a whole: a list of objects, or CloudTrail's `{"Records": […]}`, several of them in a row too. Each object of
// the list is a line.

import { UsageError } from '../usage-error.ts';

const BEGINS = /^\uFEFF?\s*(?:\[\s*\{|\{\s*"Records"\s*:\s*\[)/;
/** UTF-16 units of one object. */
const LONGEST_OBJECT = 32 * 1024 * 1024;

/** By the first part of a file. */
export function isJsonList(beginning: string): boolean {
  return BEGINS.test(beginning);
}

export class JsonListSplitter {
  /** What was read of the object under way. */
  #object = '';
  #inList = false;
  #depth = 0;
  #inString = false;
  #escaped = false;

  /** The objects that end in this part of the file, each on one line. */
  push(text: string): string[] {
    const lines: string[] = [];
    let start = this.#depth > 0 ? 0 : -1;
    for (let at = 0; at < text.length; at++) {
      const character = text[at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (character === '\\') this.#escaped = true;
        else if (character === '"') this.#inString = false;
        continue;
      }
      if (character === '"') this.#inString = true;
      else if (!this.#inList) this.#inList = character === '[';
      else if (character === '{' || character === '[') {
        if (this.#depth === 0) start = at;
        this.#depth++;
      } else if (character === '}' || character === ']') {
        if (this.#depth === 0) {
          this.#inList = false;
          continue;
        }
        this.#depth--;
        if (this.#depth > 0) continue;
        lines.push(onOneLine(this.#object + text.slice(start, at + 1)));
        this.#object = '';
        start = -1;
      }
    }
    if (start >= 0) this.#object += text.slice(start);
    if (this.#object.length > LONGEST_OBJECT) {
      throw new UsageError(`An object of the JSON list is longer than ${LONGEST_OBJECT} characters.`);
    }
    return lines;
  }

  /** Throws UsageError when the file ends within the list. */
  finish(): void {
    if (this.#inList) throw new UsageError('The file ends within its JSON list: it is cut off.');
  }
}

function onOneLine(object: string): string {
  if (!object.includes('\n')) return object;
  try {
    return JSON.stringify(JSON.parse(object));
  } catch {
    return object;
  }
}
