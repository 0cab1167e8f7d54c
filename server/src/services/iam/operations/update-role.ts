import type {
  UpdateRoleDescriptionRequest,
  UpdateRoleDescriptionResponse,
  UpdateRoleRequest,
  UpdateRoleResponse,
} from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkDescription, nameKey } from '../names.ts';
import { ROLES, type RoleDocument, requireRole, roleDetail } from '../roles.ts';
import { checkSessionDuration } from './create-role.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRole.html */
export function updateRole({ state }: IamDependencies): Handler<UpdateRoleRequest, UpdateRoleResponse> {
  return async (input, context) => {
    checkDescription(input.Description);
    checkSessionDuration(input.MaxSessionDuration);
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      await documents.put(ROLES, scope, nameKey(role.name), {
        ...withDescription(role, input.Description),
        maxSessionDurationS: input.MaxSessionDuration ?? role.maxSessionDurationS,
      });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html */
export function updateRoleDescription({
  state,
}: IamDependencies): Handler<UpdateRoleDescriptionRequest, UpdateRoleDescriptionResponse> {
  return async (input, context) => {
    checkDescription(input.Description);
    const scope = iamScope(context);
    const updated = await state.transact(async ({ documents }) => {
      const role = withDescription(await requireRole(documents, scope, input.RoleName!), input.Description);
      await documents.put(ROLES, scope, nameKey(role.name), role);
      return role;
    });
    return { Role: roleDetail(updated) };
  };
}

function withDescription(role: RoleDocument, description: string | undefined): RoleDocument {
  return description === undefined ? role : { ...role, description };
}
