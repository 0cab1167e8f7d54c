// AWS IAM: table of operations.

import { createRequire } from 'node:module';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { loadAwsManagedPolicies } from './aws-managed-policies.ts';
import { createAccessKey, deleteAccessKey, listAccessKeys, updateAccessKey } from './operations/access-keys.ts';
import { attachRolePolicy, detachRolePolicy, listAttachedRolePolicies } from './operations/attached-role-policies.ts';
import { createPolicy } from './operations/create-policy.ts';
import { createRole } from './operations/create-role.ts';
import { deletePolicy } from './operations/delete-policy.ts';
import { deleteRole } from './operations/delete-role.ts';
import { getPolicy } from './operations/get-policy.ts';
import { getRole } from './operations/get-role.ts';
import { listEntitiesForPolicy } from './operations/list-entities-for-policy.ts';
import { listInstanceProfilesForRole } from './operations/list-instance-profiles-for-role.ts';
import { listPolicies } from './operations/list-policies.ts';
import { listRoles } from './operations/list-roles.ts';
import { listPolicyTags, tagPolicy, untagPolicy } from './operations/policy-tags.ts';
import {
  createPolicyVersion,
  deletePolicyVersion,
  getPolicyVersion,
  listPolicyVersions,
  setDefaultPolicyVersion,
} from './operations/policy-versions.ts';
import { deleteRolePermissionsBoundary, putRolePermissionsBoundary } from './operations/role-permissions-boundary.ts';
import { deleteRolePolicy, getRolePolicy, listRolePolicies, putRolePolicy } from './operations/role-policies.ts';
import { listRoleTags, tagRole, untagRole } from './operations/role-tags.ts';
import {
  createServiceSpecificCredential,
  deleteServiceSpecificCredential,
  listServiceSpecificCredentials,
  resetServiceSpecificCredential,
  updateServiceSpecificCredential,
} from './operations/service-specific-credentials.ts';
import { updateAssumeRolePolicy } from './operations/update-assume-role-policy.ts';
import { updateRole, updateRoleDescription } from './operations/update-role.ts';
import { listUserTags, tagUser, untagUser } from './operations/user-tags.ts';
import { createUser, deleteUser, getUser, listUsers } from './operations/users.ts';

const require = createRequire(import.meta.url);

export const IAM_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-iam'),
  signingName: 'iam',
  protocols: ['awsQuery'],
  queryVersion: '2010-05-08',
  xmlNamespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  global: true,
};

export function createIamService(dependencies: ServiceDependencies): Service {
  const awsPolicies = loadAwsManagedPolicies();
  return {
    name: 'iam',
    model: IAM_MODEL,
    operations: {
      CreateRole: createRole(dependencies, awsPolicies),
      GetRole: getRole(dependencies),
      ListRoles: listRoles(dependencies),
      UpdateRole: updateRole(dependencies),
      UpdateRoleDescription: updateRoleDescription(dependencies),
      UpdateAssumeRolePolicy: updateAssumeRolePolicy(dependencies),
      DeleteRole: deleteRole(dependencies),
      PutRolePolicy: putRolePolicy(dependencies),
      GetRolePolicy: getRolePolicy(dependencies),
      ListRolePolicies: listRolePolicies(dependencies),
      DeleteRolePolicy: deleteRolePolicy(dependencies),
      AttachRolePolicy: attachRolePolicy(dependencies, awsPolicies),
      DetachRolePolicy: detachRolePolicy(dependencies, awsPolicies),
      ListAttachedRolePolicies: listAttachedRolePolicies(dependencies),
      PutRolePermissionsBoundary: putRolePermissionsBoundary(dependencies, awsPolicies),
      DeleteRolePermissionsBoundary: deleteRolePermissionsBoundary(dependencies),
      TagRole: tagRole(dependencies),
      UntagRole: untagRole(dependencies),
      ListRoleTags: listRoleTags(dependencies),
      ListInstanceProfilesForRole: listInstanceProfilesForRole(dependencies),
      CreatePolicy: createPolicy(dependencies),
      GetPolicy: getPolicy(dependencies, awsPolicies),
      ListPolicies: listPolicies(dependencies, awsPolicies),
      DeletePolicy: deletePolicy(dependencies),
      CreatePolicyVersion: createPolicyVersion(dependencies),
      GetPolicyVersion: getPolicyVersion(dependencies, awsPolicies),
      ListPolicyVersions: listPolicyVersions(dependencies, awsPolicies),
      SetDefaultPolicyVersion: setDefaultPolicyVersion(dependencies),
      DeletePolicyVersion: deletePolicyVersion(dependencies),
      ListEntitiesForPolicy: listEntitiesForPolicy(dependencies, awsPolicies),
      TagPolicy: tagPolicy(dependencies),
      UntagPolicy: untagPolicy(dependencies),
      ListPolicyTags: listPolicyTags(dependencies, awsPolicies),
      CreateUser: createUser(dependencies),
      GetUser: getUser(dependencies),
      ListUsers: listUsers(dependencies),
      DeleteUser: deleteUser(dependencies),
      TagUser: tagUser(dependencies),
      UntagUser: untagUser(dependencies),
      ListUserTags: listUserTags(dependencies),
      CreateAccessKey: createAccessKey(dependencies),
      ListAccessKeys: listAccessKeys(dependencies),
      UpdateAccessKey: updateAccessKey(dependencies),
      DeleteAccessKey: deleteAccessKey(dependencies),
      CreateServiceSpecificCredential: createServiceSpecificCredential(dependencies),
      ListServiceSpecificCredentials: listServiceSpecificCredentials(dependencies),
      UpdateServiceSpecificCredential: updateServiceSpecificCredential(dependencies),
      ResetServiceSpecificCredential: resetServiceSpecificCredential(dependencies),
      DeleteServiceSpecificCredential: deleteServiceSpecificCredential(dependencies),
    },
  };
}
