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
  round: [1, 2],
  haversine: [4, 4],
  toNumber: [1, 1],
  toInt: [1, 1],
  toLong: [1, 1],
  toDouble: [1, 1],
  bin: [1, 2],
  datefloor: [2, 2],
  dateceil: [2, 2],
  fromMillis: [1, 1],
  toMillis: [1, 1],
  now: [0, 0],
  parseDate: [2, 3],
  formatDate: [2, 3],
  queryStartTime: [0, 0],
  queryEndTime: [0, 0],
  queryTimeRange: [0, 0],
  ispresent: [1, 1],
  coalesce: [1, MANY],
  case: [2, 21],
  if: [3, 3],
  isNumeric: [1, 1],
  messageSize: [1, 1],
  jsonParse: [1, 1],
  jsonStringify: [1, 1],
  jsonArraySize: [1, 1],
  jsonArrayContains: [2, 2],
  md5: [1, 1],
  sha256: [1, 1],
  isValidIp: [1, 1],
  isValidIpv4: [1, 1],
  isValidIpv6: [1, 1],
  isIpInSubnet: [2, 2],
  isIpv4InSubnet: [2, 2],
  isIpv6InSubnet: [2, 2],
  ipv4ToNumber: [1, 1],
  isPrivateIP: [1, 1],
  isPublicIP: [1, 1],
  isReservedIP: [1, 1],
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
  regexReplace: [3, 3],
  strcontains: [2, 3],
  startsWith: [2, 2],
  endsWith: [2, 2],
  split: [2, 2],
  urlencode: [1, 1],
  urldecode: [1, 1],
  base64encode: [1, 1],
  base64decode: [1, 1],
  hexToAscii: [1, 1],
  hexToDec: [1, 1],
  decToHex: [1, 1],
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
  rate: [2, 2],
  count_over_time: [0, 1],
  sum_over_time: [1, 1],
  histogram: [2, 2],
};

/** Aggregates of PPL and SQL alone, as the tree calls them: functions of those languages have capital letters there. */
const OPENSEARCH_AGGREGATES: ReadonlySet<string> = new Set([
  'BOOL_AND',
  'BOOL_OR',
  'COLLECT_LIST',
  'COLLECT_SET',
  'CORR',
  'COUNT_IF',
  'COVAR_POP',
  'COVAR_SAMP',
  'KURTOSIS',
  'MAX',
  'MAX_BY',
  'MIN',
  'MIN_BY',
  'MODE',
  'SKEWNESS',
  'STDDEV_SAMP',
  'VAR_POP',
  'VAR_SAMP',
]);

/** Of a function by the name that the tree has for it. */
export function isAggregate(name: string): boolean {
  return OPENSEARCH_AGGREGATES.has(name) || Object.hasOwn(AGGREGATES, name);
}

/** Those of which `*` is all that there is to count. */
export const COUNTS: ReadonlySet<string> = new Set(['count', 'count_over_time']);

/** Other names of the same. */
const ALIASES: Record<string, string> = {
  regex_replace: 'regexReplace',
  strftime: 'formatDate',
  countovertime: 'count_over_time',
  sumovertime: 'sum_over_time',
};

const FUNCTIONS = new Map<string, FunctionShape>();
for (const [table, aggregate] of [
  [SCALARS, false],
  [AGGREGATES, true],
] as const) {
  for (const [name, arity] of Object.entries(table)) FUNCTIONS.set(name.toLowerCase(), { name, arity, aggregate });
}

for (const [alias, name] of Object.entries(ALIASES)) FUNCTIONS.set(alias, FUNCTIONS.get(name.toLowerCase())!);

/** Whatever the case of its letters. */
export function findFunction(name: string): FunctionShape | undefined {
  return FUNCTIONS.get(name.toLowerCase());
}

export function functionNames(): string[] {
  return [...FUNCTIONS.values()].map(({ name }) => name);
}
