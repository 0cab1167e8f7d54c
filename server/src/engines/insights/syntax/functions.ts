// The functions of the language. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
// and https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html

export interface FunctionShape {
  name: string;
  /** How many arguments: at least, at most. */
  arity: readonly [number, number];
  aggregate: boolean;
}

const MANY = 64;

const SCALARS: Record<string, readonly [number, number]> = {
  abs: [1, 1],
  ceil: [1, 1],
  floor: [1, 1],
  greatest: [1, MANY],
  least: [1, MANY],
  log: [1, 1],
  sqrt: [1, 1],
  bin: [1, 2],
  datefloor: [2, 2],
  dateceil: [2, 2],
  fromMillis: [1, 1],
  toMillis: [1, 1],
  now: [0, 0],
  ispresent: [1, 1],
  coalesce: [1, MANY],
  jsonParse: [1, 1],
  jsonStringify: [1, 1],
  isValidIp: [1, 1],
  isValidIpv4: [1, 1],
  isValidIpv6: [1, 1],
  isIpInSubnet: [2, 2],
  isIpv4InSubnet: [2, 2],
  isIpv6InSubnet: [2, 2],
  isempty: [1, 1],
  isblank: [1, 1],
  concat: [1, MANY],
  ltrim: [1, 2],
  rtrim: [1, 2],
  trim: [1, 2],
  strlen: [1, 1],
  toupper: [1, 1],
  tolower: [1, 1],
  substr: [2, 3],
  replace: [3, 3],
  strcontains: [2, 2],
  unmask: [1, 1],
};

const AGGREGATES: Record<string, readonly [number, number]> = {
  count: [0, 1],
  count_distinct: [1, 1],
  sum: [1, 1],
  avg: [1, 1],
  min: [1, 1],
  max: [1, 1],
  pct: [2, 2],
  median: [1, 1],
  stddev: [1, 1],
  earliest: [1, 1],
  latest: [1, 1],
  sortsFirst: [1, 1],
  sortsLast: [1, 1],
};

const FUNCTIONS = new Map<string, FunctionShape>();
for (const [table, aggregate] of [
  [SCALARS, false],
  [AGGREGATES, true],
] as const) {
  for (const [name, arity] of Object.entries(table)) FUNCTIONS.set(name.toLowerCase(), { name, arity, aggregate });
}

/** Whatever the case of its letters. */
export function findFunction(name: string): FunctionShape | undefined {
  return FUNCTIONS.get(name.toLowerCase());
}

export function functionNames(): string[] {
  return [...FUNCTIONS.values()].map(({ name }) => name);
}
