import type { Span } from './tree.ts';

/** What is wrong with a query's text, and where. Offsets count UTF-16 units from its start. */
export class QuerySyntaxError extends Error {
  readonly start: number;
  readonly end: number;
  readonly expected: readonly string[];

  constructor(message: string, start: number, end: number, expected: readonly string[] = []) {
    super(message);
    this.name = 'QuerySyntaxError';
    this.start = start;
    this.end = end;
    this.expected = expected;
  }
}

/** Says where in the text and what might stand there. */
export function faultIn(text: string, message: string, { start, end }: Span, expected: readonly string[] = []) {
  const before = text.slice(0, start).split('\n');
  const place = `at line ${before.length} and position ${before.at(-1)!.length}`;
  const hint = expected.length > 0 ? `; expected ${expected.join(', ')}` : '';
  return new QuerySyntaxError(`${message} ${place}${hint}`, start, end, expected);
}

/** In AWS's words. */
export function unexpectedSymbol(text: string, span: Span, expected: readonly string[] = []): QuerySyntaxError {
  const found = text.slice(span.start, span.end);
  return faultIn(text, `unexpected symbol found ${found === '' ? 'end of query' : found}`, span, expected);
}
