// What the API tells of executions that are kept.

import type { Event, ExecutionStatus } from '@aws-sdk/client-lambda';
import type { Clock } from '#core/clock.ts';
import type { Scope, StateStore } from '#storage/state/state.ts';
import {
  EVENTS,
  EXECUTIONS,
  type ExecutionDocument,
  type ExecutionReference,
  eventKey,
  executionKey,
  OPERATIONS,
  PAYLOADS,
  payloadKey,
} from './documents.ts';
import { expiresAtMs } from './draft.ts';
import { notFound } from './errors.ts';
import { executionArn, readExecutionArn } from './identifiers.ts';
import { showEvent } from './presentation.ts';
import { invalid } from './update-rules.ts';

/** Executions that one list looks at, and reads at once. */
const MOST_SCANNED = 5_000;
const SCANNED_AT_ONCE = 500;

export interface Ending {
  arn: string;
  document: ExecutionDocument;
  result: string | undefined;
}

export interface ListOptions {
  functionName: string;
  version?: string | undefined;
  name?: string | undefined;
  statuses?: readonly ExecutionStatus[] | undefined;
  startedAfterMs?: number | undefined;
  startedBeforeMs?: number | undefined;
  oldestFirst?: boolean | undefined;
  /** An execution's id. */
  after?: string | undefined;
  most: number;
}

export class ExecutionReader {
  readonly #state: StateStore;
  readonly #clock: Clock;

  constructor({ state, clock }: { state: StateStore; clock: Clock }) {
    this.#state = state;
    this.#clock = clock;
  }

  /** The execution of an ARN. Throws ResourceNotFoundException for what is not there, or no longer kept. */
  async find(arn: string): Promise<ExecutionReference> {
    const named = readExecutionArn(arn);
    if (!named) throw invalid(`Invalid durable execution ARN: ${arn}`);
    const { scope, functionName, id } = named;
    const reference = { scope, functionName, id };
    if (executionArn(reference, await this.document(reference)) !== arn) throw notFound(reference);
    return reference;
  }

  async document(reference: ExecutionReference): Promise<ExecutionDocument> {
    const document = await this.#state.documents.get(EXECUTIONS, reference.scope, executionKey(reference));
    if (document && (expiresAtMs(document) ?? Number.POSITIVE_INFINITY) > this.#clock.now()) return document;
    throw notFound(reference);
  }

  payload(reference: ExecutionReference, which: 'input' | 'result'): Promise<string | undefined> {
    return this.#state.documents.get(PAYLOADS, reference.scope, payloadKey(reference, which));
  }

  async get(reference: ExecutionReference): Promise<Ending> {
    const document = await this.document(reference);
    const result = await this.payload(reference, 'result');
    return { arn: executionArn(reference, document), document, result };
  }

  async history(
    reference: ExecutionReference,
    options: { withData: boolean; newestFirst: boolean; after?: number | undefined; most: number },
  ): Promise<{ events: Event[]; after?: number }> {
    const { documents } = this.#state;
    const document = await this.document(reference);
    const [operations, input, result] = await Promise.all([
      documents.range(OPERATIONS, reference.scope, { prefix: `${executionKey(reference)}/` }),
      options.withData ? this.payload(reference, 'input') : undefined,
      options.withData ? this.payload(reference, 'result') : undefined,
    ]);
    const found = await documents.range(EVENTS, reference.scope, {
      prefix: `${executionKey(reference)}/`,
      limit: options.most + 1,
      reverse: options.newestFirst,
      ...(options.after === undefined ? {} : { after: eventKey(reference, options.after) }),
    });
    const sources = {
      document,
      operations: new Map(operations.map(({ value }) => [value.id, value])),
      input,
      result,
      withData: options.withData,
    };
    const numberOf = (key: string) => Number(key.slice(key.lastIndexOf('/') + 1));
    const page = found.slice(0, options.most);
    return {
      events: page.map(({ key, value }) => showEvent(numberOf(key), value, sources)),
      ...(found.length > page.length ? { after: numberOf(page.at(-1)!.key) } : {}),
    };
  }

  /** Some of a function's executions, by start; `after` says that there may be more. */
  async list(scope: Scope, options: ListOptions): Promise<{ executions: ExecutionDocument[]; after?: string }> {
    const { documents } = this.#state;
    const { functionName, most } = options;
    const nowMs = this.#clock.now();
    const executions: ExecutionDocument[] = [];
    let after = options.after === undefined ? undefined : executionKey({ functionName, id: options.after });
    let scanned = 0;
    while (scanned < MOST_SCANNED) {
      const page = await documents.range(EXECUTIONS, scope, {
        prefix: `${functionName}/`,
        limit: SCANNED_AT_ONCE,
        reverse: !options.oldestFirst,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value } of page) {
        if (matches(value, options, nowMs)) {
          if (executions.length === most) return { executions, after: executions.at(-1)!.id };
          executions.push(value);
        }
        after = key;
      }
      if (page.length < SCANNED_AT_ONCE) return { executions };
      scanned += page.length;
    }
    return { executions, ...(after === undefined ? {} : { after: after.slice(functionName.length + 1) }) };
  }
}

function matches(document: ExecutionDocument, options: ListOptions, nowMs: number): boolean {
  const { version, name, statuses, startedAfterMs, startedBeforeMs } = options;
  return (
    (expiresAtMs(document) ?? Number.POSITIVE_INFINITY) > nowMs &&
    (version === undefined || document.version === version) &&
    (name === undefined || document.name === name) &&
    (!statuses?.length || statuses.includes(document.status)) &&
    (startedAfterMs === undefined || document.startedAtMs > startedAfterMs) &&
    (startedBeforeMs === undefined || document.startedAtMs < startedBeforeMs)
  );
}
