// A query of Logs Insights as a tree. Offsets are those of the text, so that a fault found later can still be shown there.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html

export interface Span {
  start: number;
  end: number;
}

export interface Query {
  /** `SOURCE`: the groups that the query selects by itself. */
  source?: SourceCommand;
  commands: Command[];
}

export interface SourceCommand extends Span {
  kind: 'source';
  /** Names, ARNs, or prefixes as given in `logGroups(namePrefix: [...])`. */
  groups: string[];
  namePrefixes: string[];
  class?: string;
  accountIds: string[];
}

/** An expression under the name that its column has: the alias, or its own text. */
export interface Item extends Span {
  expression: Expression;
  alias?: string;
  name: string;
}

export type Command = Span &
  (
    | { kind: 'fields' | 'display'; items: Item[] }
    | { kind: 'filter' | 'filterIndex'; condition: Expression }
    | { kind: 'stats'; aggregates: Item[]; by: Item[] }
    | { kind: 'sort'; keys: SortKey[] }
    | { kind: 'limit'; count: number }
    | { kind: 'parse'; input: Expression; pattern: ParsePattern }
    | { kind: 'dedup'; fields: Expression[] }
    | { kind: 'unnest'; input: Expression; into: string }
    | { kind: 'pattern'; input: Expression }
    | { kind: 'diff'; period?: string }
    | { kind: 'anomaly' }
    | { kind: 'lookup'; table: string; keys: LookupKey[]; outputs: Item[] }
    | { kind: 'join'; type: 'inner' | 'left'; left: string; right: string; keys: JoinKey[]; query: Query }
  );

export type CommandKind = Command['kind'];

export interface SortKey {
  expression: Expression;
  descending: boolean;
}

export interface LookupKey {
  /** Column of the table. */
  column: string;
  field: Expression;
}

/** Fields of the two sides that are equal, without their aliases. */
export interface JoinKey {
  left: string;
  right: string;
}

export type ParsePattern =
  /** `*` stands for a field each. */
  | { kind: 'glob'; text: string; names: string[] }
  /** Named groups are the fields. */
  | { kind: 'regex'; source: string; flags: string; names: string[] };

export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^';
export type BinaryOperator = 'and' | 'or' | ComparisonOperator | ArithmeticOperator | 'like' | 'not like';
export type DurationUnit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w' | 'mo' | 'q' | 'y';

export type Expression = Span &
  (
    | { kind: 'field'; name: string }
    | { kind: 'number'; value: number }
    | { kind: 'string'; value: string }
    | { kind: 'boolean'; value: boolean }
    | { kind: 'duration'; count: number; unit: DurationUnit }
    | { kind: 'regex'; source: string; flags: string }
    | { kind: 'unary'; operator: '-' | 'not'; operand: Expression }
    | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
    | { kind: 'in'; not: boolean; value: Expression; options: Expression[] }
    /** A subquery; it knows nothing of the query around it. */
    | { kind: 'in query'; not: boolean; value: Expression; query: Query }
    /** `name` as the table of functions spells it. `*` of count(*) is no argument. */
    | { kind: 'call'; name: string; args: Expression[] }
  );
