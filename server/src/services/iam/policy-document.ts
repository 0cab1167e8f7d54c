// Policy documents: the grammar that IAM checks before it stores one, and the encoding in which it gives them back.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html

import { AwsError } from '#core/errors.ts';

/**
 * - `managed` and `inline`: identity policies; they name resources and no principals. Managed ones need Version 2012-10-17.
 * - `trust`: a role's AssumeRolePolicyDocument; it names principals and no resources, and only STS actions.
 */
export type PolicyKind = 'managed' | 'inline' | 'trust';

/** Throws MalformedPolicyDocument, in IAM's words, when `text` is not a policy of this kind. */
export function checkPolicyDocument(text: string, kind: PolicyKind): void {
  if (text === '' || !/^[\u0009\u000A\u000D\u0020-\u00FF]+$/.test(text)) {
    throw malformed(kind === 'trust' ? 'This policy contains invalid Json' : 'Syntax errors in policy.');
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw malformed(kind === 'trust' ? 'This policy contains invalid Json' : 'Syntax errors in policy.');
  }
  if (!isObject(document)) throw syntaxError();
  for (const key of Object.keys(document)) if (!DOCUMENT_KEYS.has(key)) throw syntaxError();
  checkVersion(document.Version, kind);
  if (document.Id !== undefined && typeof document.Id !== 'string') throw syntaxError();
  const statements = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  if (statements.length === 0) throw syntaxError();
  const sids = new Set<string>();
  for (const statement of statements) {
    if (!isObject(statement)) throw syntaxError();
    checkStatement(statement, kind, sids);
  }
}

/** What counts against the size quotas: white space does not. */
export function policySize(text: string): number {
  return text.replace(/\s/g, '').length;
}

/** RFC 3986 percent-encoding, as IAM returns every document. */
export function encodePolicyDocument(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

type JsonObject = Record<string, unknown>;

const DOCUMENT_KEYS = new Set(['Version', 'Id', 'Statement']);
const STATEMENT_KEYS = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);
const CONDITION_OPERATOR =
  /^(?:ForAllValues:|ForAnyValue:)?(?:String(?:Not)?(?:Equals(?:IgnoreCase)?|Like)|Numeric(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)|Date(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)|Bool|BinaryEquals|(?:Not)?IpAddress|Arn(?:Not)?(?:Equals|Like))(?:IfExists)?$|^Null$/i;
const PRINCIPAL_TYPES = new Set(['AWS', 'Service', 'Federated', 'CanonicalUser']);
const PARTITIONS = /^(?:aws|aws-cn|aws-us-gov|aws-iso|aws-iso-[bef]|aws-eusc|\*|aws\*)$/;

function checkVersion(version: unknown, kind: PolicyKind): void {
  if (version === undefined || version === '2008-10-17') {
    if (kind === 'managed') throw malformed('Policy document must be version 2012-10-17 or greater.');
    return;
  }
  if (version !== '2012-10-17') throw syntaxError();
}

function checkStatement(statement: JsonObject, kind: PolicyKind, sids: Set<string>): void {
  for (const key of Object.keys(statement)) if (!STATEMENT_KEYS.has(key)) throw syntaxError();
  checkSid(statement.Sid, sids);
  if (statement.Effect === undefined) throw malformed('Missing required field Effect');
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') throw syntaxError();
  const actions = oneOf(statement, 'Action', 'NotAction');
  if (kind === 'trust') {
    if (statement.Resource !== undefined || statement.NotResource !== undefined) {
      throw malformed('Has prohibited field Resource');
    }
    if (oneOf(statement, 'Principal', 'NotPrincipal') === undefined) {
      throw malformed('Missing required field Principal');
    }
    if (actions === undefined) throw malformed('Missing required field Action');
    checkActions(actions);
    if (!texts(actions).every((action) => /^sts:/i.test(action))) {
      throw malformed('AssumeRole policy may only specify STS AssumeRole actions.');
    }
    checkPrincipal(statement.Principal ?? statement.NotPrincipal);
  } else {
    if (statement.Principal !== undefined || statement.NotPrincipal !== undefined) {
      throw malformed('Policy document should not specify a principal.');
    }
    if (actions === undefined) throw malformed('Policy statement must contain actions.');
    checkActions(actions);
    const resources = oneOf(statement, 'Resource', 'NotResource');
    if (resources === undefined) throw malformed('Policy statement must contain resources.');
    const listed = texts(resources);
    if (listed.length === 0) throw malformed('Policy statement must contain resources.');
    for (const resource of listed) checkResource(resource);
  }
  if (statement.Condition !== undefined) checkCondition(statement.Condition);
}

