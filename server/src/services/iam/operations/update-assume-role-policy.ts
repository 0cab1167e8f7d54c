import type { UpdateAssumeRolePolicyRequest } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { checkPolicyDocument, policySize } from '../policy-document.ts';
import { ROLES, requireRole } from '../roles.ts';

const LARGEST_TRUST_POLICY = 2048;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html */
export function updateAssumeRolePolicy({ state }: IamDependencies): Handler<UpdateAssumeRolePolicyRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const role = await requireRole(documents, scope, input.RoleName!);
      checkPolicyDocument(input.PolicyDocument!, 'trust');
      checkTrustPolicySize(input.PolicyDocument!);
      await documents.put(ROLES, scope, nameKey(role.name), { ...role, trustPolicy: input.PolicyDocument! });
    });
    return {};
  };
}

export function checkTrustPolicySize(document: string): void {
  if (policySize(document) > LARGEST_TRUST_POLICY) {
    throw new AwsError('LimitExceededException', `Cannot exceed quota for ACLSizePerRole: ${LARGEST_TRUST_POLICY}`);
  }
}
