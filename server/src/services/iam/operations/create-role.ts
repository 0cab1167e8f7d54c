import type { CreateRoleRequest, CreateRoleResponse } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import { iamUniqueId } from '#core/ids.ts';
import type { Handler } from '#wire/service.ts';
import { checkRange } from '../../constraints.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkDescription, checkPath, checkRoleName, nameKey } from '../names.ts';
import { recordAttachment, requireAttachablePolicy } from '../policies.ts';
import { checkPolicyDocument } from '../policy-document.ts';
import { ROLES, type RoleDocument, roleDetail } from '../roles.ts';
import { readTags } from '../tags.ts';
import { checkTrustPolicySize } from './update-assume-role-policy.ts';

const DEFAULT_SESSION_S = 3600;
const LONGEST_SESSION_S = 43_200;
const MOST_ROLES = 1000;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html */
export function createRole(
  { state, clock }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<CreateRoleRequest, CreateRoleResponse> {
  return async (input, context) => {
    const name = input.RoleName!;
    checkRoleName(name);
    checkPath(input.Path);
    checkDescription(input.Description);
    checkSessionDuration(input.MaxSessionDuration);
    const tags = readTags(input.Tags);
    checkPolicyDocument(input.AssumeRolePolicyDocument!, 'trust');
    checkTrustPolicySize(input.AssumeRolePolicyDocument!);
    const scope = iamScope(context);
    const path = input.Path ?? '/';
    const role: RoleDocument = {
      name,
      id: iamUniqueId('AROA'),
      arn: `arn:aws:iam::${context.account}:role${path}${name}`,
      path,
      createdAtMs: wholeSeconds(clock.now()),
      trustPolicy: input.AssumeRolePolicyDocument!,
      ...(input.Description ? { description: input.Description } : {}),
      maxSessionDurationS: input.MaxSessionDuration ?? DEFAULT_SESSION_S,
      ...(input.PermissionsBoundary === undefined ? {} : { permissionsBoundary: input.PermissionsBoundary }),
      tags,
      inlinePolicies: {},
      attachedPolicies: [],
    };
    await state.transact(async ({ documents }) => {
      if (await documents.get(ROLES, scope, nameKey(name))) {
        throw new AwsError('EntityAlreadyExistsException', `Role with name ${name} already exists.`);
      }
      const existing = await documents.range(ROLES, scope, { limit: MOST_ROLES });
      if (existing.length >= MOST_ROLES) {
        throw new AwsError('LimitExceededException', `Cannot exceed quota for RolesPerAccount: ${MOST_ROLES}`);
      }
      if (role.permissionsBoundary !== undefined) {
        await requireAttachablePolicy(documents, scope, role.permissionsBoundary, awsPolicies);
        const { id } = role;
        await recordAttachment(documents, scope, {
          arn: role.permissionsBoundary,
          use: 'boundary',
          entity: 'role',
          name,
          id,
          path,
        });
      }
      await documents.put(ROLES, scope, nameKey(name), role);
    });
    const { RoleLastUsed: _, ...shown } = roleDetail(role);
    return { Role: shown };
  };
}

export function checkSessionDuration(seconds: number | undefined): void {
  checkRange('maxSessionDuration', seconds, DEFAULT_SESSION_S, LONGEST_SESSION_S);
}

/** IAM shows its dates in whole seconds. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
