// Deletion protection: a protected group and its streams cannot be deleted.

import { AwsError } from '#core/errors.ts';
import type { LogGroup } from '#engines/logs/log-group.ts';

export function refuseWhenProtected(group: LogGroup): void {
  if (!group.document.deletionProtection) return;
  const message = `Deletion protection is enabled for the log group ${group.name}. Disable it before you delete.`;
  throw new AwsError('ValidationException', message);
}
