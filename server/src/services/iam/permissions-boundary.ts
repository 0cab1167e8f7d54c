// The managed policy that bounds what a role or user may do: stored and shown, part of enforcement later.

import type { AttachedPermissionsBoundary } from '@aws-sdk/client-iam';

export function boundaryShape(arn: string | undefined): { PermissionsBoundary?: AttachedPermissionsBoundary } {
  if (arn === undefined) return {};
  // AWS answers `Policy`, as its member's description says, though the model's enumeration names another value.
  const type = 'Policy' as unknown as 'PermissionsBoundaryPolicy';
  return { PermissionsBoundary: { PermissionsBoundaryType: type, PermissionsBoundaryArn: arn } };
}
