import type { DeleteRoleRequest } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { forgetAttachment } from '../policies.ts';
import { ROLES, requireRole } from '../roles.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html */
export function deleteRole({ state }: IamDependencies): Handler<DeleteRoleRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      if (role.attachedPolicies.length > 0) {
        throw new AwsError('DeleteConflictException', 'Cannot delete entity, must detach all policies first.');
      }
      if (Object.keys(role.inlinePolicies).length > 0) {
        throw new AwsError('DeleteConflictException', 'Cannot delete entity, must delete policies first.');
      }
      if (role.permissionsBoundary !== undefined) {
        const { permissionsBoundary: arn, name } = role;
        await forgetAttachment(documents, scope, { arn, use: 'boundary', entity: 'role', name });
      }
      await documents.delete(ROLES, scope, nameKey(role.name));
    });
    return {};
  };
}
