import type { ListRoleTagsRequest, ListRoleTagsResponse, TagRoleRequest, UntagRoleRequest } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { ROLES, requireRole } from '../roles.ts';
import { addTags, pageOfTags, readTags, removeTags } from '../tags.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html */
export function tagRole({ state }: IamDependencies): Handler<TagRoleRequest, object> {
  return async (input, context) => {
    const added = readTags(input.Tags);
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      await documents.put(ROLES, scope, nameKey(role.name), { ...role, tags: addTags(role.tags, added) });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html */
export function untagRole({ state }: IamDependencies): Handler<UntagRoleRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      const tags = removeTags(role.tags, input.TagKeys!);
      await documents.put(ROLES, scope, nameKey(role.name), { ...role, tags });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoleTags.html */
export function listRoleTags({ state }: IamDependencies): Handler<ListRoleTagsRequest, ListRoleTagsResponse> {
  return async (input, context) => {
    const role = await requireRole(state.documents, iamScope(context), input.RoleName!);
    return pageOfTags(role.tags, input);
  };
}
