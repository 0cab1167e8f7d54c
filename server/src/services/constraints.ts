// What AWS's front doors check about a member before the operation sees it, in the words they use:
// `1 validation error detected: Value 'x' at 'roleName' failed to satisfy constraint: Member must …`.

import { AwsError } from '#core/errors.ts';

export interface TextConstraints {
  min?: number;
  max?: number;
  /** Unanchored, as the service model writes it; the whole text has to match. */
  pattern?: string;
  values?: readonly string[];
}

/** Throws ValidationError when a text member breaks its model's constraints; absent is fine. `path` is lower camel case. */
export function checkText(path: string, value: string | undefined, constraints: TextConstraints): void {
  if (value === undefined) return;
  const { min, max, pattern, values } = constraints;
  const length = [...value].length;
  if (max !== undefined && length > max) {
    throw constraintError(path, value, `Member must have length less than or equal to ${max}`);
  }
  if (min !== undefined && length < min) {
    throw constraintError(path, value, `Member must have length greater than or equal to ${min}`);
  }
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`, 'u').test(value)) {
    throw constraintError(path, value, `Member must satisfy regular expression pattern: ${pattern}`);
  }
  if (values !== undefined && !values.includes(value)) {
    throw constraintError(path, value, `Member must satisfy enum value set: [${values.join(', ')}]`);
  }
}

export function checkRange(path: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined) return;
  if (value > max) throw constraintError(path, value, `Member must have value less than or equal to ${max}`);
  if (value < min) throw constraintError(path, value, `Member must have value greater than or equal to ${min}`);
}

export function checkCount(path: string, list: readonly unknown[] | undefined, max: number): void {
  if (list && list.length > max) {
    throw new AwsError(
      'ValidationError',
      `1 validation error detected: Value at '${path}' failed to satisfy constraint: Member must have length less than or equal to ${max}`,
    );
  }
}

export function constraintError(path: string, value: string | number, requirement: string): AwsError {
  return new AwsError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${path}' failed to satisfy constraint: ${requirement}`,
  );
}
