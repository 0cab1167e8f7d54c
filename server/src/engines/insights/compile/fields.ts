// The fields that every event has and those that are discovered in its message: of JSON, of Lambda's own lines, of VPC
// flow logs and Route 53 query logs. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html

import { array, join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { QueriedGroup } from './compile-query.ts';
import { asText, type JsonValue, MISSING, text, type Value } from './values.ts';

/** The columns of log_events, however they are called where they are read. */
export interface EventColumns {
  groupId: Sql;
  stream: Sql;
  timestamp: Sql;
  ingestionTime: Sql;
  message: Sql;
  /** What a transformer made of the message; absent where the groups have no such events. */
  transformed?: Sql;
  /** JSON of one level, '' where the event is of none. */
  entity: Sql;
  segment: Sql;
  row: Sql;
}

/** As they are called in the table itself. */
export function tableColumns(groups: readonly QueriedGroup[]): EventColumns {
  return {
    groupId: sql`group_id`,
    stream: sql`stream`,
    timestamp: sql`timestamp`,
    ingestionTime: sql`ingestion_time`,
    message: sql`message`,
    ...(groups.some((group) => group.hasTransformed) && { transformed: sql`transformed` }),
    entity: sql`entity`,
    segment: sql`segment`,
    row: sql`row`,
  };
}

export function eventField(name: string, event: EventColumns, groups: readonly QueriedGroup[]): Value {
  const { message } = event;
  switch (name) {
    case '@timestamp':
      return { kind: 'time', sql: event.timestamp, present: true };
    case '@ingestionTime':
      return { kind: 'time', sql: event.ingestionTime, present: true };
    case '@message':
      return { kind: 'text', sql: message, present: true, message: true };
    case '@logStream':
      return { kind: 'text', sql: event.stream, present: true };
    case '@log':
      return { kind: 'text', sql: logGroup(event, groups), present: true };
  }
  if (name === '@entity') return text(sql`nullIf(toString(${event.entity}), '')`);
  if (name.startsWith('@entity.')) {
    const member = name.slice('@entity.'.length);
    return text(sql`nullIf(JSONExtractString(${event.entity}, ${member}), '')`);
  }
  if (name === '@transformationError' && event.transformed) return transformationError(event.transformed);
  const ofLambda = Object.hasOwn(LAMBDA_FIELDS, name) ? LAMBDA_FIELDS[name] : undefined;
  if (ofLambda) return ofLambda(message);
  if (name.startsWith('@') && !name.startsWith('@@')) return MISSING;
  // A key that begins with @ is shown with one more.
  const path = (name.startsWith('@@') ? name.slice(1) : name).split('.');
  const document = documentOf(event);
  const json: JsonValue = { kind: 'json', document, path, ofMessage: true };
  if (isOfLambda(groups)) return { kind: 'json', document: firstFragment(document), path };
  const word = wordOfRecord(name, document);
  return word ? text(sql`if(startsWith(${document}, '{'), ${asText(json)}, ${word})`) : json;
}

/** In what an event's fields are found: its transformed version where it has one. */
function documentOf({ message, transformed }: EventColumns): Sql {
  return transformed ? sql`if(startsWith(${transformed}, '{'), ${transformed}, ${message})` : message;
}

/** What is kept of a failed transformation is no object. */
function transformationError(transformed: Sql): Value {
  return text(sql`if(startsWith(${transformed}, '{'), NULL, nullIf(${transformed}, ''))`);
}

/** All that is discovered in an event, as an array of names and values. Objects in objects are looked into so deep. */
export function discoveredFields(event: EventColumns, groups: readonly QueriedGroup[]): Sql {
  const { message } = event;
  const document = documentOf(event);
  const lambda = isOfLambda(groups);
  const json = membersOf(lambda ? firstFragment(document) : document);
  if (lambda) {
    const ofLambda = Object.entries(LAMBDA_FIELDS).map(([name, field]) => sql`(${name}, ${asText(field(message))})`);
    return sql`arrayConcat(${json}, ${presentOf(ofLambda)})`;
  }
  const words = [FLOW_LOG, DNS_QUERY_LOG].map(({ pattern, names }) => {
    const values = sql`arrayResize(splitByChar(' ', ${message}), ${names.length})`;
    return sql`match(${message}, ${pattern}), arrayZip(${array(names)}, ${values}), `;
  });
  return sql`multiIf(startsWith(${document}, '{'), ${json}, ${words[0]!}${words[1]!}[])`;
}

/** Those of the pairs of a name and a Nullable(String) that have a value. */
export function presentOf(pairs: readonly Sql[]): Sql {
  const present = sql`arrayFilter(pair -> isNotNull(pair.2), [${join(pairs, ', ')}])`;
  return sql`arrayMap(pair -> (pair.1, assumeNotNull(pair.2)), ${present})`;
}

const DEEPEST_OBJECT = 4;

/** Members of a JSON object, with those of objects within it under dotted names. */
function membersOf(document: Sql): Sql {
  let members = sql`JSONExtractKeysAndValuesRaw(${document})`;
  for (let depth = 1; depth < DEEPEST_OBJECT; depth++) {
    const inner = sql`arrayMap(inner -> (concat(outer.1, '.', inner.1), inner.2), JSONExtractKeysAndValuesRaw(outer.2))`;
    members = sql`arrayFlatten(arrayMap(outer -> if(startsWith(outer.2, '{'), ${inner}, [outer]), ${members}))`;
  }
  const name = sql`if(startsWith(member.1, '@'), concat('@', member.1), member.1)`;
  const value = sql`if(startsWith(member.2, '"'), JSONExtractString(member.2), member.2)`;
  return sql`arrayMap(member -> (${name}, ${value}), arrayFilter(member -> member.2 != 'null', ${members}))`;
}

function isOfLambda(groups: readonly QueriedGroup[]): boolean {
  return groups.length > 0 && groups.every((group) => group.name.startsWith('/aws/lambda/'));
}

function logGroup({ groupId }: EventColumns, groups: readonly QueriedGroup[]): Sql {
  const names = groups.map(({ account, name }) => `${account}:${name}`);
  if (names.length === 0) return sql`''`;
  if (names.length === 1) return sql`${names[0]!}`;
  return sql`transform(${groupId}, ${array(groups.map(({ id }) => id))}, ${array(names)}, '')`;
}

/** A function's own line may have words before and after its JSON. */
function firstFragment(message: Sql): Sql {
  return sql`if(startsWith(${message}, '{'), ${message}, extract(${message}, '(?s)\\\\{.*\\\\}'))`;
}

// ---- Lambda ----

const REQUEST_ID =
  '(?:RequestId: |^\\[[A-Z]+\\]\\t[^\\t]*Z\\t|^[^\\t]*Z\\t)' +
  '([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})';
const BYTES_PER_MB = 1_000_000;

const LAMBDA_FIELDS: Record<string, (message: Sql) => Value> = {
  '@requestId': (message) => text(sql`nullIf(extract(${message}, ${REQUEST_ID}), '')`),
  '@type': (message) =>
    text(
      sql`multiIf(startsWith(${message}, 'START RequestId: '), 'START', startsWith(${message}, 'END RequestId: '), 'END',
        startsWith(${message}, 'REPORT RequestId: '), 'REPORT', NULL)`,
    ),
  '@duration': (message) => reported(message, '\\tDuration: ([0-9.]+) ms'),
  '@billedDuration': (message) => reported(message, '\\tBilled Duration: ([0-9.]+) ms'),
  '@initDuration': (message) => reported(message, '\\tInit Duration: ([0-9.]+) ms'),
  '@memorySize': (message) => reported(message, '\\tMemory Size: ([0-9]+) MB', BYTES_PER_MB),
  '@maxMemoryUsed': (message) => reported(message, '\\tMax Memory Used: ([0-9]+) MB', BYTES_PER_MB),
  '@xrayTraceId': (message) => text(reportedText(message, 'XRAY TraceId: (\\S+)')),
  '@xraySegmentId': (message) => text(reportedText(message, 'SegmentId: (\\S+)')),
};

function reportedText(message: Sql, pattern: string): Sql {
  return sql`if(startsWith(${message}, 'REPORT RequestId: '), nullIf(extract(${message}, ${pattern}), ''), NULL)`;
}

function reported(message: Sql, pattern: string, factor = 1): Value {
  const found = sql`toFloat64OrNull(${reportedText(message, pattern)})`;
  return { kind: 'number', sql: factor === 1 ? found : sql`(${found} * ${factor})`, double: true };
}

// ---- records of words ----

interface WordRecord {
  pattern: string;
  names: readonly string[];
}

/** https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, the default format. */
const FLOW_LOG: WordRecord = {
  pattern: '^[0-9]+ \\S+ eni-\\S+ ',
  names: (
    'version accountId interfaceId srcAddr dstAddr srcPort dstPort protocol packets bytes ' +
    'startTime endTime action logStatus'
  ).split(' '),
};

/** https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html */
const DNS_QUERY_LOG: WordRecord = {
  pattern: '^[0-9.]+ [0-9]{4}-[0-9-]+T\\S+Z Z[A-Z0-9]+ ',
  names: (
    'version queryTimestamp hostZoneId queryName queryType responseCode protocol edgeLocation ' +
    'resolverIp ednsClientSubnet'
  ).split(' '),
};

/** Undefined when no such record has a word of this name. */
function wordOfRecord(name: string, message: Sql): Sql | undefined {
  const found = [FLOW_LOG, DNS_QUERY_LOG].filter(({ names }) => names.includes(name));
  if (found.length === 0) return undefined;
  return found.reduce((otherwise, { pattern, names }) => {
    const word = sql`nullIf(splitByChar(' ', ${message})[${names.indexOf(name) + 1}], '')`;
    return sql`if(match(${message}, ${pattern}), ${word}, ${otherwise})`;
  }, sql`CAST(NULL AS Nullable(String))`);
}
