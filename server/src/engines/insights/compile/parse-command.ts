// parse: fields taken out of a text by a glob or by a regular expression's named groups.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Parse.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { ParsePattern, Span } from '../syntax/tree.ts';
import { re2 } from './regex.ts';
import { text, type Value } from './values.ts';

/** The fields by their names; missing in a text that the pattern does not fit. */
export function parseFields(input: Sql, pattern: ParsePattern, span: Span): [name: string, value: Value][] {
  switch (pattern.kind) {
    case 'glob':
      return globFields(input, pattern.text.split('*'), pattern.names);
    case 'regex': {
      const expression = re2(pattern.source, span);
      return groupsByName(sql`extractGroups(${input}, ${expression})`, pattern, expression);
    }
    case 'logfmt': {
      const pairs = sql`extractKeyValuePairsWithEscaping(ifNull(${input}, ''), '=', ' ', '"')`;
      return [[pattern.into, { kind: 'json', document: sql`toJSONString(${pairs})`, path: [] }]];
    }
    case 'csv': {
      // A comma before each cell, so that an empty one is a match as well.
      const cells = sql`extractAllGroupsVertical(concat(',', ${input}), ',(?:"((?:[^"]|"")*)"|([^,]*))')`;
      return pattern.names.map((name, i) => {
        const cell = sql`${cells}[${i + 1}]`;
        const quoted = sql`replaceAll(${cell}[1], '""', '"')`;
        return [name, text(sql`if(length(${cells}) < ${i + 1}, NULL, if(${cell}[1] != '', ${quoted}, ${cell}[2]))`)];
      });
    }
  }
}

/** The groups of each match, as an array of arrays, and the fields of one of those. */
export function parseMatches(input: Sql, pattern: ParsePattern & { kind: 'regex' }, span: Span) {
  const expression = re2(pattern.source, span);
  return {
    matches: sql`extractAllGroupsVertical(ifNull(${input}, ''), ${expression})`,
    fieldsOf: (groups: Sql) => groupsByName(groups, pattern, expression),
  };
}

function groupsByName(
  groups: Sql,
  { names, byPosition }: ParsePattern & { kind: 'regex' },
  expression: string,
): [name: string, value: Value][] {
  const indexes = groupIndexes(expression);
  return names.map((name, i) => [
    name,
    text(sql`if(empty(${groups}), NULL, ${groups}[${byPosition ? i + 1 : (indexes.get(name) ?? 1)}])`),
  ]);
}

/**
 * The pieces of the pattern are searched one after the other, each where the one before ends: that is what the glob
 * says, and several times faster than an expression with captures.
 */
function globFields(input: Sql, pieces: readonly string[], names: readonly string[]): [string, Value][] {
  const positions: Sql[] = [];
  /** Where the field after piece i begins. */
  const starts: Sql[] = [];
  pieces.forEach((piece, i) => {
    const from = starts.at(-1);
    const last = i === pieces.length - 1;
    let position: Sql;
    if (piece === '') position = from && last ? sql`length(${input}) + 1` : (from ?? sql`1`);
    else position = from ? sql`position(${input}, ${piece}, toUInt64(${from}))` : sql`position(${input}, ${piece})`;
    positions.push(position);
    starts.push(sql`${position} + ${Buffer.byteLength(piece)}`);
  });
  const searched = positions.filter((_, i) => pieces[i] !== '');
  const found =
    searched.length === 0
      ? undefined
      : join(
          searched.map((position) => sql`${position} > 0`),
          ' AND ',
        );
  return names.map((name, i) => {
    const field = sql`substring(${input}, ${starts[i]!}, ${positions[i + 1]!} - (${starts[i]!}))`;
    return [name, text(found ? sql`if(${found}, ${field}, NULL)` : field)];
  });
}

/** Which of all groups each named one is: groups are numbered, and only those without a name can be left uncounted. */
function groupIndexes(expression: string): Map<string, number> {
  const indexes = new Map<string, number>();
  let count = 0;
  let inClass = false;
  for (let at = 0; at < expression.length; at++) {
    const character = expression[at];
    if (character === '\\') at++;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '(' && !inClass) {
      const name = /^\(\?P<([^>]+)>/.exec(expression.slice(at))?.[1];
      if (name !== undefined) indexes.set(name, ++count);
      else if (expression[at + 1] !== '?') count++;
    }
  }
  return indexes;
}
