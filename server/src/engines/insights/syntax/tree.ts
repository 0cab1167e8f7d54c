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
  /** Tags that the groups have, each with any of the values; without values, with any. */
  tags?: TagCondition[];
  /** `name.type` of the sources that the groups' logs come from. */
  dataSources?: string[];
  /** A time of its own, in place of the query's. */
  from?: TimePoint;
  to?: TimePoint;
}

export interface TagCondition {
  key: string;
  /** `*` at either end stands for any text; `!` before it for all others. */
  values: string[];
}

/** Milliseconds since the epoch, or so long before now. */
export type TimePoint = { kind: 'epoch'; ms: number } | { kind: 'ago'; count: number; unit: DurationUnit };

/** An expression under the name that its column has: the alias, or its own text. */
export interface Item extends Span {
  expression: Expression;
  alias?: string;
  name: string;
}

export type Command = Span &
  (
    | { kind: 'fields' | 'display'; items: Item[] }
    /** As fields, beside the columns that there are. */
    | { kind: 'eval'; items: Item[] }
    | { kind: 'filter' | 'filterIndex'; condition: Expression }
    /** `offset`: events of so long before, in the bins of now. */
    | { kind: 'stats'; aggregates: Item[]; by: Item[]; offset?: Duration }
    | { kind: 'sort'; keys: SortKey[] }
    /** `any`: whichever are found first. `offset`: so many rows are passed over. */
    | { kind: 'limit'; count: number; any?: true; offset?: number }
    | { kind: 'parse'; input: Expression; pattern: ParsePattern }
    | { kind: 'json'; field: string; path: string; into: string }
    /** `count`: of each so many rows stay; one without it. */
    | { kind: 'dedup'; fields: Expression[]; count?: number }
    | { kind: 'unnest'; input: Expression; into: string }
    | { kind: 'expand'; field: string }
    | { kind: 'pattern'; input: Expression }
    | { kind: 'diff'; period?: string }
    /** The patterns of messages, beside those of so long before. */
    | { kind: 'logcompare'; shift: Duration }
    | { kind: 'anomaly' }
    /** In place of the result: how much would be scanned. */
    | { kind: 'estimate' }
    /** Without fields: all that there are. */
    | { kind: 'relevantfields'; fields: string[]; condition: Expression }
    | { kind: 'lookup'; table: string; keys: LookupKey[]; outputs: Item[] }
    | {
        kind: 'cidrlookup';
        table: string;
        field: Expression;
        column?: string;
        outputs: Item[];
        /** OUTPUTNEW: fields that are there stay. */
        onlyMissing: boolean;
      }
    | { kind: 'accum'; field: string; into: string }
    | { kind: 'autoregress'; field: string; alias?: string; first: number; last: number }
    /** Names may have `*`; none: all. */
    | { kind: 'filldown'; fields: string[] }
    | { kind: 'fillmissing'; values: { value: Expression; field: string }[] }
    | { kind: 'sessionize'; fields: Expression[]; gap: Duration; into: string }
    | {
        kind: 'outlier';
        action: 'remove' | 'transform';
        factor: number;
        lower: boolean;
        mark: boolean;
        fields: string[];
      }
    | { kind: 'addtotals'; name: string; row: boolean; column: boolean; fields: string[] }
    | { kind: 'countFrequent'; fields: Expression[] }
    | { kind: 'appendcols'; override: boolean; most: number; query: Query }
    | { kind: 'join'; type: 'inner' | 'left'; left: string; right: string; keys: JoinKey[]; query: Query }
    /** The rows of both queries, column by column in their order. */
    | { kind: 'union'; operator: 'union' | 'intersect' | 'except'; all: boolean; query: Query }
  );

export type CommandKind = Command['kind'];

export interface SortKey {
  expression: Expression;
  descending: boolean;
  /** Rows without the value stand first; without this they are the last in either direction. */
  missingFirst?: boolean;
}

/** The rows around a row that a window function sees. Without `count` a bound is the partition's. */
export interface Frame {
  unit: 'rows' | 'range';
  from: FrameBound;
  to: FrameBound;
}

export interface FrameBound {
  side: 'preceding' | 'current row' | 'following';
  count?: number;
}

export interface LookupKey {
  /** Column of the table. */
  column: string;
  field: Expression;
}

export interface Duration {
  count: number;
  unit: DurationUnit;
}

/** Fields of the two sides that are equal, without their aliases. */
export interface JoinKey {
  left: string;
  right: string;
}

export type ParsePattern =
  /** `*` stands for a field each. */
  | { kind: 'glob'; text: string; names: string[] }
  /** Named groups are the fields, or all groups where they have their names beside the pattern; `multi`: a row for each match. */
  | { kind: 'regex'; source: string; names: string[]; byPosition?: true; multi?: true }
  | { kind: 'logfmt'; into: string }
  | { kind: 'csv'; names: string[] };

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
    | { kind: 'regex'; source: string }
    | { kind: 'unary'; operator: '-' | 'not'; operand: Expression }
    | { kind: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
    | { kind: 'in'; not: boolean; value: Expression; options: Expression[] }
    /** A subquery; it knows nothing of the query around it. */
    | { kind: 'in query'; not: boolean; value: Expression; query: Query }
    /** The one value that a subquery gives. */
    | { kind: 'query'; query: Query }
    /** A window function, or an aggregate over a window. */
    | { kind: 'over'; call: Call; partition: Expression[]; order: SortKey[]; frame?: Frame }
    | Call
  );

/** `name` as the table of functions spells it; in capitals it is one of PPL and SQL alone. `*` of count(*) is no argument. */
export interface Call extends Span {
  kind: 'call';
  name: string;
  args: Expression[];
}
