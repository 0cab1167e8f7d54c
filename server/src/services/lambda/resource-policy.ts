// Resource policies of functions: how AddPermission builds a statement, and whether a policy lets a caller in.
// https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html

import type { AddPermissionRequest } from '@aws-sdk/client-lambda';
import type { Caller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';

export interface PolicyStatement {
  Sid: string;
  Effect: 'Allow';
  Principal: '*' | { Service: string } | { AWS: string };
  Action: string;
  Resource: string;
  Condition?: Record<string, Record<string, string>>;
}

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
  return statements.some(
    (statement) =>
      matchesAction(statement.Action, action) &&
      matchesPrincipal(statement.Principal, caller) &&
      meetsConditions(statement.Condition ?? {}, caller, facts),
  );
}

function matchesAction(pattern: string, action: string): boolean {
  return pattern === '*' || pattern === 'lambda:*' || pattern.toLowerCase() === action.toLowerCase();
}

function matchesPrincipal(principal: PolicyStatement['Principal'], caller: Caller): boolean {
  if (principal === '*') return true;
  if ('Service' in principal) return caller.sourceService === principal.Service;
  if (caller.sourceService !== undefined) return false;
  return principal.AWS === caller.principalArn || principal.AWS === `arn:aws:iam::${caller.account}:root`;
}

/** A condition that cannot be judged is not met. */
function meetsConditions(
  conditions: Record<string, Record<string, string>>,
  caller: Caller,
  facts: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const actual = facts[key] ?? contextValue(key, caller);
      if (actual === undefined) return false;
      if (operator === 'StringEquals' || operator === 'Bool') return actual === wanted;
      if (operator === 'ArnLike' || operator === 'ArnEquals' || operator === 'StringLike')
        return isLike(actual, wanted);
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