function checkSid(sid: unknown, sids: Set<string>): void {
  if (sid === undefined) return;
  if (typeof sid !== 'string') throw syntaxError();
  if (!/^[0-9A-Za-z]*$/.test(sid)) {
    throw malformed(
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    );
  }
  if (sid === '') return;
  if (sids.has(sid)) throw malformed('Statement IDs (SID) in a single policy must be unique.');
  sids.add(sid);
}

function checkActions(actions: unknown): void {
  const listed = texts(actions);
  if (listed.length === 0) throw malformed('Policy statement must contain actions.');
  for (const action of listed) {
    if (action === '*') continue;
    const parts = action.split(':');
    if (parts.length === 1) {
      throw malformed('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
    }
    if (parts.length > 2) throw malformed('Actions/Condition can contain only one colon.');
    if (!/^[a-zA-Z0-9-]+$/.test(parts[0]!)) throw malformed(`Vendor ${parts[0]} is not valid`);
  }
}

function checkResource(resource: string): void {
  if (resource === '*') return;
  const [arn, partition, ...rest] = resource.split(':');
  if (arn !== 'arn') throw malformed(`Resource ${resource} must be in ARN format or "*".`);
  if (partition === undefined || rest.length < 1) throw malformed('The policy failed legacy parsing');
  if (!PARTITIONS.test(partition)) {
    throw malformed(`Partition "${partition}" is not valid for resource "${resource}".`);
  }
  // `arn:aws:s3:*` is short of parts and yet valid: its last part stands for the rest.
  if (rest.length < 4 && !rest.at(-1)!.includes('*')) throw malformed('The policy failed legacy parsing');
}

function checkPrincipal(principal: unknown): void {
  if (principal === '*') return;
  if (!isObject(principal) || Object.keys(principal).length === 0) throw malformed('Missing required field Principal');
  for (const [type, value] of Object.entries(principal)) {
    const listed = texts(value);
    if (!PRINCIPAL_TYPES.has(type) || listed.length === 0) {
      throw malformed(`Invalid principal in policy: "${type.toUpperCase()}":${JSON.stringify(value)}`);
    }
    for (const entry of listed) {
      const valid =
        type === 'AWS'
          ? entry === '*' || /^\d{12}$/.test(entry) || /^arn:[a-z-]+:(iam|sts)::\d{12}:.+$/.test(entry)
          : type === 'Service'
            ? /^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)$/.test(entry)
            : entry !== '';
      if (!valid) throw malformed(`Invalid principal in policy: "${type.toUpperCase()}":"${entry}"`);
    }
  }
}

function checkCondition(condition: unknown): void {
  if (!isObject(condition)) throw syntaxError();
  for (const [operator, keys] of Object.entries(condition)) {
    if (!CONDITION_OPERATOR.test(operator)) throw malformed(`Invalid Condition type : ${operator}.`);
    if (!isObject(keys)) throw syntaxError();
    for (const [key, values] of Object.entries(keys)) {
      if (!key.includes(':')) {
        throw malformed('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
      }
      const listed = Array.isArray(values) ? values : [values];
      if (!listed.every((value) => ['string', 'number', 'boolean'].includes(typeof value))) throw syntaxError();
    }
  }
}

/** The value under either key; both at once is a syntax error. */
function oneOf(statement: JsonObject, key: string, negated: string): unknown {
  if (statement[key] !== undefined && statement[negated] !== undefined) throw syntaxError();
  return statement[key] ?? statement[negated];
}

function texts(value: unknown): string[] {
  const listed = Array.isArray(value) ? value : [value];
  if (!listed.every((item): item is string => typeof item === 'string')) throw syntaxError();
  return listed;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function syntaxError(): AwsError {
  return malformed('Syntax errors in policy.');
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message);
}
