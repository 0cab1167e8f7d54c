// Managed policies as they are kept: one document a policy with its versions, and an index of who has it attached.

import type { Policy, PolicyVersion } from '@aws-sdk/client-iam';
import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { type DocumentReader, type DocumentWriter, defineCollection, type Scope } from '#storage/state/state.ts';
import { checkText } from '../constraints.ts';
import type { AwsManagedPolicies } from './aws-managed-policies.ts';
import { nameKey } from './names.ts';
import { encodePolicyDocument } from './policy-document.ts';
import { type TagDocument, tagShapes } from './tags.ts';

export interface PolicyDocument {
  name: string;
  id: string;
  arn: string;
  path: string;
  createdAtMs: number;
  updatedAtMs: number;
  description?: string;
  tags: TagDocument[];
  defaultVersion: string;
  /** Version numbers are never given twice. */
  lastVersion: number;
  /** Oldest first; at most MOST_VERSIONS. */
  versions: PolicyVersionDocument[];
}

export interface PolicyVersionDocument {
  id: string;
  document: string;
  createdAtMs: number;
}

export const POLICIES = defineCollection<PolicyDocument>('iam.policies');
export const MOST_VERSIONS = 5;

/** A use of a policy, so that counting and listing them needs no walk over all roles and users. */
export interface AttachmentDocument {
  arn: string;
  use: PolicyUse;
  entity: 'role';
  name: string;
  id: string;
  path: string;
}

export type PolicyUse = 'permissions' | 'boundary';

export const ATTACHMENTS = defineCollection<AttachmentDocument>('iam.attachments');

/** A policy of the account or of AWS. Throws NoSuchEntity, or InvalidInput when the text is no ARN. */
export async function requirePolicy(
  documents: DocumentReader,
  scope: Scope,
  arn: string,
  awsPolicies: AwsManagedPolicies,
  missing: (arn: string) => string = (text) => `Policy ${text} was not found.`,
): Promise<PolicyDocument> {
  const policy = awsPolicies.get(arn) ?? (await findOwnPolicy(documents, scope, arn));
  if (!policy) throw new AwsError('NoSuchEntityException', missing(arn));
  return policy;
}

/** For attaching: AWS words the missing policy otherwise here. */
export function requireAttachablePolicy(
  documents: DocumentReader,
  scope: Scope,
  arn: string,
  awsPolicies: AwsManagedPolicies,
): Promise<PolicyDocument> {
  return requirePolicy(
    documents,
    scope,
    arn,
    awsPolicies,
    (text) => `Policy ${text} does not exist or is not attachable.`,
  );
}

/** A policy that the account may change. */
export async function requireOwnPolicy(documents: DocumentReader, scope: Scope, arn: string): Promise<PolicyDocument> {
  if (parsePolicyArn(arn).account === 'aws') {
    throw new AwsError('AccessDenied', 'Policy is outside your own account.', { status: 403 });
  }
  const policy = await findOwnPolicy(documents, scope, arn);
  if (!policy) throw new AwsError('NoSuchEntityException', `Policy ${arn} was not found.`);
  return policy;
}

export function findVersion(policy: PolicyDocument, versionId: string): PolicyVersionDocument {
  checkText('versionId', versionId, { pattern: 'v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?' });
  const version = policy.versions.find(({ id }) => id === versionId);
  if (!version) {
    throw new AwsError(
      'NoSuchEntityException',
      `Policy ${policy.arn} version ${versionId} does not exist or is not attachable.`,
    );
  }
  return version;
}

export async function recordAttachment(
  documents: DocumentWriter,
  scope: Scope,
  attachment: AttachmentDocument,
): Promise<void> {
  await documents.put(ATTACHMENTS, scope, attachmentKey(attachment), attachment);
}

export async function forgetAttachment(
  documents: DocumentWriter,
  scope: Scope,
  attachment: Pick<AttachmentDocument, 'arn' | 'use' | 'entity' | 'name'>,
): Promise<void> {
  await documents.delete(ATTACHMENTS, scope, attachmentKey(attachment));
}

/** Who uses a policy; of all policies without `arn`. In the order of entity kind and name. */
export async function attachments(
  documents: DocumentReader,
  scope: Scope,
  arn?: string,
): Promise<AttachmentDocument[]> {
  const found = await documents.range(ATTACHMENTS, scope, arn === undefined ? {} : { prefix: `${arn}|` });
  return found.map(({ value }) => value);
}

export interface UseCounts {
  permissions: number;
  boundary: number;
}

export function countUses(uses: readonly AttachmentDocument[]): UseCounts {
  const counts = { permissions: 0, boundary: 0 };
  for (const { use } of uses) counts[use]++;
  return counts;
}

/** A policy as ListPolicies shows it. */
export function policySummary(policy: PolicyDocument, uses: UseCounts): Policy {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: uses.permissions,
    PermissionsBoundaryUsageCount: uses.boundary,
    IsAttachable: true,
    CreateDate: new Date(policy.createdAtMs),
    UpdateDate: new Date(policy.updatedAtMs),
  };
}

/** A policy as GetPolicy shows it. */
export function policyDetail(policy: PolicyDocument, uses: UseCounts): Policy {
  return {
    ...policySummary(policy, uses),
    ...(policy.description === undefined ? {} : { Description: policy.description }),
    Tags: tagShapes(policy.tags),
  };
}

export function versionShape(policy: PolicyDocument, version: PolicyVersionDocument): PolicyVersion {
  return {
    VersionId: version.id,
    IsDefaultVersion: version.id === policy.defaultVersion,
    CreateDate: new Date(version.createdAtMs),
  };
}

export function versionDetail(policy: PolicyDocument, version: PolicyVersionDocument): PolicyVersion {
  return { Document: encodePolicyDocument(version.document), ...versionShape(policy, version) };
}

async function findOwnPolicy(
  documents: DocumentReader,
  scope: Scope,
  arn: string,
): Promise<PolicyDocument | undefined> {
  const { account, name } = parsePolicyArn(arn);
  if (account !== scope.account) return undefined;
  const policy = await documents.get(POLICIES, scope, nameKey(name));
  return policy?.arn === arn ? policy : undefined;
}

function parsePolicyArn(text: string): { account: string; name: string } {
  checkText('policyArn', text, { min: 20, max: 2048 });
  const arn = parseArn(text);
  if (arn?.service !== 'iam' || arn.region !== '' || !/^policy\/.*[^/]$/.test(arn.resource)) {
    throw new AwsError('InvalidInputException', `ARN ${text} is not valid.`);
  }
  return { account: arn.account, name: arn.resource.slice(arn.resource.lastIndexOf('/') + 1) };
}

function attachmentKey(attachment: Pick<AttachmentDocument, 'arn' | 'use' | 'entity' | 'name'>): string {
  return `${attachment.arn}|${attachment.use}|${attachment.entity}|${nameKey(attachment.name)}`;
}
