import type { ListPoliciesRequest, ListPoliciesResponse } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPolicyPath, nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import { type AttachmentDocument, attachments, countUses, POLICIES, policySummary } from '../policies.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html */
export function listPolicies(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<ListPoliciesRequest, ListPoliciesResponse> {
  return async (input, context) => {
    checkText('scope', input.Scope, { values: ['All', 'AWS', 'Local'] });
    checkText('policyUsageFilter', input.PolicyUsageFilter, { values: ['PermissionsPolicy', 'PermissionsBoundary'] });
    checkPolicyPath(input.PathPrefix);
    const scope = iamScope(context);
    const own = input.Scope === 'AWS' ? [] : await state.documents.range(POLICIES, scope);
    const all = [...own.map(({ value }) => value), ...(input.Scope === 'Local' ? [] : awsPolicies.values())];
    const uses = groupByPolicy(await attachments(state.documents, scope));
    const usage = input.PolicyUsageFilter === 'PermissionsBoundary' ? 'boundary' : 'permissions';
    const listed = all
      .map((policy) => ({ policy, uses: countUses(uses.get(policy.arn) ?? []) }))
      .filter(({ policy }) => policy.path.startsWith(input.PathPrefix ?? '/'))
      .filter((entry) => !(input.OnlyAttached || input.PolicyUsageFilter) || entry.uses[usage] > 0);
    listed.sort((a, b) => (sortKey(a.policy) < sortKey(b.policy) ? -1 : 1));
    const { items, ...page } = pageOf(listed, ({ policy }) => sortKey(policy), input);
    return { Policies: items.map((entry) => policySummary(entry.policy, entry.uses)), ...page };
  };
}

/** By name; AWS and the account may use the same. */
function sortKey({ name, arn }: { name: string; arn: string }): string {
  return `${nameKey(name)}|${arn.startsWith('arn:aws:iam::aws:') ? 1 : 0}`;
}

function groupByPolicy(uses: readonly AttachmentDocument[]): Map<string, AttachmentDocument[]> {
  return Map.groupBy(uses, ({ arn }) => arn);
}
