// The fields that Logs Insights finds in an event by itself: those of JSON, with dotted paths, of the lines that Lambda
// writes, of VPC flow logs and Route 53 query logs. The compiler of queries finds the same in SQL.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html

/** AWS extracts so many of an event. */
const MOST_FIELDS = 200;
const LAMBDA_UNITS: Record<string, number> = { ms: 1, MB: 1_000_000 };
const LAMBDA_FIELDS: Record<string, string> = {
  Duration: '@duration',
  'Billed Duration': '@billedDuration',
  'Memory Size': '@memorySize',
  'Max Memory Used': '@maxMemoryUsed',
  'Init Duration': '@initDuration',
  'XRAY TraceId': '@xrayTraceId',
  SegmentId: '@xraySegmentId',
};

/** The words of VPC flow logs in their default format, and of Route 53 query logs. */
const RECORDS: readonly { pattern: RegExp; names: readonly string[] }[] = [
  {
    pattern: /^[0-9]+ \S+ eni-\S+ /,
    names: (
      'version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol packets bytes ' +
      'startTime endTime action logStatus'
    ).split(' '),
  },
  {
    pattern: /^[0-9.]+ [0-9]{4}-[0-9-]+T\S+Z Z[A-Z0-9]+ /,
    names: (
      'version queryTimestamp hostZoneId queryName queryType responseCode protocol edgeLocation ' +
      'resolverIp ednsClientSubnet'
    ).split(' '),
  },
];

/** Field -> value as text, in the order of the event; as queries over the group see them. */
export function discoverFields(message: string, groupName: string): Map<string, string> {
  const ofLambda = groupName.startsWith('/aws/lambda/');
  const json = parseObject(message, ofLambda);
  const fields = json ? flatten(json) : new Map<string, string>();
  for (const [name, value] of lambdaFields(message)) fields.set(name, value);
  if (json || ofLambda) return fields;
  const record = RECORDS.find(({ pattern }) => pattern.test(message));
  const words = record ? message.trimEnd().split(' ') : [];
  for (const [i, name] of (record?.names ?? []).entries()) if (words[i]) fields.set(name, words[i]!);
  return fields;
}

/** A function's own line may have words before and after its JSON. */
function parseObject(message: string, ofLambda: boolean): object | undefined {
  const text = message.startsWith('{') || !ofLambda ? message : /\{.*\}/s.exec(message)?.[0];
  if (!text?.startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
}

function flatten(root: object): Map<string, string> {
  const fields = new Map<string, string>();
  const visit = (value: unknown, path: string) => {
    if (fields.size >= MOST_FIELDS) return;
    if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) visit(child, path === '' ? key : `${path}.${key}`);
    } else if (value !== null) {
      // Fields that begin with @ are Brume's own: a key that does is shown with one more.
      fields.set(path.startsWith('@') ? `@${path}` : path, String(value));
    }
  };
  visit(root, '');
  return fields;
}

const REQUEST_ID =
  /(?:RequestId: |^\[[A-Z]+\]\t[^\t]*Z\t|^[^\t]*Z\t)([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/;

/** `REPORT RequestId: … Duration: 1.23 ms …`, START and END, and lines with the id of their request. */
function lambdaFields(message: string): Map<string, string> {
  const fields = new Map<string, string>();
  const requestId = REQUEST_ID.exec(message)?.[1];
  if (requestId !== undefined) fields.set('@requestId', requestId);
  const type = /^(START|END|REPORT) RequestId: /.exec(message)?.[1];
  if (type === undefined) return fields;
  fields.set('@type', type);
  if (type !== 'REPORT') return fields;
  for (const part of message.split(/[\t\n]/)) {
    const [, name, value] = /^\s*([A-Za-z ]+?): (.+?)\s*$/.exec(part) ?? [];
    const field = LAMBDA_FIELDS[name ?? ''];
    if (field === undefined) continue;
    const [, number, unit] = /^([\d.]+) (ms|MB)$/.exec(value!) ?? [];
    fields.set(field, number === undefined ? value! : String(Number(number) * LAMBDA_UNITS[unit!]!));
  }
  return fields;
}
