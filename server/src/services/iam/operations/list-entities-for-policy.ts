import type { ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPath, nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import { attachments, requirePolicy } from '../policies.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html */
export function listEntitiesForPolicy(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse> {
  return async (input, context) => {
    checkText('entityFilter', input.EntityFilter, {
      values: ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'],
    });
    checkText('policyUsageFilter', input.PolicyUsageFilter, { values: ['PermissionsPolicy', 'PermissionsBoundary'] });
    checkPath(input.PathPrefix);
    const scope = iamScope(context);
    const policy = await requirePolicy(state.documents, scope, input.PolicyArn!, awsPolicies);
    const use = input.PolicyUsageFilter === 'PermissionsBoundary' ? 'boundary' : 'permissions';
    const matching = (await attachments(state.documents, scope, policy.arn))
      .filter((attachment) => attachment.use === use || input.PolicyUsageFilter === undefined)
      .filter(({ entity }) => input.EntityFilter === undefined || input.EntityFilter.toLowerCase() === entity)
      .filter(({ path }) => path.startsWith(input.PathPrefix ?? '/'));
    // An entity that has the policy as both is listed once.
    const entities = [...new Map(matching.map((entry) => [`${entry.entity}|${nameKey(entry.name)}`, entry])).entries()];
    entities.sort(([a], [b]) => (a < b ? -1 : 1));
    const { items, ...page } = pageOf(entities, ([key]) => key, input);
    const found = items.map(([, entry]) => entry);
    return {
      PolicyGroups: [],
      PolicyUsers: [],
      PolicyRoles: found.map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...page,
    };
  };
}
