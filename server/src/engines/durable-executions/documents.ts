// What a durable execution keeps: a document of its own that every change rewrites, one for each operation and each event of
// its history, and the large payloads apart. Keys begin with the function's name, so that its executions go with it; ids rise
// with time, so that a function's executions stand in the order of their start.

import type { ErrorObject, EventType, ExecutionStatus, OperationStatus, OperationType } from '@aws-sdk/client-lambda';
import { defineCollection, type Scope } from '#storage/state/state.ts';

export type { ErrorObject, EventType, ExecutionStatus, OperationStatus, OperationType };

export interface ExecutionReference {
  scope: Scope;
  functionName: string;
  id: string;
}

export interface ExecutionDocument {
  id: string;
  name: string;
  functionName: string;
  /** The version that all its invocations run: `$LATEST` or a number. */
  version: string;
  status: ExecutionStatus;
  startedAtMs: number;
  endedAtMs?: number;
  timeoutS: number;
  retentionDays: number;
  kmsKeyArn?: string;
  traceHeader?: string;
  /** Whether someone waits for its result, which may then be larger. */
  synchronous: boolean;
  /** Of the call that began it. */
  requestId?: string;
  /** Tells whether an invocation of the same name is the same. */
  payloadHash: string;
  /** Operations and retries so far. */
  operations: number;
  /** Written by its checkpoints. */
  bytes: number;
  events: number;
  /** Changes of operations so far, and how many of them the function has been told. */
  changes: number;
  seen: number;
  /** The invocation under way. */
  invocation?: { requestId: string; nonce: string; startedAtMs: number };
  checkpoints: number;
  /** For a checkpoint that comes twice. */
  lastCheckpoint?: { clientToken: string; count: number; seen: number; atMs: number };
  /** When the function is to be invoked next; absent while it waits for something else. */
  invokeAtMs?: number;
  /** Invocations that failed since the last that did not. */
  failures: number;
  error?: ErrorObject;
  /** Whose chained invocation it is. */
  parent?: ExecutionReference & { operationId: string };
  /** Its own chained invocations under way. */
  chained: number;
}

export interface StoredOperation {
  id: string;
  /** From 1, in the order of their start. */
  sequence: number;
  /** The number of the change that made it what it is. */
  changed: number;
  type: OperationType;
  status: OperationStatus;
  parentId?: string;
  name?: string;
  subType?: string;
  startedAtMs: number;
  endedAtMs?: number;
  result?: string;
  error?: ErrorObject;
  /** Attempts of a step that ended. */
  attempt?: number;
  /** The end of a wait, or a step's next attempt. */
  dueAtMs?: number;
  waitS?: number;
  replayChildren?: boolean;
  callback?: {
    id: string;
    timeoutS?: number;
    heartbeatS?: number;
    timeoutAtMs?: number;
    heartbeatAtMs?: number;
  };
  invoke?: ChainedInvocation;
}

export interface ChainedInvocation {
  /** As the function named it. */
  functionName: string;
  input?: string;
  traceHeader?: string;
  /** The id of the execution that it starts, where the other function is durable: it is started once. */
  childId: string;
  /** Once started. */
  version?: string;
  arn?: string;
}

export interface StoredEvent {
  type: EventType;
  atMs: number;
  operationId?: string;
  /** Of an attempt that is not the operation's result. */
  result?: string;
  error?: ErrorObject;
  attempt?: number;
  delayS?: number;
  invocation?: { requestId: string; startedAtMs: number; endedAtMs: number };
}

export const EXECUTIONS = defineCollection<ExecutionDocument>('lambda.durable.executions');
export const OPERATIONS = defineCollection<StoredOperation>('lambda.durable.operations');
export const EVENTS = defineCollection<StoredEvent>('lambda.durable.events');
/** Input and result of an execution. */
export const PAYLOADS = defineCollection<string>('lambda.durable.payloads');
/** Which execution has a name. */
export const NAMES = defineCollection<{ id: string }>('lambda.durable.names');

/** What a start has to take up, of all accounts. */
export interface RunningDocument {
  /** When something is due. */
  wakeAtMs: number;
  /** An invocation of its own, or a chained one, is under way. */
  active: boolean;
}
export const RUNNING = defineCollection<RunningDocument>('lambda.durable.running');
/** Ended executions in the order in which they are forgotten, of all accounts. */
export const EXPIRING = defineCollection<Record<string, never>>('lambda.durable.expiring');
export const EVERYWHERE: Scope = { account: '', region: '' };

const EVENT_DIGITS = 8;
const TIME_DIGITS = 15;

export function executionKey({ functionName, id }: Pick<ExecutionReference, 'functionName' | 'id'>): string {
  return `${functionName}/${id}`;
}

export function operationKey(execution: ExecutionReference, operationId: string): string {
  return `${executionKey(execution)}/${operationId}`;
}

export function eventKey(execution: ExecutionReference, number: number): string {
  return `${executionKey(execution)}/${String(number).padStart(EVENT_DIGITS, '0')}`;
}

export function payloadKey(execution: ExecutionReference, which: 'input' | 'result'): string {
  return `${executionKey(execution)}/${which}`;
}

export function nameKey(functionName: string, name: string): string {
  return `${functionName}/${name}`;
}

export function runningKey({ scope, functionName, id }: ExecutionReference): string {
  return `${scope.account}/${scope.region}/${functionName}/${id}`;
}

export function readRunningKey(key: string): ExecutionReference {
  const [account, region, functionName, id] = key.split('/') as [string, string, string, string];
  return { scope: { account, region }, functionName, id };
}

export function expiringKey(atMs: number, execution: ExecutionReference): string {
  return `${String(atMs).padStart(TIME_DIGITS, '0')}/${runningKey(execution)}`;
}

export function readExpiringKey(key: string): { atMs: number; execution: ExecutionReference } {
  return { atMs: Number(key.slice(0, TIME_DIGITS)), execution: readRunningKey(key.slice(TIME_DIGITS + 1)) };
}
