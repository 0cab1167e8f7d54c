import type { CreatePolicyRequest, CreatePolicyResponse } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import { iamUniqueId } from '#core/ids.ts';
import type { Handler } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPolicyName, checkPolicyPath, nameKey } from '../names.ts';
import { POLICIES, type PolicyDocument, policyDetail } from '../policies.ts';
import { checkPolicyDocument, policySize } from '../policy-document.ts';
import { readTags, tagShapes } from '../tags.ts';
import { wholeSeconds } from './create-role.ts';

const LARGEST_POLICY = 6144;
const MOST_POLICIES = 1500;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html */
export function createPolicy({ state, clock }: IamDependencies): Handler<CreatePolicyRequest, CreatePolicyResponse> {
  return async (input, context) => {
    const name = input.PolicyName!;
    checkPolicyName(name);
    checkPolicyPath(input.Path);
    checkText('description', input.Description, { max: 1000 });
    const tags = readTags(input.Tags);
    checkManagedDocument(input.PolicyDocument!);
    const scope = iamScope(context);
    const path = input.Path ?? '/';
    const nowMs = wholeSeconds(clock.now());
    const policy: PolicyDocument = {
      name,
      id: iamUniqueId('ANPA'),
      arn: `arn:aws:iam::${context.account}:policy${path}${name}`,
      path,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      ...(input.Description ? { description: input.Description } : {}),
      tags,
      defaultVersion: 'v1',
      lastVersion: 1,
      versions: [{ id: 'v1', document: input.PolicyDocument!, createdAtMs: nowMs }],
    };
    await state.transact(async ({ documents }) => {
      if (await documents.get(POLICIES, scope, nameKey(name))) {
        throw new AwsError(
          'EntityAlreadyExistsException',
          `A policy called ${name} already exists. Duplicate names are not allowed.`,
        );
      }
      if ((await documents.range(POLICIES, scope, { limit: MOST_POLICIES })).length >= MOST_POLICIES) {
        throw new AwsError('LimitExceededException', `Cannot exceed quota for PoliciesPerAccount: ${MOST_POLICIES}`);
      }
      await documents.put(POLICIES, scope, nameKey(name), policy);
    });
    // The answer to CreatePolicy carries neither the description nor an empty tag list.
    const { Description: _, Tags: __, ...shown } = policyDetail(policy, { permissions: 0, boundary: 0 });
    return { Policy: tags.length === 0 ? shown : { ...shown, Tags: tagShapes(tags) } };
  };
}

export function checkManagedDocument(document: string): void {
  checkPolicyDocument(document, 'managed');
  if (policySize(document) > LARGEST_POLICY) {
    throw new AwsError('LimitExceededException', `Cannot exceed quota for PolicySize: ${LARGEST_POLICY}`);
  }
}
