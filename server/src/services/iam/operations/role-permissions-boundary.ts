import type { DeleteRolePermissionsBoundaryRequest, PutRolePermissionsBoundaryRequest } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { forgetAttachment, recordAttachment, requireAttachablePolicy } from '../policies.ts';
import { ROLES, requireRole } from '../roles.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html */
export function putRolePermissionsBoundary(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<PutRolePermissionsBoundaryRequest, object> {
  return async (input, context) => {
    const arn = input.PermissionsBoundary!;
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      await requireAttachablePolicy(documents, scope, arn, awsPolicies);
      const { name, id, path, permissionsBoundary: former } = role;
      if (former !== undefined) {
        await forgetAttachment(documents, scope, { arn: former, use: 'boundary', entity: 'role', name });
      }
      await recordAttachment(documents, scope, { arn, use: 'boundary', entity: 'role', name, id, path });
      await documents.put(ROLES, scope, nameKey(name), { ...role, permissionsBoundary: arn });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html */
export function deleteRolePermissionsBoundary({
  state,
}: IamDependencies): Handler<DeleteRolePermissionsBoundaryRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const { permissionsBoundary: arn, ...role } = await requireRole(documents, scope, input.RoleName!);
      if (arn === undefined) {
        throw new AwsError('NoSuchEntityException', `Permissions boundary not found for role ${role.name}.`);
      }
      await forgetAttachment(documents, scope, { arn, use: 'boundary', entity: 'role', name: role.name });
      await documents.put(ROLES, scope, nameKey(role.name), role);
    });
    return {};
  };
}
