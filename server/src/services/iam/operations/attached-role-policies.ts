// The managed policies of a role.

import type {
  AttachRolePolicyRequest,
  DetachRolePolicyRequest,
  ListAttachedRolePoliciesRequest,
  ListAttachedRolePoliciesResponse,
} from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPolicyPath, nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import { forgetAttachment, recordAttachment, requireAttachablePolicy, requirePolicy } from '../policies.ts';
import { ROLES, requireRole } from '../roles.ts';

const MOST_ATTACHED = 10;

/** Attaching twice is no error. https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html */
export function attachRolePolicy(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<AttachRolePolicyRequest, object> {
  return async (input, context) => {
    const arn = input.PolicyArn!;
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      await requireAttachablePolicy(documents, scope, arn, awsPolicies);
      if (role.attachedPolicies.includes(arn)) return;
      if (role.attachedPolicies.length >= MOST_ATTACHED) {
        throw new AwsError('LimitExceededException', `Cannot exceed quota for PoliciesPerRole: ${MOST_ATTACHED}`);
      }
      const { name, id, path } = role;
      await recordAttachment(documents, scope, { arn, use: 'permissions', entity: 'role', name, id, path });
      await documents.put(ROLES, scope, nameKey(name), { ...role, attachedPolicies: [...role.attachedPolicies, arn] });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachRolePolicy.html */
export function detachRolePolicy(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<DetachRolePolicyRequest, object> {
  return async (input, context) => {
    const arn = input.PolicyArn!;
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      if (!role.attachedPolicies.includes(arn)) {
        await requirePolicy(documents, scope, arn, awsPolicies);
        throw new AwsError('NoSuchEntityException', `Policy ${arn} was not found.`);
      }
      await forgetAttachment(documents, scope, { arn, use: 'permissions', entity: 'role', name: role.name });
      await documents.put(ROLES, scope, nameKey(role.name), {
        ...role,
        attachedPolicies: role.attachedPolicies.filter((attached) => attached !== arn),
      });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedRolePolicies.html */
export function listAttachedRolePolicies({
  state,
}: IamDependencies): Handler<ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse> {
  return async (input, context) => {
    checkPolicyPath(input.PathPrefix);
    const role = await requireRole(state.documents, iamScope(context), input.RoleName!);
    const matching = role.attachedPolicies.filter((arn) => pathOfPolicy(arn).startsWith(input.PathPrefix ?? '/'));
    const { items, ...page } = pageOf(matching.sort(), (arn) => arn, input);
    return {
      AttachedPolicies: items.map((arn) => ({ PolicyName: arn.slice(arn.lastIndexOf('/') + 1), PolicyArn: arn })),
      ...page,
    };
  };
}

/** `/service-role/` of `arn:aws:iam::aws:policy/service-role/Name`. */
function pathOfPolicy(arn: string): string {
  return arn.slice(arn.indexOf('/'), arn.lastIndexOf('/') + 1);
}
