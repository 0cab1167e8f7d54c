import type {
  ListPolicyTagsRequest,
  ListPolicyTagsResponse,
  TagPolicyRequest,
  UntagPolicyRequest,
} from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { POLICIES, requireOwnPolicy, requirePolicy } from '../policies.ts';
import { addTags, pageOfTags, readTags, removeTags } from '../tags.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagPolicy.html */
export function tagPolicy({ state }: IamDependencies): Handler<TagPolicyRequest, object> {
  return async (input, context) => {
    const added = readTags(input.Tags);
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const policy = await requireOwnPolicy(documents, scope, input.PolicyArn!);
      await documents.put(POLICIES, scope, nameKey(policy.name), { ...policy, tags: addTags(policy.tags, added) });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagPolicy.html */
export function untagPolicy({ state }: IamDependencies): Handler<UntagPolicyRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const policy = await requireOwnPolicy(documents, scope, input.PolicyArn!);
      const tags = removeTags(policy.tags, input.TagKeys!);
      await documents.put(POLICIES, scope, nameKey(policy.name), { ...policy, tags });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyTags.html */
export function listPolicyTags(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<ListPolicyTagsRequest, ListPolicyTagsResponse> {
  return async (input, context) => {
    const policy = await requirePolicy(state.documents, iamScope(context), input.PolicyArn!, awsPolicies);
    return pageOfTags(policy.tags, input);
  };
}
