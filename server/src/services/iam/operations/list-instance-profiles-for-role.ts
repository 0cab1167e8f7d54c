import type { ListInstanceProfilesForRoleRequest, ListInstanceProfilesForRoleResponse } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { requireRole } from '../roles.ts';

/**
 * Always empty, since Brume creates no instance profiles; Terraform asks before it deletes a role.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListInstanceProfilesForRole.html
 */
export function listInstanceProfilesForRole({
  state,
}: IamDependencies): Handler<ListInstanceProfilesForRoleRequest, ListInstanceProfilesForRoleResponse> {
  return async (input, context) => {
    await requireRole(state.documents, iamScope(context), input.RoleName!);
    return { InstanceProfiles: [], IsTruncated: false };
  };
}
