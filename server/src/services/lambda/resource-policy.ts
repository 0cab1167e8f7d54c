// Resource policies of functions: how AddPermission builds a statement, what PutResourcePolicy takes, and whether a policy lets
// a caller in.
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html

import type { AddPermissionRequest } from '@aws-sdk/client-lambda';
import type { Caller } from '#core/caller.ts';
import { AwsError, notImplemented } from '#core/errors.ts';

/** AddPermission gives each a Sid and one value everywhere. */
export interface PolicyStatement {
  Sid?: string;
  Effect: 'Allow' | 'Deny';
  Principal: '*' | { Service?: OneOrMore; AWS?: OneOrMore };
  Action: OneOrMore;
  Resource: OneOrMore;
  Condition?: Record<string, Record<string, OneOrMore>>;
}

type OneOrMore = string | string[];

const LARGEST_POLICY_BYTES = 20_480;
const MEMBERS: ReadonlySet<string> = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition']);

/** The statement that AddPermission adds; throws when the principal is of no known form. */
export function buildStatement(input: AddPermissionRequest, resource: string): PolicyStatement {
  const equals: Record<string, string> = {};
  if (input.SourceAccount) equals['AWS:SourceAccount'] = input.SourceAccount;
  if (input.EventSourceToken) equals['lambda:EventSourceToken'] = input.EventSourceToken;
  if (input.FunctionUrlAuthType) equals['lambda:FunctionUrlAuthType'] = input.FunctionUrlAuthType;
  if (input.PrincipalOrgID) equals['aws:PrincipalOrgID'] = input.PrincipalOrgID;
  const condition: Record<string, Record<string, string>> = {
    ...(Object.keys(equals).length > 0 ? { StringEquals: equals } : {}),
    ...(input.SourceArn ? { ArnLike: { 'AWS:SourceArn': input.SourceArn } } : {}),
    ...(input.InvokedViaFunctionUrl === undefined
      ? {}
      : { Bool: { 'lambda:InvokedViaFunctionUrl': String(input.InvokedViaFunctionUrl) } }),
  };
  return {
    Sid: input.StatementId!,
    Effect: 'Allow',
    Principal: readPrincipal(input.Principal!),
    Action: input.Action!,
    Resource: resource,
    ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}),
  };
}

function readPrincipal(text: string): PolicyStatement['Principal'] {
  if (text === '*') return '*';
  if (/^\d{12}$/.test(text)) return { AWS: `arn:aws:iam::${text}:root` };
  if (/^arn:aws[a-z-]*:(iam|sts)::\d{12}:.+$/.test(text)) return { AWS: text };
  if (/^[a-z0-9-]+(\.[a-z0-9-]+)*\.(amazonaws\.com(\.cn)?|amazon\.com|alexa\.amazon\.com)$/.test(text)) {
    return { Service: text };
  }
  throw new AwsError(
    'InvalidParameterValueException',
    'The provided principal was invalid. Please check the principal and try again.',
  );
}

export function showPolicy(statements: readonly PolicyStatement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements });
}

/** Throws PolicyLengthExceededException. */
export function checkPolicySize(statements: readonly PolicyStatement[]): void {
  const size = Buffer.byteLength(showPolicy(statements));
  if (size <= LARGEST_POLICY_BYTES) return;
  throw new AwsError(
    'PolicyLengthExceededException',
    `The final policy size (${size}) is bigger than the limit (${LARGEST_POLICY_BYTES}).`,
  );
}

/** The statements of a policy document for this resource. Throws InvalidParameterValueException where they are none. */
export function readPolicy(text: string, resource: string): PolicyStatement[] {
  let policy: { Statement?: unknown } | null;
  try {
    policy = JSON.parse(text);
  } catch (error) {
    throw invalid(`The policy is not valid JSON: ${(error as Error).message}`);
  }
  const given = policy?.Statement;
  const statements: unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
  if (statements.length === 0) throw invalid('The policy must have at least one statement.');
  const read = statements.map((statement, index) => readStatement(statement, index, resource));
  const sids = read.flatMap(({ Sid }) => Sid ?? []);
  const twice = sids.find((sid, index) => sids.indexOf(sid) !== index);
  if (twice !== undefined) throw invalid(`The statement id (${twice}) is not unique in the policy.`);
  return read;
}

