// What log groups of the Infrequent Access class cannot do.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html

import { AwsError } from '#core/errors.ts';
import type { LogGroup } from '#engines/logs/log-group.ts';

/** `code` is the error that the operation's model has for it. */
export function refuseInfrequentAccess(
  group: LogGroup,
  operation: string,
  code: 'InvalidParameterException' | 'InvalidOperationException' = 'InvalidParameterException',
): void {
  if (group.document.logGroupClass === 'STANDARD') return;
  throw new AwsError(
    code,
    `${operation} is not supported for log groups of the ${group.document.logGroupClass} class.`,
  );
}
