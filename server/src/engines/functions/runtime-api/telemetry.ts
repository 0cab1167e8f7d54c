// The Telemetry API and the older Logs API: extensions subscribe while they initialize, and get what the platform, the function
// and extensions say, from the beginning on.
// https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventSink, PlatformEvent, PlatformLog } from '../platform-log.ts';
import { answerJson, badRequest, forbidden, notFound, readBody } from './answers.ts';
import type { Extensions } from './extensions.ts';
import type { Processes } from './peer.ts';
import { TelemetryDelivery } from './telemetry-delivery.ts';
import {
  type Category,
  readSubscription,
  type Subscription,
  SubscriptionError,
  type TelemetryApi,
} from './telemetry-subscription.ts';

export const TELEMETRY_PREFIX = '/2022-07-01/telemetry';
export const LOGS_PREFIX = '/2020-08-15/logs';
const LARGEST_REQUEST_BYTES = 64 * 1024;
/** From before the subscriptions. */
const MOST_REMEMBERED = 1_000;
/** What subscribers of the Logs API know. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-logs-api.html */
const LOGS_EVENTS: readonly PlatformEvent[] = [
  ...(['start', 'report', 'runtimeDone', 'extension'] as const),
  ...(['logsSubscription', 'logsDropped', 'fault'] as const),
];

interface Event {
  category: Category;
  /** Of the platform's. */
  event?: PlatformEvent;
  json: string;
}

interface Subscriber {
  name: string;
  subscription: Subscription;
  delivery: TelemetryDelivery;
}

export interface TelemetryOptions {
  extensions: Extensions;
  log: PlatformLog;
  processes: Processes;
  now(): number;
  /** Whether lines of the function may be JSON. */
  isJson: boolean;
}

export class Telemetry implements EventSink {
  readonly #options: TelemetryOptions;
  readonly #subscribers: Subscriber[] = [];
  /** Until no more may subscribe. */
  #remembered: Event[] | undefined = [];

  constructor(options: TelemetryOptions) {
    this.#options = options;
  }

  /** What the API server serves under a prefix. */
  routes(api: TelemetryApi) {
    return {
      serve: (request: IncomingMessage, response: ServerResponse, what: string) =>
        request.method === 'PUT' && (what === '' || what === '/')
          ? this.#subscribe(api, request, response)
          : Promise.resolve(notFound(response)),
    };
  }

  /** No more subscriptions; whether there are some. */
  close(): boolean {
    this.#remembered = undefined;
    return this.#subscribers.length > 0;
  }

  platform(timeMs: number, event: PlatformEvent, record: unknown): void {
    if (event === 'report') {
      // Only the older API has an event for the end.
      const { requestId } = record as { requestId: string };
      const json = eventJson(timeMs, 'platform.end', { requestId });
      this.#tell({ category: 'platform', json }, ({ api }) => api === 'logs');
    }
    this.#tell({ category: 'platform', event, json: eventJson(timeMs, `platform.${event}`, record) });
  }

  /** A message of the function or an extension. */
  line(category: 'function' | 'extension', message: string): void {
    const record = this.#options.isJson && category === 'function' ? parsed(message) : message.replace(/\n$/, '');
    this.#tell({ category, json: eventJson(this.#options.now(), category, record) });
  }

  async flush(): Promise<void> {
    await Promise.all(this.#subscribers.map(({ delivery }) => delivery.flush()));
  }

  stop(): void {
    for (const { delivery } of this.#subscribers) delivery.close();
  }

  #tell(event: Event, isFor: (subscription: Subscription) => boolean = () => true): void {
    for (const { subscription, delivery } of this.#subscribers) {
      if (isFor(subscription) && wants(subscription, event)) delivery.add(event.json);
    }
    if (this.#remembered && this.#remembered.length < MOST_REMEMBERED) this.#remembered.push(event);
  }

  async #subscribe(api: TelemetryApi, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { extensions, log, processes } = this.#options;
    const extension = extensions.identify(request, response);
    if (!extension) return;
    const body = await readBody(request, LARGEST_REQUEST_BYTES);
    if (!body) return;
    if (!this.#remembered) {
      const name = api === 'telemetry' ? 'Telemetry' : 'Logs';
      return forbidden(response, `${name}.SubscriptionClosed`, `${name} API subscription is closed already`);
    }
    let subscription: Subscription;
    try {
      subscription = readSubscription(api, 'tooLarge' in body ? '' : body.toString());
    } catch (error) {
      if (error instanceof SubscriptionError) return badRequest(response, 'ValidationError', error.message);
      throw error;
    }
    const delivery = new TelemetryDelivery({
      subscription,
      processes,
      onDropped: (records, bytes, reason) => log.logsDropped(records, bytes, reason),
    });
    const { name } = extension;
    const before = this.#subscribers.findIndex((one) => one.name === name && one.subscription.api === api);
    if (before >= 0) this.#subscribers.splice(before, 1)[0]!.delivery.close();
    this.#subscribers.push({ name, subscription, delivery });
    for (const event of this.#remembered) if (wants(subscription, event)) delivery.add(event.json);
    answerJson(response, 200, 'OK');
    log.subscription(api === 'telemetry' ? 'telemetrySubscription' : 'logsSubscription', name, subscription.types);
  }
}

function wants({ api, schemaVersion, types }: Subscription, { category, event }: Event): boolean {
  if (!types.includes(category)) return false;
  if (event === undefined) return true;
  if (api === 'telemetry') return event !== 'logsSubscription';
  return LOGS_EVENTS.includes(event) && (event !== 'runtimeDone' || schemaVersion !== '2020-08-15');
}

function eventJson(timeMs: number, type: string, record: unknown): string {
  return JSON.stringify({ time: new Date(timeMs).toISOString(), type, record });
}

function parsed(message: string): unknown {
  try {
    const value = JSON.parse(message);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // It is text.
  }
  return message.replace(/\n$/, '');
}
