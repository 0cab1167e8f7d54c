// How requests name a log group: by its name, or by an identifier that is a name or an ARN.

import { parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { LogGroup, LogScope, LogStream } from '#engines/logs/log-group.ts';
import { type Constraints, invalidParameter, LOG_GROUP_IDENTIFIER, LOG_GROUP_NAME } from './constraints.ts';
import type { Logs } from './logs.ts';

export interface LogGroupReference {
  logGroupName?: string | undefined;
  logGroupIdentifier?: string | undefined;
}

/** Throws ResourceNotFoundException. */
export async function requireGroup({ store }: Pick<Logs, 'store'>, scope: LogScope, name: string): Promise<LogGroup> {
  return (await store.groups.find(scope, name)) ?? fail();
}

/** Of operations that take either a name or an identifier. */
export async function requireReferredGroup(
  logs: Logs,
  scope: LogScope,
  { logGroupName, logGroupIdentifier }: LogGroupReference,
): Promise<LogGroup> {
  if (logGroupName !== undefined && logGroupIdentifier !== undefined) {
    throw new AwsError('ValidationException', 'LogGroup name and LogGroup ARN are mutually exclusive parameters.');
  }
  if (logGroupName !== undefined) return requireGroup(logs, scope, logGroupName);
  if (logGroupIdentifier !== undefined) return requireIdentifiedGroup(logs, scope, logGroupIdentifier);
  throw invalidParameter('Either logGroupName or logGroupIdentifier must be specified.');
}

export async function requireIdentifiedGroup(logs: Logs, scope: LogScope, identifier: string): Promise<LogGroup> {
  const name = nameOf(identifier, scope);
  return name === undefined ? fail() : requireGroup(logs, scope, name);
}

/** The name in a name or in an ARN (with or without `:*`); undefined for an ARN of another account or region. */
export function nameOf(identifier: string, scope: LogScope): string | undefined {
  if (!identifier.startsWith('arn:')) return identifier;
  const arn = parseArn(identifier);
  const name = /^log-group:([^:]+)(:\*)?$/.exec(arn?.resource ?? '')?.[1];
  if (arn?.service !== 'logs' || name === undefined) {
    throw invalidParameter(`The specified log group identifier is invalid: ${identifier}`);
  }
  return arn.account === scope.account && arn.region === scope.region ? name : undefined;
}

export function checkReference(constraints: Constraints, { logGroupName, logGroupIdentifier }: LogGroupReference) {
  return constraints
    .text('logGroupName', logGroupName, LOG_GROUP_NAME)
    .text('logGroupIdentifier', logGroupIdentifier, LOG_GROUP_IDENTIFIER);
}

/** Throws ResourceNotFoundException. */
export async function requireStream({ store }: Pick<Logs, 'store'>, group: LogGroup, name: string): Promise<LogStream> {
  const streams = group.streams ?? (await store.groups.streams(group));
  const stream = streams.get(name);
  if (!stream || stream.deleted) throw streamDoesNotExist();
  return stream;
}

export function groupDoesNotExist(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
}

export function streamDoesNotExist(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
}

function fail(): never {
  throw groupDoesNotExist();
}
