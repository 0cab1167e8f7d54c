import type { ListRolesRequest, ListRolesResponse } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPathPrefix } from '../names.ts';
import { pageOf } from '../pages.ts';
import { ROLES, roleSummary } from '../roles.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html */
export function listRoles({ state }: IamDependencies): Handler<ListRolesRequest, ListRolesResponse> {
  return async (input, context) => {
    checkPathPrefix(input.PathPrefix);
    const prefix = input.PathPrefix ?? '/';
    const all = await state.documents.range(ROLES, iamScope(context));
    const matching = all.filter(({ value }) => value.path.startsWith(prefix));
    const { items, ...page } = pageOf(matching, ({ key }) => key, input);
    return { Roles: items.map(({ value }) => roleSummary(value)), ...page };
  };
}
