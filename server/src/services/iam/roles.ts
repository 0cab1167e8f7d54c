// Roles as they are kept: one document a role, its inline policies inside, its managed policies as ARNs.

import type { Role } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import { type DocumentReader, defineCollection, type Scope } from '#storage/state/state.ts';
import { checkRoleName, nameKey } from './names.ts';
import { boundaryShape } from './permissions-boundary.ts';
import { encodePolicyDocument } from './policy-document.ts';
import { type TagDocument, tagShapes } from './tags.ts';

export interface RoleDocument {
  name: string;
  id: string;
  arn: string;
  path: string;
  createdAtMs: number;
  trustPolicy: string;
  description?: string;
  maxSessionDurationS: number;
  permissionsBoundary?: string;
  tags: TagDocument[];
  /** Policy name -> document. */
  inlinePolicies: Record<string, string>;
  /** In the order of attachment. */
  attachedPolicies: string[];
}

export const ROLES = defineCollection<RoleDocument>('iam.roles');

export async function requireRole(documents: DocumentReader, scope: Scope, name: string): Promise<RoleDocument> {
  checkRoleName(name);
  const role = await documents.get(ROLES, scope, nameKey(name));
  if (!role) throw new AwsError('NoSuchEntityException', `The role with name ${name} cannot be found.`);
  return role;
}

/** A role as ListRoles shows it. */
export function roleSummary(role: RoleDocument): Role {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAtMs),
    AssumeRolePolicyDocument: encodePolicyDocument(role.trustPolicy),
    ...(role.description === undefined ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionDurationS,
  };
}

/** A role as GetRole shows it. */
export function roleDetail(role: RoleDocument): Role {
  return {
    ...roleSummary(role),
    ...boundaryShape(role.permissionsBoundary),
    ...(role.tags.length === 0 ? {} : { Tags: tagShapes(role.tags) }),
    RoleLastUsed: {},
  };
}
