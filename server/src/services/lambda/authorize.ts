import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import type { LambdaDependencies } from './dependencies.ts';
import { POLICIES, policyKey } from './documents.ts';
import { type FunctionReference, functionArn } from './function-name.ts';
import { allows } from './resource-policy.ts';

const ACTION = 'lambda:InvokeFunction';

/**
 * Services, and callers of other accounts, need the function's resource policy to let them in; the account's own callers
 * do not. Throws AccessDeniedException.
 */
export async function authorizeInvocation(
  { state }: Pick<LambdaDependencies, 'state'>,
  reference: FunctionReference,
  context: RequestContext,
): Promise<void> {
  if (context.account === reference.scope.account) {
    // Lambda itself calls destinations with the role of the function that sends.
    if (context.sourceService === undefined || context.sourceService === 'lambda.amazonaws.com') return;
  }
  const policy = await state.documents.get(POLICIES, reference.scope, policyKey(reference));
  if (policy && allows(policy.statements, ACTION, context)) return;
  throw new AwsError(
    'AccessDeniedException',
    `User: ${context.sourceService ?? context.principalArn} is not authorized to perform: ${ACTION} on resource: ${functionArn(reference, reference.qualifier)} because no resource-based policy allows the ${ACTION} action`,
    { status: 403 },
  );
}
