// The constraints that Lambda's API model puts on members, and the message that names every one that is broken.

import { AwsError } from '#core/errors.ts';

/** A key's ARN, or nothing. */
export const KMS_KEY = /(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()/;

export interface Constraints {
  min?: number;
  max?: number;
  pattern?: RegExp;
  oneOf?: readonly string[];
}

/** A member by its path in the message (`memorySize`, `loggingConfig.logGroup`). Absent values meet every constraint. */
export type CheckedMember = { at: string } & (
  | (Constraints & { value: string | number | undefined })
  /** A list: how long it may be, and what each of it. */
  | { values: readonly string[] | undefined; min?: number; max?: number; each?: Constraints }
);

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

function violations(member: CheckedMember): string[] {
  const { at } = member;
  if ('value' in member) {
    const { value } = member;
    if (value === undefined) return [];
    return broken(value, member).map((constraint) => violation(at, value, constraint));
  }
  const { values, each = {}, min, max } = member;
  if (!values) return [];
  const constraints = broken(values, { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) });
  if (values.some((value) => broken(value, each).length > 0)) {
    const all = rules('', each).map(([, text]) => text);
    constraints.push(`Member must satisfy constraint: [${[...all, 'Member must not be null'].join(', ')}]`);
  }
  return constraints.map((constraint) => violation(at, `[${values.join(', ')}]`, constraint));
}

function broken(value: string | number | readonly string[], constraints: Constraints): string[] {
  return rules(value, constraints).flatMap(([isMet, text]) => (isMet ? [] : [text]));
}

/** Whether a value meets each constraint, and how AWS words it, in AWS's order. */
function rules(
  value: string | number | readonly string[],
  { min, max, pattern, oneOf }: Constraints,
): [isMet: boolean, text: string][] {
  const isNumber = typeof value === 'number';
  const size = isNumber ? value : value.length;
  const must = isNumber ? 'Member must have value' : 'Member must have length';
  const found: [boolean, string][] = [];
  if (max !== undefined) found.push([size <= max, `${must} less than or equal to ${max}`]);
  if (min !== undefined) found.push([size >= min, `${must} greater than or equal to ${min}`]);
  if (pattern) {
    const text = `Member must satisfy regular expression pattern: ${pattern.source.replaceAll('\\/', '/')}`;
    found.push([anchored(pattern).test(String(value)), text]);
  }
  if (oneOf) found.push([oneOf.includes(String(value)), `Member must satisfy enum value set: [${oneOf.join(', ')}]`]);
  return found;
}

function anchored(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags);
}
