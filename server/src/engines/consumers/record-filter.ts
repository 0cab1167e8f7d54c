// Filter criteria: a record is kept when one of up to ten patterns matches it.
// The data of a record (an SQS body, Kinesis data) is text that may be JSON; how the pattern is written decides how it is read:
// a pattern with fields inside the data takes JSON only, one with values for the data as a whole takes plain text only.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

import { compilePattern, type Pattern } from '#engines/event-pattern/pattern.ts';

export interface RecordFilter {
  matches(record: Readonly<Record<string, unknown>>): boolean;
}

/** `dataField` is the field that holds the text: `body`, `data`. Throws PatternError for what is no pattern. */
export function compileRecordFilter(patterns: readonly string[], dataField: string | undefined): RecordFilter {
  const compiled = patterns.map((text) => compileOne(text, dataField));
  return { matches: (record) => compiled.some((matches) => matches(record)) };
}

function compileOne(text: string, dataField: string | undefined) {
  const pattern = compilePattern(text);
  const kind = dataField === undefined ? undefined : kindOfField(pattern, dataField);
  return (record: Readonly<Record<string, unknown>>): boolean => {
    if (kind === undefined || dataField === undefined) return pattern.matches(record);
    const json = jsonOf(record[dataField]);
    if (kind === 'object') return json !== undefined && pattern.matches({ ...record, [dataField]: json });
    return json === undefined && pattern.matches(record);
  };
}

function kindOfField({ root }: Pattern, name: string): 'object' | 'values' | undefined {
  for (const pattern of [root, ...root.alternatives.flat()]) {
    for (const field of pattern.fields) {
      if (field.name === name) return field.kind;
      // A name with dots is nesting written flat.
      if (field.name.startsWith(`${name}.`)) return 'object';
    }
  }
  return undefined;
}

/** What the text holds when it is a JSON object or array. */
function jsonOf(text: unknown): object | undefined {
  if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}
