// Events that nobody waits for: each function has a durable queue, from which its events are invoked, retried and, when
// all fails, dropped or sent to its dead-letter queue. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html

import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import type { Delivery, DeliveryAttribute, DeliveryRequest } from '#engines/delivery/delivery.ts';
import { QueueWorker } from '#engines/delivery/queue-worker.ts';
import type { InvocationResult } from '#engines/functions/function-engine.ts';
import type { QueuedMessage, Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { FUNCTIONS } from './documents.ts';
import { DESTINATION_LABEL, destinationRequest, type Ending } from './event-invoke/destinations.ts';
import { EVENT_INVOKE_CONFIGS, type EventInvokeDocument, eventInvokeKey } from './event-invoke/documents.ts';
import { type FunctionReference, functionArn } from './function-name.ts';
import type { FunctionTable, Target } from './function-table.ts';
import type { InvocationRequest } from './invoker.ts';
import { recursiveInvocation, traced } from './recursion.ts';

/** Unless PutFunctionEventInvokeConfig set others. */
const DEFAULT_RETRIES = 2;
const DEFAULT_MAX_AGE_S = 6 * 3_600;
/** After the first and after the second failure. */
const RETRY_DELAYS_MS = [60_000, 120_000];
/** Throttles and faults of Brume's own are retried until the event is too old. */
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 5 * 60_000;
/** Events of one function under way at once; Lambda scales further, but this is one machine. */
const MOST_IN_FLIGHT = 16;
/** How long a stop waits for the invocations under way; those that take longer are run again at the next start. */
const LONGEST_STOP_MS = 5_000;
const QUEUE_PREFIX = 'lambda.async/';
const LONGEST_DEAD_LETTER_MESSAGE = 1_024;
export const DEAD_LETTER_LABEL = 'dead-letter';

/** What the queue keeps beside an event's payload. */
interface EventAttributes {
  requestId: string;
  qualifier?: string;
  clientContext?: string;
  traceHeader?: string;
  tenantId?: string;
  /** Invocations that ended in an error of the function. */
  failures: number;
  /** Attempts that were throttled or failed on Brume's side, since the last that was not. */
  deferrals: number;
  /** When it may be tried again. */
  notBeforeMs?: number;
}

/** An event that is being seen to. */
interface ClaimedEvent {
  queue: string;
  message: QueuedMessage;
  attributes: EventAttributes;
  reference: FunctionReference;
  target: Target;
  config: EventInvokeDocument | undefined;
  /** What the function got, and its destinations get. */
  traceHeader: string;
}

export interface AsynchronousInvocationsOptions {
  state: StateStore;
  clock: Clock;
  log: Logger;
  meter: Meter;
  delivery: Delivery;
  table: FunctionTable;
  run(reference: FunctionReference, target: Target, request: InvocationRequest): Promise<InvocationResult>;
}

export class AsynchronousInvocations {
  readonly #options: AsynchronousInvocationsOptions;
  readonly #queues = new Map<string, QueueWorker>();
  #unsubscribe: (() => void)[] = [];
  #running = false;
  /** Outcomes of invocations that began before a stop or reset go nowhere. */
  #generation = 0;

  constructor(options: AsynchronousInvocationsOptions) {
    this.#options = options;
  }

  /** Takes up what is queued, and whatever comes. */
  async start(): Promise<void> {
    const { state, delivery } = this.#options;
    this.#running = true;
    this.#unsubscribe = [
      state.onQueueActivity((queue) => {
        if (queue.startsWith(QUEUE_PREFIX)) this.#queue(queue).wake();
      }),
      delivery.onOutcome('lambda.amazonaws.com', ({ request, delivered }) => {
        if (!delivered) this.#recordDeliveryFailure(request);
      }),
    ];
    for (const { account, region, key } of await state.documents.scan(FUNCTIONS)) {
      const queue = queueName({ account, region }, key);
      const isQueued = (await state.queues.nextAvailableAtMs(queue)) !== undefined;
      // A stop may come meanwhile.
      if (!this.#running) return;
      if (isQueued) this.#queue(queue).takeUp();
    }
  }

  /** Waits a moment for the invocations under way and begins no more; what is queued stays, and so does what was not done. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#abandon(LONGEST_STOP_MS);
  }

  reset(): Promise<void> {
    return this.#abandon(0);
  }

  async #abandon(graceMs: number): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop(graceMs)));
    this.#generation++;
    this.#queues.clear();
  }

  /** Queues an event; resolves once it is durable. */
  async enqueue(reference: FunctionReference, request: InvocationRequest): Promise<void> {
    const { state, clock } = this.#options;
    const attributes: EventAttributes = {
      requestId: request.requestId,
      failures: 0,
      deferrals: 0,
      ...(reference.qualifier === undefined ? {} : { qualifier: reference.qualifier }),
      ...(request.clientContext === undefined ? {} : { clientContext: request.clientContext }),
      ...(request.traceHeader === undefined ? {} : { traceHeader: request.traceHeader }),
      ...(request.tenantId === undefined ? {} : { tenantId: request.tenantId }),
    };
    const body = Buffer.from(request.payload).toString('utf8');
    await state.transact((tx) =>
      tx.queues.send(
        queueName(reference.scope, reference.name),
        [{ body, attributes: { ...attributes } }],
        clock.now(),
      ),
    );
    this.#record(reference, 'AsyncEventsReceived', 1, 'Count');
  }

  /** Drops the events of a function that is being deleted. */
  async purge(tx: Transaction, reference: FunctionReference): Promise<void> {
    await tx.queues.purge(queueName(reference.scope, reference.name));
  }

  #queue(name: string): QueueWorker {
    let queue = this.#queues.get(name);
    if (!queue) {
      const { state, clock, log } = this.#options;
      const reference = referenceOf(name);
      queue = new QueueWorker({
        queue: name,
        state,
        clock,
        log,
        mostInFlight: MOST_IN_FLIGHT,
        handle: (message) => this.#handle(name, message, reference),
        onEmpty: () => this.#queues.delete(name),
      });
      this.#queues.set(name, queue);
    }
    return queue;
  }

  async #handle(queue: string, message: QueuedMessage, unqualified: FunctionReference): Promise<void> {
    const { state, clock, run } = this.#options;
    const attributes = message.attributes as unknown as EventAttributes;
    const { requestId, qualifier, clientContext, traceHeader, tenantId, notBeforeMs = 0 } = attributes;
    // Looking ahead at the start found a retry that nobody had claimed.
    if (notBeforeMs > clock.now()) {
      await state.transact((tx) => tx.queues.setAvailableAt(queue, message.id, notBeforeMs));
      return;
    }
    const generation = this.#generation;
    const reference = qualifier === undefined ? unqualified : { ...unqualified, qualifier };
    const target = await this.#route(reference);
    if (!target) {
      await state.transact((tx) => tx.queues.deleteMessage(queue, message.id));
      return;
    }
    const trace = traced(traceHeader, functionArn(reference), clock.now());
    const event: ClaimedEvent = {
      traceHeader: trace.traceHeader,
      queue,
      message,
      attributes,
      reference,
      target,
      config: await state.documents.get(EVENT_INVOKE_CONFIGS, reference.scope, eventInvokeKey(reference)),
    };
    const ageMs = clock.now() - message.enqueuedAtMs;
    this.#record(reference, 'AsyncEventAge', ageMs, 'Milliseconds');
    if (ageMs > (event.config?.maximumAgeS ?? DEFAULT_MAX_AGE_S) * 1_000) return this.#fail(event, 'EventAgeExceeded');
    if (target.document.reservedConcurrency === 0) return this.#fail(event, 'ZeroReservedConcurrency');

    if (trace.isRunaway && target.document.recursiveLoop !== 'Allow') {
      this.#record(reference, 'RecursiveInvocationsDropped', 1, 'Count');
      return this.#fail(event, 'RecursiveInvocation');
    }
    let result: InvocationResult;
    try {
      result = await run(reference, target, {
        requestId,
        payload: Buffer.from(message.body),
        ...(clientContext === undefined ? {} : { clientContext }),
        ...(tenantId === undefined ? {} : { tenantId }),
        traceHeader: trace.traceHeader,
      });
    } catch (error) {
      if (generation !== this.#generation) return;
      return this.#defer(queue, message, attributes, error);
    }
    if (generation !== this.#generation) return;
    if (result.functionError === undefined) return this.#succeed(event, result);
    const failures = attributes.failures + 1;
    if (failures > (event.config?.maximumRetries ?? DEFAULT_RETRIES)) {
      return this.#fail(event, 'RetriesExhausted', result);
    }
    await this.#again(queue, message, { ...attributes, failures, deferrals: 0 }, RETRY_DELAYS_MS[failures - 1]!);
  }

  /** Undefined when the function, or the version or alias, is gone. */
  async #route(reference: FunctionReference): Promise<Target | undefined> {
    try {
      return await this.#options.table.route(reference, Math.random);
    } catch (error) {
      if (error instanceof AwsError) return undefined;
      throw error;
    }
  }

  async #defer(queue: string, message: QueuedMessage, attributes: EventAttributes, error: unknown): Promise<void> {
    const deferrals = attributes.deferrals + 1;
    const delayMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(deferrals - 1, 20));
    if (!(error instanceof AwsError)) {
      this.#options.log.error('an asynchronous invocation failed in Brume', { queue, error });
    }
    await this.#again(queue, message, { ...attributes, deferrals }, delayMs);
  }

  async #again(queue: string, message: QueuedMessage, attributes: EventAttributes, delayMs: number): Promise<void> {
    const { state, clock } = this.#options;
    const notBeforeMs = clock.now() + delayMs;
    await state.transact(async (tx) => {
      await tx.queues.setAttributes(queue, message.id, { ...attributes, notBeforeMs });
      await tx.queues.setAvailableAt(queue, message.id, notBeforeMs);
    });
  }

  async #succeed(event: ClaimedEvent, result: InvocationResult) {
    const { queue, message, attributes, reference, target, config, traceHeader } = event;
    const { state, delivery, clock } = this.#options;
    await state.transact(async (tx) => {
      await tx.queues.deleteMessage(queue, message.id);
      if (config?.onSuccessArn === undefined) return;
      const ending: Ending = {
        condition: 'Success',
        requestId: attributes.requestId,
        invocations: attributes.failures + 1,
        payload: message.body,
        response: { executedVersion: target.version.version, payload: result.payload },
      };
      await delivery.enqueue(tx, [
        { ...destinationRequest(reference, config.onSuccessArn, ending, clock.now()), traceHeader },
      ]);
    });
  }

  /** The end of an event that was not processed; without a result it was not tried at the last. */
  async #fail(event: ClaimedEvent, condition: Ending['condition'], result?: InvocationResult): Promise<void> {
    const { queue, message, attributes, reference, target, config, traceHeader } = event;
    const { state, delivery, clock } = this.#options;
    const { deadLetterArn } = target.version;
    const requests: DeliveryRequest[] = [];
    if (deadLetterArn !== undefined) {
      requests.push({
        targetArn: deadLetterArn,
        payload: message.body,
        sourceService: 'lambda.amazonaws.com',
        sourceArn: functionArn(reference),
        sourceAccount: reference.scope.account,
        region: reference.scope.region,
        label: DEAD_LETTER_LABEL,
        traceHeader,
        messageAttributes: deadLetterAttributes(
          attributes.requestId,
          result ? '200' : '429',
          deadLetterMessage(condition, result),
        ),
      });
    }
    if (config?.onFailureArn !== undefined) {
      const ending: Ending = {
        condition,
        requestId: attributes.requestId,
        invocations: attributes.failures + (result ? 1 : 0),
        payload: message.body,
        ...(result
          ? {
              response: {
                executedVersion: target.version.version,
                payload: result.payload,
                ...(result.functionError === undefined ? {} : { functionError: result.functionError }),
              },
            }
          : {}),
      };
      requests.push({ ...destinationRequest(reference, config.onFailureArn, ending, clock.now()), traceHeader });
    }
    await state.transact(async (tx) => {
      await tx.queues.deleteMessage(queue, message.id);
      await delivery.enqueue(tx, requests);
    });
    this.#record(reference, 'AsyncEventsDropped', 1, 'Count');
  }

  #recordDeliveryFailure({ sourceArn, label }: DeliveryRequest): void {
    const metricName =
      label === DESTINATION_LABEL
        ? 'DestinationDeliveryFailures'
        : label === DEAD_LETTER_LABEL
          ? 'DeadLetterErrors'
          : undefined;
    const [, , , region, account, , name] = sourceArn.split(':');
    if (!metricName || !region || !account || !name) return;
    this.#record({ scope: { account, region }, name }, metricName, 1, 'Count');
  }

  #record(reference: FunctionReference, metricName: string, value: number, unit: string): void {
    const { scope, name, qualifier } = reference;
    const resource = qualifier === undefined ? name : `${name}:${qualifier}`;
    this.#options.meter.record(scope, {
      namespace: 'AWS/Lambda',
      metricName,
      dimensions: [{}, { FunctionName: name }, { FunctionName: name, Resource: resource }],
      value,
      unit,
    });
  }
}