function readStatement(given: unknown, index: number, resource: string): PolicyStatement {
  const at = `Statement ${index + 1} of the policy`;
  if (typeof given !== 'object' || given === null) throw invalid(`${at} is not an object.`);
  const statement = given as PolicyStatement;
  const other = Object.keys(statement).find((member) => !MEMBERS.has(member));
  if (other === 'NotPrincipal' || other === 'NotAction' || other === 'NotResource') {
    throw notImplemented('PutResourcePolicy', other);
  }
  if (other !== undefined) throw invalid(`${at} has the unknown member ${other}.`);
  const { Sid, Effect, Principal, Action, Resource, Condition } = statement;
  if (Sid !== undefined && !/^[a-zA-Z0-9-_]{1,100}$/.test(Sid)) throw invalid(`${at}: the Sid ${Sid} is not valid.`);
  if (Effect !== 'Allow' && Effect !== 'Deny') throw invalid(`${at}: Effect must be Allow or Deny.`);
  if (!isOneOrMore(Action) || !listOf(Action).every((action) => /^(\*|lambda:[a-zA-Z*?]+)$/.test(action))) {
    throw invalid(`${at}: Action must name actions of Lambda.`);
  }
  if (!isOneOrMore(Resource) || !listOf(Resource).every((arn) => arn === '*' || isLike(resource, arn))) {
    throw invalid(`${at}: Resource must be ${resource}.`);
  }
  const conditions = Object.values(Condition ?? {}).flatMap((keys) => Object.values(keys ?? {}));
  if (!conditions.every(isOneOrMore)) throw invalid(`${at}: the values of Condition must be strings.`);
  return {
    ...(Sid === undefined ? {} : { Sid }),
    Effect,
    Principal: readPrincipals(Principal, at),
    Action,
    Resource,
    ...(Condition === undefined ? {} : { Condition }),
  };
}

function readPrincipals(given: unknown, at: string): PolicyStatement['Principal'] {
  if (given === '*') return '*';
  const kinds = Object.entries((given ?? {}) as Record<string, unknown>);
  const isKnown = ([kind, value]: [string, unknown]) => (kind === 'Service' || kind === 'AWS') && isOneOrMore(value);
  if (typeof given !== 'object' || kinds.length === 0 || !kinds.every(isKnown)) {
    throw invalid(`${at}: Principal must be *, or name services or accounts.`);
  }
  const { Service, AWS } = given as { Service?: OneOrMore; AWS?: OneOrMore };
  for (const principal of [...listOf(Service ?? []), ...listOf(AWS ?? [])]) readPrincipal(principal);
  if (AWS === undefined) return { Service: Service! };
  const accounts = listOf(AWS).map((text) => (/^\d{12}$/.test(text) ? `arn:aws:iam::${text}:root` : text));
  return { ...(Service === undefined ? {} : { Service }), AWS: Array.isArray(AWS) ? accounts : accounts[0]! };
}

function isOneOrMore(value: unknown): value is OneOrMore {
  return typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string'));
}

function listOf(value: OneOrMore): string[] {
  return Array.isArray(value) ? value : [value];
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}

/**
 * Whether a statement allows a service, or another account, this action on the function. `facts` are what the request
 * itself tells for conditions, such as `lambda:FunctionUrlAuthType`.
 */
export function allows(
  statements: readonly PolicyStatement[],
  action: string,
  caller: Caller,
  facts: Readonly<Record<string, string>> = {},
): boolean {
  const matching = statements.filter(
    (statement) =>
      listOf(statement.Action).some((pattern) => isLike(action.toLowerCase(), pattern.toLowerCase())) &&
      matchesPrincipal(statement.Principal, caller) &&
      meetsConditions(statement.Condition ?? {}, caller, facts),
  );
  return matching.length > 0 && matching.every(({ Effect }) => Effect === 'Allow');
}

function matchesPrincipal(principal: PolicyStatement['Principal'], caller: Caller): boolean {
  if (principal === '*') return true;
  if (caller.sourceService !== undefined) return listOf(principal.Service ?? []).includes(caller.sourceService);
  const names = ['*', caller.principalArn, `arn:aws:iam::${caller.account}:root`];
  return listOf(principal.AWS ?? []).some((name) => names.includes(name));
}

/** A condition that cannot be judged is not met. */
function meetsConditions(
  conditions: NonNullable<PolicyStatement['Condition']>,
  caller: Caller,
  facts: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const actual = facts[key] ?? contextValue(key, caller);
      if (actual === undefined) return false;
      if (operator === 'StringEquals' || operator === 'Bool') return listOf(wanted).includes(actual);
      if (operator === 'ArnLike' || operator === 'ArnEquals' || operator === 'StringLike') {
        return listOf(wanted).some((pattern) => isLike(actual, pattern));
      }
      return false;
    }),
  );
}

function contextValue(key: string, caller: Caller): string | undefined {
  switch (key.toLowerCase()) {
    case 'aws:sourcearn':
      return caller.sourceArn;
    case 'aws:sourceaccount':
      return caller.account;
    default:
      return undefined;
  }
}

/** `*` stands for any characters, `?` for one. In time proportional to the lengths' product at worst. */
function isLike(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++;
      resume = at;
    } else if (next < pattern.length && (pattern[next] === '?' || pattern[next] === text[at])) {
      at++;
      next++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else return false;
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}
