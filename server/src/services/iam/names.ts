// Names, paths and other members that many IAM operations share, checked with IAM's own messages.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names

import { AwsError } from '#core/errors.ts';
import { checkText } from '../constraints.ts';

export function checkRoleName(name: string): void {
  checkName('roleName', name, 64);
}

export function checkUserName(name: string): void {
  checkName('userName', name, 64);
}

export function checkPolicyName(name: string): void {
  checkName('policyName', name, 128);
}

export function checkPath(path: string | undefined): void {
  checkText('path', path, { min: 1, max: 512 });
  if (path !== undefined && !/^(?:\/|\/[\u0021-\u007E]+\/)$/.test(path)) {
    throw new AwsError(
      'ValidationError',
      'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
    );
  }
}

/** Managed policies take a narrower path than roles and users. */
export function checkPolicyPath(path: string | undefined): void {
  checkText('path', path, { min: 1, max: 512, pattern: '((/[A-Za-z0-9\\.,\\+@=_-]+)*)/' });
}

export function checkPathPrefix(prefix: string | undefined): void {
  checkText('pathPrefix', prefix, { min: 1, max: 512, pattern: '\\u002F[\\u0021-\\u007F]*' });
}

/** The description of a role. */
export function checkDescription(description: string | undefined): void {
  checkText('description', description, {
    max: 1000,
    pattern: '[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*',
  });
}

/** Roles, users and policies have names that differ in more than case; this is what they are kept under. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}

function checkName(member: string, name: string, max: number): void {
  checkText(member, name, { min: 1, max });
  if (!/^[\w+=,.@-]+$/.test(name)) {
    throw new AwsError(
      'ValidationError',
      `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    );
  }
}