/** What a dead-letter queue is told beside the event. `code` is 200 for what the function did, else Lambda's status. */
export function deadLetterAttributes(
  requestId: string,
  code: '200' | '429',
  message: string,
): Record<string, DeliveryAttribute> {
  // SQS takes neither empty values nor control characters.
  const text = message.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, ' ') || 'Unknown';
  return {
    RequestID: { DataType: 'String', StringValue: requestId },
    ErrorCode: { DataType: 'Number', StringValue: code },
    ErrorMessage: { DataType: 'String', StringValue: text.slice(0, LONGEST_DEAD_LETTER_MESSAGE) },
  };
}

/** https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq */
function deadLetterMessage(condition: Ending['condition'], result: InvocationResult | undefined): string {
  if (result) return errorMessageOf(result);
  if (condition === 'EventAgeExceeded') return 'The event exceeded its maximum age.';
  return condition === 'RecursiveInvocation' ? recursiveInvocation().message : 'Rate Exceeded.';
}

function errorMessageOf({ payload }: InvocationResult): string {
  const text = Buffer.from(payload).toString('utf8');
  let message: unknown;
  try {
    message = JSON.parse(text)?.errorMessage;
  } catch {
    message = text;
  }
  return String(message ?? text);
}

function queueName({ account, region }: Scope, name: string): string {
  return `${QUEUE_PREFIX}${account}/${region}/${name}`;
}

function referenceOf(queue: string): FunctionReference {
  const [account, region, name] = queue.slice(QUEUE_PREFIX.length).split('/') as [string, string, string];
  return { scope: { account, region }, name };
}
