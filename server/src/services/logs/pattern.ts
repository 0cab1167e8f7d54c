// Filter patterns in requests: AWS names some faults, and says of the others that the pattern is invalid; Brume adds
// what it expected, and where.

import { type FilterPattern, FilterPatternError, parseFilterPattern } from '#engines/filter-pattern/filter-pattern.ts';
import { invalidParameter } from './constraints.ts';

/** `summary` is AWS's message for the operation: `Invalid filter pattern`. */
export function parsePattern(text: string | undefined, summary: string, alwaysSummary = false): FilterPattern {
  try {
    return parseFilterPattern(text ?? '');
  } catch (error) {
    if (!(error instanceof FilterPatternError)) throw error;
    if (error.wordedByAws) throw invalidParameter(alwaysSummary ? `${summary}: ${error.message}` : error.message);
    throw invalidParameter(`${summary}: ${error.message} at position ${error.position + 1}`);
  }
}
