// Comma-separated values: rows of texts, as RFC 4180 has them. https://www.rfc-editor.org/rfc/rfc4180

/** What is wrong, with the line it stands on (from 1). */
export class CsvError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.name = 'CsvError';
    this.line = line;
  }
}

/** Lines end in LF or CRLF; the last one may go without. Empty lines are no rows. Throws CsvError. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let line = 1;
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (position < text.length) {
    const blank = row.length === 0 ? lineEnd(text, position) : 0;
    if (blank > 0) {
      position += blank;
      line++;
      continue;
    }
    const field = text[position] === '"' ? quotedField(text, position, line) : plainField(text, position);
    row.push(field.value);
    line += field.lines;
    position = field.end;
    const ends = /\r?\n|,|$/y;
    ends.lastIndex = position;
    const end = ends.exec(text)?.[0];
    if (end === undefined) throw new CsvError('text after a closing quote', line);
    position += end.length;
    if (end === ',') {
      if (position === text.length) row.push('');
      else continue;
    }
    rows.push(row);
    row = [];
    line++;
  }
  return rows;
}

/** One row with its line end. */
export function formatCsvRow(fields: readonly string[]): string {
  const quoted = fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field));
  // A row of one empty field would read back as no row.
  return `${quoted.length === 1 && quoted[0] === '' ? '""' : quoted.join(',')}\n`;
}

/** How long the line end is that stands there; 0 when there is none. */
function lineEnd(text: string, position: number): number {
  if (text[position] === '\n') return 1;
  return text.startsWith('\r\n', position) ? 2 : 0;
}

interface Field {
  value: string;
  end: number;
  /** Line ends inside it. */
  lines: number;
}

function plainField(text: string, start: number): Field {
  const ends = /\r?\n|,|$/g;
  ends.lastIndex = start;
  const end = ends.exec(text)!.index;
  return { value: text.slice(start, end), end, lines: 0 };
}

function quotedField(text: string, start: number, line: number): Field {
  let end = start + 1;
  for (;;) {
    const quote = text.indexOf('"', end);
    if (quote < 0) throw new CsvError('a quote that is not closed', line);
    if (text[quote + 1] !== '"') {
      const value = text.slice(start + 1, quote);
      return { value: value.replaceAll('""', '"'), end: quote + 1, lines: value.split('\n').length - 1 };
    }
    end = quote + 2;
  }
}
