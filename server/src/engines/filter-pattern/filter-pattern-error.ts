// A fault in a filter pattern, with where it stands.

export class FilterPatternError extends Error {
  /** Offset in UTF-16 units from the start of the pattern. */
  readonly position: number;
  /** AWS gives this detail as the whole message; others it hides behind "Invalid filter pattern". */
  readonly wordedByAws: boolean;

  constructor(detail: string, position: number, wordedByAws = false) {
    super(detail);
    this.name = 'FilterPatternError';
    this.position = position;
    this.wordedByAws = wordedByAws;
  }
}
