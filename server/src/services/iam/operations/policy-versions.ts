// The versions of a managed policy: up to five, one of them the default.

import type {
  CreatePolicyVersionRequest,
  CreatePolicyVersionResponse,
  DeletePolicyVersionRequest,
  GetPolicyVersionRequest,
  GetPolicyVersionResponse,
  ListPolicyVersionsRequest,
  ListPolicyVersionsResponse,
  SetDefaultPolicyVersionRequest,
} from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import type { AwsManagedPolicies } from '../aws-managed-policies.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import {
  findVersion,
  MOST_VERSIONS,
  POLICIES,
  requireOwnPolicy,
  requirePolicy,
  versionDetail,
  versionShape,
} from '../policies.ts';
import { checkManagedDocument } from './create-policy.ts';
import { wholeSeconds } from './create-role.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html */
export function createPolicyVersion({
  state,
  clock,
}: IamDependencies): Handler<CreatePolicyVersionRequest, CreatePolicyVersionResponse> {
  return async (input, context) => {
    const scope = iamScope(context);
    const nowMs = wholeSeconds(clock.now());
    return state.transact(async ({ documents }) => {
      const policy = await requireOwnPolicy(documents, scope, input.PolicyArn!);
      checkManagedDocument(input.PolicyDocument!);
      if (policy.versions.length >= MOST_VERSIONS) {
        throw new AwsError(
          'LimitExceededException',
          `A managed policy can have up to ${MOST_VERSIONS} versions. Before you create a new version, you must delete an existing version.`,
        );
      }
      const lastVersion = policy.lastVersion + 1;
      const version = { id: `v${lastVersion}`, document: input.PolicyDocument!, createdAtMs: nowMs };
      const updated = {
        ...policy,
        lastVersion,
        versions: [...policy.versions, version],
        updatedAtMs: nowMs,
        defaultVersion: input.SetAsDefault ? version.id : policy.defaultVersion,
      };
      await documents.put(POLICIES, scope, nameKey(policy.name), updated);
      return { PolicyVersion: versionShape(updated, version) };
    });
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html */
export function getPolicyVersion(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<GetPolicyVersionRequest, GetPolicyVersionResponse> {
  return async (input, context) => {
    const policy = await requirePolicy(state.documents, iamScope(context), input.PolicyArn!, awsPolicies);
    return { PolicyVersion: versionDetail(policy, findVersion(policy, input.VersionId!)) };
  };
}

/** Newest first. https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html */
export function listPolicyVersions(
  { state }: IamDependencies,
  awsPolicies: AwsManagedPolicies,
): Handler<ListPolicyVersionsRequest, ListPolicyVersionsResponse> {
  return async (input, context) => {
    const policy = await requirePolicy(state.documents, iamScope(context), input.PolicyArn!, awsPolicies);
    const { items, ...page } = pageOf(policy.versions.toReversed(), ({ id }) => newestFirst(id), input);
    return { Versions: items.map((version) => versionShape(policy, version)), ...page };
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html */
export function setDefaultPolicyVersion({
  state,
  clock,
}: IamDependencies): Handler<SetDefaultPolicyVersionRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const policy = await requireOwnPolicy(documents, scope, input.PolicyArn!);
      const { id } = findVersion(policy, input.VersionId!);
      const updatedAtMs = wholeSeconds(clock.now());
      await documents.put(POLICIES, scope, nameKey(policy.name), { ...policy, defaultVersion: id, updatedAtMs });
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicyVersion.html */
export function deletePolicyVersion({ state }: IamDependencies): Handler<DeletePolicyVersionRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const policy = await requireOwnPolicy(documents, scope, input.PolicyArn!);
      const version = findVersion(policy, input.VersionId!);
      if (version.id === policy.defaultVersion) {
        throw new AwsError('DeleteConflictException', 'Cannot delete the default version of a policy.');
      }
      const versions = policy.versions.filter(({ id }) => id !== version.id);
      await documents.put(POLICIES, scope, nameKey(policy.name), { ...policy, versions });
    });
    return {};
  };
}

/** A text that sorts version ids from the newest to the oldest. */
function newestFirst(id: string): string {
  return String(Number.MAX_SAFE_INTEGER - Number(id.slice(1)));
}
