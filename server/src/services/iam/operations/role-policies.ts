// The inline policies of a role.

import type {
  DeleteRolePolicyRequest,
  GetRolePolicyRequest,
  GetRolePolicyResponse,
  ListRolePoliciesRequest,
  ListRolePoliciesResponse,
  PutRolePolicyRequest,
} from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPolicyName, nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import { checkPolicyDocument, encodePolicyDocument, policySize } from '../policy-document.ts';
import { ROLES, type RoleDocument, requireRole } from '../roles.ts';

/** Of all inline policies of a role together. */
const LARGEST_INLINE_POLICIES = 10_240;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html */
export function putRolePolicy({ state }: IamDependencies): Handler<PutRolePolicyRequest, object> {
  return async (input, context) => {
    const name = input.PolicyName!;
    checkPolicyName(name);
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      checkPolicyDocument(input.PolicyDocument!, 'inline');
      const inlinePolicies = { ...role.inlinePolicies, [name]: input.PolicyDocument! };
      const size = Object.values(inlinePolicies).reduce((sum, text) => sum + policySize(text), 0);
      if (size > LARGEST_INLINE_POLICIES) {
        throw new AwsError(
          'LimitExceededException',
          `Maximum policy size of ${LARGEST_INLINE_POLICIES} bytes exceeded for role ${role.name}`,
        );
      }
      await documents.put(ROLES, scope, nameKey(role.name), { ...role, inlinePolicies });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html */
export function getRolePolicy({ state }: IamDependencies): Handler<GetRolePolicyRequest, GetRolePolicyResponse> {
  return async (input, context) => {
    const name = input.PolicyName!;
    checkPolicyName(name);
    const role = await requireRole(state.documents, iamScope(context), input.RoleName!);
    return { RoleName: role.name, PolicyName: name, PolicyDocument: encodePolicyDocument(inlinePolicy(role, name)) };
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html */
export function listRolePolicies({
  state,
}: IamDependencies): Handler<ListRolePoliciesRequest, ListRolePoliciesResponse> {
  return async (input, context) => {
    const role = await requireRole(state.documents, iamScope(context), input.RoleName!);
    const { items, ...page } = pageOf(Object.keys(role.inlinePolicies).sort(), (name) => name, input);
    return { PolicyNames: items, ...page };
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePolicy.html */
export function deleteRolePolicy({ state }: IamDependencies): Handler<DeleteRolePolicyRequest, object> {
  return async (input, context) => {
    const name = input.PolicyName!;
    checkPolicyName(name);
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      inlinePolicy(role, name);
      const { [name]: _, ...inlinePolicies } = role.inlinePolicies;
      await documents.put(ROLES, scope, nameKey(role.name), { ...role, inlinePolicies });
    });
    return {};
  };
}

function inlinePolicy(role: RoleDocument, name: string): string {
  const document = Object.hasOwn(role.inlinePolicies, name) ? role.inlinePolicies[name] : undefined;
  if (document === undefined) {
    throw new AwsError('NoSuchEntityException', `The role policy with name ${name} cannot be found.`);
  }
  return document;
}
