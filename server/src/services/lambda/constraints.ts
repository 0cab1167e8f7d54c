// The constraints that Lambda's API model puts on members, and the message that names every one that is broken.

import { AwsError } from '#core/errors.ts';

export interface Constraints {
  min?: number;
  max?: number;
  pattern?: RegExp;
  oneOf?: readonly string[];
}

/** A member by its path in the message (`memorySize`, `loggingConfig.logGroup`). Absent values meet every constraint. */
export interface CheckedMember extends Constraints {
  at: string;
  value: string | number | undefined;
}

/** Throws ValidationException that lists what is broken. */
export function checkConstraints(members: readonly CheckedMember[]): void {
  const broken = members.flatMap(violations);
  if (broken.length > 0) throw validationFailed(broken);
}

/** The same for one broken constraint of another kind. */
export function constraintViolated(at: string, value: string, constraint: string): AwsError {
  return validationFailed([violation(at, value, constraint)]);
}

/** What `violation` says of each. */
export function validationFailed(broken: readonly string[]): AwsError {
  const count = broken.length === 1 ? '1 validation error' : `${broken.length} validation errors`;
  return new AwsError('ValidationException', `${count} detected: ${broken.join('; ')}`, { status: 400 });
}

export function violation(at: string, value: string | number, constraint: string): string {
  return `Value '${value}' at '${at}' failed to satisfy constraint: ${constraint}`;
}

function violations({ at, value, min, max, pattern, oneOf }: CheckedMember): string[] {
  if (value === undefined) return [];
  const isNumber = typeof value === 'number';
  const size = isNumber ? value : value.length;
  const member = isNumber ? 'Member must have value' : 'Member must have length';
  const broken: string[] = [];
  if (max !== undefined && size > max) broken.push(`${member} less than or equal to ${max}`);
  if (min !== undefined && size < min) broken.push(`${member} greater than or equal to ${min}`);
  if (pattern && !anchored(pattern).test(String(value))) {
    broken.push(`Member must satisfy regular expression pattern: ${pattern.source.replaceAll('\\/', '/')}`);
  }
  if (oneOf && !oneOf.includes(String(value))) {
    broken.push(`Member must satisfy enum value set: [${oneOf.join(', ')}]`);
  }
  return broken.map((constraint) => violation(at, value, constraint));
}

function anchored(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags);
}
