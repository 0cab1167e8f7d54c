// The names that go out into the world: ARNs of executions, the tokens of checkpoints, the ids of callbacks.

import { uuid } from '#core/ids.ts';
import type { ExecutionDocument, ExecutionReference } from './documents.ts';

/** As the API's model has it. */
export const EXECUTION_ARN =
  /arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\d{12}):function:([a-zA-Z0-9_-]+):(\$LATEST(?:\.PUBLISHED)?|[0-9]+)\/durable-execution\/([a-zA-Z0-9_-]+)\/([a-zA-Z0-9_-]+)/;
const WHOLE_ARN = new RegExp(`^${EXECUTION_ARN.source}$`);

export interface ExecutionName extends ExecutionReference {
  name: string;
  version: string;
}

export function executionArn(
  { scope, functionName, id }: ExecutionReference,
  { name, version }: Pick<ExecutionDocument, 'name' | 'version'>,
): string {
  return `arn:aws:lambda:${scope.region}:${scope.account}:function:${functionName}:${version}/durable-execution/${name}/${id}`;
}

/** Undefined for what is no ARN of an execution. */
export function readExecutionArn(arn: string): ExecutionName | undefined {
  const match = WHOLE_ARN.exec(arn);
  if (!match) return undefined;
  const [, , region, account, functionName, version, name, id] = match as unknown as string[];
  return {
    scope: { account: account!, region: region! },
    functionName: functionName!,
    version: version!,
    name: name!,
    id: id!,
  };
}

/** A UUID of version 7: it rises with time. */
export function newExecutionId(nowMs: number): string {
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${uuid().slice(15)}`;
}

/** Names the invocation that may write and its checkpoints so far; each checkpoint makes the one before it worthless. */
export function checkpointToken(id: string, nonce: string, count: number): string {
  return encode([id, nonce, count]);
}

export function readCheckpointToken(token: string): { id: string; nonce: string; count: number } | undefined {
  const parts = decode(token);
  if (parts?.length !== 3 || typeof parts[2] !== 'number') return undefined;
  return { id: String(parts[0]), nonce: String(parts[1]), count: parts[2] };
}

export function callbackId(execution: ExecutionReference, operationId: string): string {
  const { scope, functionName, id } = execution;
  return encode([scope.account, scope.region, functionName, id, operationId, uuid()]);
}

/** Which operation it stands for, without whether it is there. */
export function readCallbackId(text: string): { execution: ExecutionReference; operationId: string } | undefined {
  const parts = decode(text);
  if (parts?.length !== 6 || !parts.every((part) => typeof part === 'string')) return undefined;
  const [account, region, functionName, id, operationId] = parts as [string, string, string, string, string];
  return { execution: { scope: { account, region }, functionName, id }, operationId };
}

function encode(parts: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64');
}

function decode(text: string): unknown[] | undefined {
  try {
    const parts = JSON.parse(Buffer.from(text, 'base64').toString());
    return Array.isArray(parts) ? parts : undefined;
  } catch {
    return undefined;
  }
}
