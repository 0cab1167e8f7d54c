import type { GetPolicyRequest, GetPolicyResponse } from '@aws-sdk/client-iam';
import type { Handler } from '#wire/service.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { attachments, countUses, policyDetail, requirePolicy } from '../policies.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html */
export function getPolicy(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<GetPolicyRequest, GetPolicyResponse> {
  return async (input, context) => {
    const scope = iamScope(context);
    const policy = await requirePolicy(state.documents, scope, input.PolicyArn!, awsPolicies);
    return { Policy: policyDetail(policy, countUses(await attachments(state.documents, scope, policy.arn))) };
  };
}
