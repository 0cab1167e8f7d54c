// AddPermission, RemovePermission, GetPolicy: https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html

import type {
  AddPermissionRequest,
  AddPermissionResponse,
  GetPolicyRequest,
  GetPolicyResponse,
  RemovePermissionRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { POLICIES, type PolicyDocument, policyKey } from '../documents.ts';
import { type FunctionReference, functionArn, LATEST, readFunctionName, targetNotFound } from '../function-name.ts';
import { buildStatement, checkPolicySize, showPolicy } from '../resource-policy.ts';
import { renewRevision, revisionOf } from '../resource-revision.ts';
import { checkRevision } from '../revision.ts';

export function addPermission({ table }: LambdaDependencies) {
  return async (input: AddPermissionRequest, context: RequestContext): Promise<AddPermissionResponse> => {
    const reference = readOwner(input, context);
    checkConstraints([
      { at: 'statementId', value: input.StatementId, min: 1, max: 100, pattern: /([a-zA-Z0-9-_]+)/ },
      { at: 'action', value: input.Action, pattern: /(lambda:[*]|lambda:[a-zA-Z]+|[*])/ },
      { at: 'principal', value: input.Principal, pattern: /[^\s]+/ },
      {
        at: 'sourceArn',
        value: input.SourceArn,
        pattern: /arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)/,
      },
      { at: 'sourceAccount', value: input.SourceAccount, max: 12, pattern: /\d{12}/ },
      { at: 'eventSourceToken', value: input.EventSourceToken, max: 256, pattern: /[a-zA-Z0-9._-]+/ },
      { at: 'principalOrgID', value: input.PrincipalOrgID, min: 12, max: 34, pattern: /o-[a-z0-9]{10,32}/ },
      { at: 'functionUrlAuthType', value: input.FunctionUrlAuthType, oneOf: ['NONE', 'AWS_IAM'] },
    ]);
    if (!(await table.isThere(reference))) throw targetNotFound(reference);
    const statement = buildStatement(input, functionArn(reference, reference.qualifier));
    const key = policyKey(reference);
    await table.write(reference, async (_, tx) => {
      checkRevision(input.RevisionId, await revisionOf(tx.documents, reference));
      const statements = (await tx.documents.get(POLICIES, reference.scope, key))?.statements ?? [];
      if (statements.some(({ Sid }) => Sid === statement.Sid)) {
        throw new AwsError(
          'ResourceConflictException',
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
          { fields: { Type: 'User' } },
        );
      }
      const after: PolicyDocument = { statements: [...statements, statement] };
      checkPolicySize(after.statements);
      await tx.documents.put(POLICIES, reference.scope, key, after);
      await renewRevision(tx, reference);
    });
    return { Statement: JSON.stringify(statement) };
  };
}

export function removePermission({ table }: LambdaDependencies) {
  return async (input: RemovePermissionRequest, context: RequestContext): Promise<object> => {
    const reference = readOwner(input, context);
    checkConstraints([{ at: 'statementId', value: input.StatementId, min: 1, max: 100, pattern: /([a-zA-Z0-9-_.]+)/ }]);
    if (!(await table.find(reference.scope, reference.name))) {
      throw notFound(`No policy found for: ${functionArn(reference, reference.qualifier)}`);
    }
    if (!(await table.isThere(reference))) throw targetNotFound(reference);
    const key = policyKey(reference);
    await table.write(reference, async (_, tx) => {
      const before = await tx.documents.get(POLICIES, reference.scope, key);
      if (!before) throw notFound('No policy is associated with the given resource.');
      checkRevision(input.RevisionId, await revisionOf(tx.documents, reference));
      const statements = before.statements.filter(({ Sid }) => Sid !== input.StatementId);
      if (statements.length === before.statements.length) {
        throw notFound(`Statement ${input.StatementId} is not found in resource policy.`);
      }
      if (statements.length === 0) await tx.documents.delete(POLICIES, reference.scope, key);
      else await tx.documents.put(POLICIES, reference.scope, key, { statements });
      await renewRevision(tx, reference);
    });
    return {};
  };
}

export function getPolicy({ table, state }: LambdaDependencies) {
  return async (input: GetPolicyRequest, context: RequestContext): Promise<GetPolicyResponse> => {
    const reference = readOwner(input, context);
    await table.get({ scope: reference.scope, name: reference.name });
    const policy = await state.documents.get(POLICIES, reference.scope, policyKey(reference));
    if (!policy) throw notFound('The resource you requested does not exist.');
    return { Policy: showPolicy(policy.statements), RevisionId: await revisionOf(state.documents, reference) };
  };
}

/** The function, version or alias that has the policy; $LATEST has none of its own. */
function readOwner(
  input: { FunctionName?: string | undefined; Qualifier?: string | undefined },
  context: RequestContext,
): FunctionReference {
  const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
  if (reference.qualifier !== LATEST) return reference;
  throw new AwsError('InvalidParameterValueException', 'We currently do not support adding policies for $LATEST.', {
    fields: { Type: 'User' },
  });
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message, { fields: { Type: 'User' } });
}
