// The fields that Logs Insights finds in an event by itself: those of JSON, with dotted paths, and those of the
// records that Lambda writes.
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
  XRAY: '@xrayTraceId',
};

/** Field -> value as text, in the order of the event. */
export function discoverFields(message: string): Map<string, string> {
  const json = parseObject(message);
  if (json) return flatten(json);
  return lambdaFields(message);
}

function parseObject(message: string): object | undefined {
  const start = message.indexOf('{');
  if (start < 0) return undefined;
  // Text before a JSON object, as loggers write it, is let pass.
  const text = message.slice(start).trimEnd();
  if (!text.endsWith('}')) return undefined;
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
      fields.set(path, String(value));
    }
  };
  visit(root, '');
  return fields;
}

/** `REPORT RequestId: … Duration: 1.23 ms …`, START and END. */
function lambdaFields(message: string): Map<string, string> {
  const fields = new Map<string, string>();
  const head = /^(START|END|REPORT) RequestId: ([0-9a-fA-F-]{36})/.exec(message);
  if (!head) return fields;
  fields.set('@type', head[1]!).set('@requestId', head[2]!);
  if (head[1] !== 'REPORT') return fields;
  for (const part of message.split('\t')) {
    const [, name, value] = /^\s*([A-Za-z ]+?)(?: TraceId)?: (.+?)\s*$/.exec(part) ?? [];
    const field = LAMBDA_FIELDS[name ?? ''];
    if (field === undefined) continue;
    const [, number, unit] = /^([\d.]+) (ms|MB)$/.exec(value!) ?? [];
    fields.set(field, number === undefined ? value! : String(Number(number) * LAMBDA_UNITS[unit!]!));
  }
  return fields;
}
