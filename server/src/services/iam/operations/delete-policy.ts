import type { DeletePolicyRequest } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { attachments, POLICIES, requireOwnPolicy } from '../policies.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html */
export function deletePolicy({ state }: IamDependencies): Handler<DeletePolicyRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const policy = await requireOwnPolicy(documents, scope, input.PolicyArn!);
      if ((await attachments(documents, scope, policy.arn)).length > 0) {
        throw new AwsError('DeleteConflictException', 'Cannot delete a policy attached to entities.');
      }
      if (policy.versions.length > 1) {
        throw new AwsError(
          'DeleteConflictException',
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      }
      await documents.delete(POLICIES, scope, nameKey(policy.name));
    });
    return {};
  };
}
