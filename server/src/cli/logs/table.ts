// Rows as a table that fits a width: columns give way, the widest first, and what is cut ends in an ellipsis.

import { stripVTControlCharacters } from 'node:util';

const SEPARATOR = '  ';
const NARROWEST = 8;
const ELLIPSIS = '…';

/** Lines: the header, a rule and the rows. Columns of numbers only stand to the right. */
export function formatTable(columns: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const shown = rows.map((row) => row.map(inOneLine));
  const names = columns.map(inOneLine);
  const numeric = columns.map((_, i) => shown.length > 0 && shown.every((row) => isNumber(row[i]!)));
  const natural = columns.map((_, i) => Math.max(names[i]!.length, ...lengths(shown, i)));
  const widths = fit(natural, width);
  const render = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const text = cut(cell, widths[i]!);
        if (numeric[i]) return text.padStart(widths[i]!);
        return i === cells.length - 1 ? text : text.padEnd(widths[i]!);
      })
      .join(SEPARATOR)
      .trimEnd();
  return [render(names), widths.map((length) => '─'.repeat(length)).join(SEPARATOR), ...shown.map(render)];
}

function* lengths(rows: readonly (readonly string[])[], column: number): Generator<number> {
  let longest = 0;
  for (const row of rows) longest = Math.max(longest, row[column]!.length);
  yield longest;
}

function fit(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const room = width - SEPARATOR.length * (widths.length - 1);
  let excess = widths.reduce((sum, length) => sum + length, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    const column = widths.indexOf(widest);
    const second = Math.max(NARROWEST, ...widths.filter((length) => length < widest));
    const step = Math.max(1, Math.min(excess, widest - second));
    widths[column] = widest - step;
    excess -= step;
  }
  return widths;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - ELLIPSIS.length)}${ELLIPSIS}`;
}

function isNumber(text: string): boolean {
  return text === '' || /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text);
}

/** Log lines may hold anything, escape sequences of terminals too. */
function inOneLine(text: string): string {
  return stripVTControlCharacters(text).replace(/\r?\n/g, '⏎').replace(/\t/g, ' ').trimEnd();
}
