// PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: the policy of a function, version or alias as a whole. It is the
// one that AddPermission adds to. https://docs.aws.amazon.com/lambda/latest/api/API_PutResourcePolicy.html

import type {
  DeleteResourcePolicyRequest,
  GetResourcePolicyRequest,
  GetResourcePolicyResponse,
  PutResourcePolicyRequest,
  PutResourcePolicyResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { POLICIES, policyKey } from '../documents.ts';
import { type FunctionReference, functionArn, LATEST, readFunctionName, targetNotFound } from '../function-name.ts';
import { checkPolicySize, readPolicy, showPolicy } from '../resource-policy.ts';
import { renewRevision, revisionOf } from '../resource-revision.ts';
import { checkRevision } from '../revision.ts';

const FUNCTION_ARN =
  /arn:aws[a-zA-Z-]*:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?/;
const LONGEST_POLICY = 20_480;

/** Replaces what policy there is. Throws PreconditionFailedException when it is not of the revision that the client names. */
export function putResourcePolicy({ table }: LambdaDependencies) {
  return async (input: PutResourcePolicyRequest, context: RequestContext): Promise<PutResourcePolicyResponse> => {
    const reference = readResource(input.ResourceArn!, context);
    checkConstraints([{ at: 'policy', value: input.Policy, min: 1, max: LONGEST_POLICY }]);
    const statements = readPolicy(input.Policy!, functionArn(reference, reference.qualifier));
    checkPolicySize(statements);
    if (!(await table.isThere(reference))) throw targetNotFound(reference);
    const revisionId = await table.write(reference, async (_, tx) => {
      checkRevision(input.RevisionId, await revisionOf(tx.documents, reference), 'GetResourcePolicy');
      await tx.documents.put(POLICIES, reference.scope, policyKey(reference), { statements });
      await renewRevision(tx, reference);
      return revisionOf(tx.documents, reference);
    });
    return { Policy: showPolicy(statements), RevisionId: revisionId };
  };
}

export function getResourcePolicy({ table, state }: LambdaDependencies) {
  return async (input: GetResourcePolicyRequest, context: RequestContext): Promise<GetResourcePolicyResponse> => {
    const reference = readResource(input.ResourceArn!, context);
    if (!(await table.isThere(reference))) throw targetNotFound(reference);
    const policy = await state.documents.get(POLICIES, reference.scope, policyKey(reference));
    if (!policy) throw absent();
    return { Policy: showPolicy(policy.statements), RevisionId: await revisionOf(state.documents, reference) };
  };
}

export function deleteResourcePolicy({ table }: LambdaDependencies) {
  return async (input: DeleteResourcePolicyRequest, context: RequestContext): Promise<object> => {
    const reference = readResource(input.ResourceArn!, context);
    if (!(await table.isThere(reference))) throw targetNotFound(reference);
    await table.write(reference, async (_, tx) => {
      checkRevision(input.RevisionId, await revisionOf(tx.documents, reference), 'GetResourcePolicy');
      if (!(await tx.documents.delete(POLICIES, reference.scope, policyKey(reference)))) throw absent();
      await renewRevision(tx, reference);
    });
    return {};
  };
}

/** A complete ARN; $LATEST has no policy of its own. */
function readResource(arn: string, context: RequestContext): FunctionReference {
  checkConstraints([{ at: 'resourceArn', value: arn, min: 1, max: 256, pattern: FUNCTION_ARN }]);
  const reference = readFunctionName(arn, context);
  if (reference.qualifier !== LATEST) return reference;
  throw new AwsError('InvalidParameterValueException', 'We currently do not support adding policies for $LATEST.', {
    fields: { Type: 'User' },
  });
}

function absent(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', {
    fields: { Type: 'User' },
  });
}
