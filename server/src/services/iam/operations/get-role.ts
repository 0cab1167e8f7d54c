import type { GetRoleRequest, GetRoleResponse } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { requireRole, roleDetail } from '../roles.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html */
export function getRole({ state }: IamDependencies): Handler<GetRoleRequest, GetRoleResponse> {
  return async (input, context) => ({
    Role: roleDetail(await requireRole(state.documents, iamScope(context), input.RoleName!)),
  });
}
