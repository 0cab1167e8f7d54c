// Errors in CloudWatch's words.

import { AwsError } from '#core/errors.ts';
import type { MissingMember } from '#wire/required-members.ts';

export function invalidValue(value: unknown, parameter: string): AwsError {
  return new AwsError('InvalidParameterValueException', `The value ${value} for parameter ${parameter} is invalid.`);
}

export function invalidParameter(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}

export function invalidCombination(message: string): AwsError {
  return new AwsError('InvalidParameterCombinationException', message);
}

export function mutuallyExclusive(one: string, other: string): AwsError {
  return invalidCombination(`The parameters ${one} and ${other} are mutually exclusive and you have specified both.`);
}

export function missingParameter(parameter: string): AwsError {
  return new AwsError('MissingRequiredParameterException', `The parameter ${parameter} is required.`);
}

/** What the alarm operations answer to a bad parameter; no shape of the model. */
export function validationError(message: string): AwsError {
  return new AwsError('ValidationError', message, { status: 400 });
}

export function invalidNextToken(): AwsError {
  return new AwsError('InvalidNextToken', 'The next token specified is invalid.');
}

/** `metricData.1.member.metricName` is `MetricData.member.1.MetricName` to CloudWatch. */
export function missingMembers(missing: readonly MissingMember[]): AwsError {
  const steps = missing[0]!.path.split('.');
  const path: string[] = [];
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (steps[i + 1] === 'member' && /^\d+$/.test(step)) path.push('member', steps[i++]!);
    else path.push(step.charAt(0).toUpperCase() + step.slice(1));
  }
  return missingParameter(path.join('.'));
}
