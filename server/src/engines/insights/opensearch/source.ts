// What PPL and SQL read: log groups, groups of data sources, and only what field indexes lead to.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_SQL.html (Query scope)

import type { Command, Expression, Query, SourceCommand, Span } from '../syntax/tree.ts';
import type { OpenSearchReader } from './reader.ts';

const INDEX = 'aws:fieldIndex';

/** ``[lg:`a`, ds:`b.c`, `aws:fieldIndex` = "status", `status` = 200]``, after its bracket; results are of all of these. */
export function readPplSources(reader: OpenSearchReader, start: number): Query {
  const read = new Sources();
  reader.list(() => {
    const { next } = reader.lexer;
    const kind = (['lg', 'ds'] as const).find((word) => reader.isWord(word));
    const name = next.kind === 'string' ? reader.string() : reader.name();
    if (reader.isSymbol('=') || reader.isWord('in')) {
      if (name !== INDEX) read.conditions.push(condition(reader, name, next));
      else read.indexed.push(...values(reader).map((value) => (value.kind === 'string' ? value.value : '')));
    } else if (kind && reader.acceptSymbol(':')) {
      (kind === 'lg' ? read.groups : read.dataSources).push(reader.name());
    } else read.groups.push(name);
  });
  reader.symbol(']');
  return read.query({ start, end: reader.lexer.at });
}

/** `logGroups(logGroupIdentifier: ['a']) filterIndex('status' = 200) dataSource(['b.c'])`, of which each may be absent. */
export function readSqlSources(reader: OpenSearchReader, at: Span): Query {
  const read = new Sources();
  const texts = () => {
    reader.symbol('[');
    const found = reader.list(() => reader.string());
    reader.symbol(']');
    return found;
  };
  while (reader.lexer.next.kind !== 'end') {
    const token = reader.lexer.next;
    const word = reader.name().toLowerCase();
    reader.symbol('(');
    if (word === 'loggroups') {
      reader.word('loggroupidentifier');
      reader.symbol(':');
      read.groups.push(...texts());
    } else if (word === 'datasource') read.dataSources.push(...texts());
    else if (word === 'filterindex') {
      reader.list(() => {
        const { next } = reader.lexer;
        const field = reader.string();
        read.indexed.push(field);
        read.conditions.push(condition(reader, field, next));
      });
    } else throw reader.unexpected(token, ['logGroups', 'filterIndex', 'dataSource']);
    reader.symbol(')');
  }
  return read.query(at);
}

class Sources {
  readonly groups: string[] = [];
  readonly dataSources: string[] = [];
  /** Fields whose indexes are used. */
  readonly indexed: string[] = [];
  readonly conditions: (Expression & { field: string })[] = [];

  query(at: Span): Query {
    const { groups, dataSources, indexed } = this;
    const source: SourceCommand = {
      kind: 'source',
      groups,
      namePrefixes: [],
      accountIds: [],
      ...(dataSources.length > 0 && { dataSources }),
      ...at,
    };
    const commands = this.conditions.map(({ field, ...condition }): Command => {
      const kind = indexed.includes(field) ? 'filterIndex' : 'filter';
      return { kind, condition: condition as Expression, ...at };
    });
    for (const name of indexed) {
      if (this.conditions.some(({ field }) => field === name)) continue;
      const present: Expression = { kind: 'call', name: 'ispresent', args: [{ kind: 'field', name, ...at }], ...at };
      commands.push({ kind: 'filterIndex', condition: present, ...at });
    }
    return { source, commands };
  }
}

/** `= 200`, `IN ['a', 'b']` or `IN ("a", "b")`, after the name of the field. */
function condition(reader: OpenSearchReader, field: string, { start, end }: Span): Expression & { field: string } {
  const value: Expression = { kind: 'field', name: field, start, end };
  const options = values(reader);
  return { kind: 'in', not: false, value, options, field, start, end: reader.lexer.at };
}

function values(reader: OpenSearchReader): Expression[] {
  if (reader.acceptSymbol('=')) return [reader.value()];
  reader.word('in');
  const close = reader.acceptSymbol('[') ? ']' : ')';
  if (close === ')') reader.symbol('(');
  const found = reader.list(() => reader.value());
  reader.symbol(close);
  return found;
}
