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
