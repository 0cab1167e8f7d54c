// Policy documents in requests: JSON of the form that IAM policies have.

import { invalidParameter } from './constraints.ts';

/** Throws InvalidParameterException for what is no policy. */
export function checkPolicyText(text: string, member: string, largestBytes: number): void {
  const fault = policyFault(text, largestBytes);
  if (fault) throw invalidParameter(`Invalid ${member}: ${fault}`);
}

/** What is wrong with a policy; undefined when nothing is. */
export function policyFault(text: string, largestBytes: number): string | undefined {
  if (Buffer.byteLength(text) > largestBytes) return `it is longer than ${largestBytes} bytes`;
  try {
    return faultOf(JSON.parse(text));
  } catch (error) {
    return `it is not JSON (${(error as Error).message})`;
  }
}

const STATEMENT_MEMBERS = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

/**
 * A policy that was found right, as AWS gives it back when it is listed: with a version, members in AWS's order, and a single principal of
 * a kind without its list.
 */
export function canonicalPolicy(text: string): string {
  const { Version = '2008-10-17', Id, Statement } = JSON.parse(text);
  const statements: Record<string, unknown>[] = Array.isArray(Statement) ? Statement : [Statement];
  return JSON.stringify({
    Version,
    Id,
    Statement: statements.map((statement) => ({
      ...Object.fromEntries(STATEMENT_MEMBERS.map((member) => [member, statement[member]])),
      Principal: canonicalPrincipal(statement.Principal),
      NotPrincipal: canonicalPrincipal(statement.NotPrincipal),
    })),
  });
}

function canonicalPrincipal(principal: unknown): unknown {
  if (!isObject(principal)) return principal;
  return Object.fromEntries(
    Object.entries(principal).map(([kind, of]) => [kind, Array.isArray(of) && of.length === 1 ? of[0] : of]),
  );
}

function faultOf(policy: unknown): string | undefined {
  if (!isObject(policy)) return 'expected an object';
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  if (policy.Statement === undefined || statements.length === 0) return 'expected a Statement';
  for (const statement of statements) {
    if (!isObject(statement)) return 'a Statement is not an object';
    if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') return 'the Effect must be Allow or Deny';
    if (statement.Principal === undefined && statement.NotPrincipal === undefined)
      return 'a Statement has no Principal';
    if (statement.Action === undefined && statement.NotAction === undefined) return 'a Statement has no Action';
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
