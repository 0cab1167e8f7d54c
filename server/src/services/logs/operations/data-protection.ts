// Data protection policies of log groups: kept with the group, in effect for what is ingested from then on.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDataProtectionPolicy.html

import type {
  DeleteDataProtectionPolicyRequest,
  GetDataProtectionPolicyRequest,
  GetDataProtectionPolicyResponse,
  PutDataProtectionPolicyRequest,
  PutDataProtectionPolicyResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError, notImplemented } from '#core/errors.ts';
import {
  type DataProtection,
  DataProtectionPolicyError,
  parseDataProtectionPolicy,
  UnsupportedProtectionError,
} from '#engines/data-protection/data-protection.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_IDENTIFIER } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { groupDoesNotExist, requireGroup, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';

export function putDataProtectionPolicy(
  logs: Logs,
): Handler<PutDataProtectionPolicyRequest, PutDataProtectionPolicyResponse> {
  return async ({ logGroupIdentifier, policyDocument }, context) => {
    const group = await requireProtectable(logs, context, logGroupIdentifier!, 'PutDataProtectionPolicy');
    const { findingsGroup } = requireProtection('PutDataProtectionPolicy', policyDocument!);
    if (findingsGroup !== undefined) {
      const destination = await requireGroup(logs, context, findingsGroup);
      if (destination === group) throw invalidParameter('Findings of a log group cannot go to the same log group.');
    }
    const nowMs = logs.clock.now();
    const stored = await logs.store.groups.update(group, (document) => ({
      ...document,
      dataProtection: {
        text: policyDocument!,
        updatedAtMs: nowMs,
        sinceMs: document.dataProtection?.sinceMs ?? nowMs,
      },
    }));
    if (!stored) throw groupDoesNotExist();
    return { logGroupIdentifier: logGroupIdentifier!, policyDocument: policyDocument!, lastUpdatedTime: nowMs };
  };
}

/** Without a policy only the group is given back. */
export function getDataProtectionPolicy(
  logs: Logs,
): Handler<GetDataProtectionPolicyRequest, GetDataProtectionPolicyResponse> {
  return async ({ logGroupIdentifier }, context) => {
    const group = await requireProtectable(logs, context, logGroupIdentifier!, 'GetDataProtectionPolicy');
    const { dataProtection } = group.document;
    return {
      logGroupIdentifier: logGroupIdentifier!,
      ...(dataProtection && { policyDocument: dataProtection.text, lastUpdatedTime: dataProtection.updatedAtMs }),
    };
  };
}

export function deleteDataProtectionPolicy(logs: Logs): Handler<DeleteDataProtectionPolicyRequest, object> {
  return async ({ logGroupIdentifier }, context) => {
    const group = await requireProtectable(logs, context, logGroupIdentifier!, 'DeleteDataProtectionPolicy');
    if (!group.document.dataProtection) {
      throw new AwsError('ResourceNotFoundException', 'The specified log group has no data protection policy.');
    }
    const stored = await logs.store.groups.update(group, ({ dataProtection, ...rest }) => ({
      ...rest,
      dataProtectionDeleted: true,
    }));
    if (!stored) throw groupDoesNotExist();
    return {};
  };
}

/** Throws InvalidParameterException, and NotImplemented for identifiers that Brume does not find. */
export function requireProtection(operation: string, text: string): DataProtection {
  try {
    return parseDataProtectionPolicy(text);
  } catch (error) {
    if (error instanceof UnsupportedProtectionError) throw notImplemented(operation, error.message);
    if (error instanceof DataProtectionPolicyError) throw invalidParameter(`Invalid policyDocument: ${error.message}`);
    throw error;
  }
}

async function requireProtectable(
  logs: Logs,
  scope: LogScope,
  identifier: string,
  operation: string,
): Promise<LogGroup> {
  new Constraints().text('logGroupIdentifier', identifier, LOG_GROUP_IDENTIFIER).check();
  const group = await requireIdentifiedGroup(logs, scope, identifier);
  refuseInfrequentAccess(group, operation);
  return group;
}
