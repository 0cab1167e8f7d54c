import type { ListUserTagsRequest, ListUserTagsResponse, TagUserRequest, UntagUserRequest } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { addTags, pageOfTags, readTags, removeTags } from '../tags.ts';
import { requireUser, USERS } from '../users.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html */
export function tagUser({ state }: IamDependencies): Handler<TagUserRequest, object> {
  return async (input, context) => {
    const added = readTags(input.Tags);
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const user = await requireUser(documents, scope, input.UserName!);
      await documents.put(USERS, scope, nameKey(user.name), { ...user, tags: addTags(user.tags, added) });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html */
export function untagUser({ state }: IamDependencies): Handler<UntagUserRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const user = await requireUser(documents, scope, input.UserName!);
      const tags = removeTags(user.tags, input.TagKeys!);
      await documents.put(USERS, scope, nameKey(user.name), { ...user, tags });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html */
export function listUserTags({ state }: IamDependencies): Handler<ListUserTagsRequest, ListUserTagsResponse> {
  return async (input, context) => {
    const user = await requireUser(state.documents, iamScope(context), input.UserName!);
    return pageOfTags(user.tags, input);
  };
}
