// The forms in which clients name a function: name, partial ARN, ARN, each with a qualifier or without.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters

import { formatArn } from '#core/arn.ts';
import type { Caller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import type { Scope } from '#storage/state/state.ts';
import { checkConstraints } from './constraints.ts';

export interface FunctionReference {
  scope: Scope;
  name: string;
  /** `$LATEST`, a version or an alias; absent when none was given. */
  qualifier?: string;
}

export const LATEST = '$LATEST';
/** The version of a function on Managed Instances that is published anew without a number. */
export const LATEST_PUBLISHED = '$LATEST.PUBLISHED';
const NAME =
  /(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?/;
const NAMESPACED_NAME =
  /(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?/;
const QUALIFIER = /\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+/;
const ALIAS = /^(?!\d+$)[a-zA-Z0-9-_]+$/;
const LONGEST_ARN = 140;
const LONGEST_NAMESPACED_ARN = 256;
const LONGEST_NAME = 64;

export interface NameOptions {
  qualifier?: string | undefined;
  /** Whether the operation's model takes the longer, namespaced form. */
  namespaced?: boolean;
}

/** Reads a FunctionName and Qualifier in the caller's scope. Throws as AWS does for other regions and broken names. */
export function readFunctionName(text: string, scope: Scope, options: NameOptions = {}): FunctionReference {
  const { qualifier, namespaced = true } = options;
  checkConstraints([
    {
      at: 'functionName',
      value: text,
      min: 1,
      max: namespaced ? LONGEST_NAMESPACED_ARN : LONGEST_ARN,
      pattern: namespaced ? NAMESPACED_NAME : NAME,
    },
    { at: 'qualifier', value: qualifier, min: 1, max: 128, pattern: QUALIFIER },
  ]);
  const match = anchoredName.exec(text)!;
  const { region = scope.region, account = scope.account, name, qualifier: ownQualifier } = match.groups!;
  if (region !== scope.region) {
    throw new AwsError(
      'ResourceNotFoundException',
      `Functions from '${region}' are not reachable in this region ('${scope.region}')`,
    );
  }
  if (name!.length > LONGEST_NAME) {
    throw new AwsError(
      'InvalidParameterValueException',
      `1 validation error detected: Value '${name}' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to ${LONGEST_NAME}`,
      { fields: { Type: 'User' } },
    );
  }
  if (ownQualifier !== undefined && qualifier !== undefined && ownQualifier !== qualifier) {
    throw new AwsError(
      'InvalidParameterValueException',
      'The derived qualifier from the function name does not match the specified qualifier.',
    );
  }
  const given = qualifier ?? ownQualifier;
  return {
    scope: { account: account!, region: region! },
    name: name!,
    ...(given === undefined ? {} : { qualifier: given }),
  };
}

const anchoredName =
  /^(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?<region>[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[a-zA-Z0-9-_.]+?)(?::(?<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$/;

/** For operations on whole functions: throws where the client named a version or an alias. */
export function readUnqualifiedName(text: string, scope: Scope): FunctionReference {
  const reference = readFunctionName(text, scope, { namespaced: false });
  if (reference.qualifier === undefined) return reference;
  throw new AwsError(
    'InvalidParameterValueException',
    'This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.',
    { fields: { Type: 'User' } },
  );
}

/** What changes a function is for its own account. Throws AccessDeniedException to others. */
export function checkOwner(reference: FunctionReference, context: Caller & { operation: string }): void {
  if (reference.scope.account === context.account) return;
  throw new AwsError(
    'AccessDeniedException',
    `User: ${context.principalArn} is not authorized to perform: lambda:${context.operation} on resource: ${functionArn(reference, reference.qualifier)}`,
    { status: 403 },
  );
}

export function functionArn({ scope, name }: Pick<FunctionReference, 'scope' | 'name'>, qualifier?: string): string {
  const resource = qualifier === undefined ? `function:${name}` : `function:${name}:${qualifier}`;
  return formatArn({ service: 'lambda', region: scope.region, account: scope.account, resource });
}

/** For the operations that tell an alias that is not there from a version: permissions, provisioned concurrency. */
export function targetNotFound(reference: FunctionReference): AwsError {
  const { qualifier } = reference;
  if (qualifier === undefined || !ALIAS.test(qualifier)) return functionNotFound(reference);
  const message = `Cannot find alias arn: ${functionArn(reference, qualifier)}`;
  return new AwsError('ResourceNotFoundException', message, { fields: { Type: 'User' } });
}

export function functionNotFound(reference: FunctionReference): AwsError {
  return new AwsError(
    'ResourceNotFoundException',
    `Function not found: ${functionArn(reference, reference.qualifier)}`,
    { fields: { Type: 'User' } },
  );
}
