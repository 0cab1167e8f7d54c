// Events on their way to one subscriber: gathered up to a number, a size or a time, sent in order, one batch at a time. HTTP
// takes a JSON array a batch, TCP a line of JSON an event.

import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { SystemClock, type Timer } from '#core/clock.ts';
import { isListening, type Processes } from './peer.ts';
import type { Subscription } from './telemetry-subscription.ts';

const HOST = '127.0.0.1';
/** Waiting for a slow subscriber; beyond it events are dropped. */
const MOST_PENDING_BATCHES = 4;
/** A subscriber may listen only after it subscribed. */
const MOST_ATTEMPTS = 10;
const RETRY_MS = 100;

export interface DeliveryOptions {
  subscription: Subscription;
  /** Nobody else gets the events of an environment, whoever listens on the port. */
  processes: Processes;
  onDropped(records: number, bytes: number, reason: string): void;
}

export class TelemetryDelivery {
  readonly #options: DeliveryOptions;
  readonly #realTime = new SystemClock();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #socket: Socket | undefined;
  #gathered: string[] = [];
  #gatheredBytes = 0;
  #timer: Timer | undefined;
  readonly #batches: string[][] = [];
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** An event as JSON. */
  add(event: string): void {
    if (this.#closed) return;
    const { maxItems, maxBytes, timeoutMs } = this.#options.subscription.buffering;
    this.#gathered.push(event);
    this.#gatheredBytes += Buffer.byteLength(event);
    if (this.#gathered.length >= maxItems || this.#gatheredBytes >= maxBytes) this.#cut();
    else this.#timer ??= this.#realTime.at(this.#realTime.now() + timeoutMs, () => this.#cut());
  }

  /** Resolves once all that was added is delivered or dropped. */
  async flush(): Promise<void> {
    this.#cut();
    while (this.#sending) await this.#sending;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#agent.destroy();
    this.#socket?.destroy();
  }

  #cut(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#gathered.length === 0) return;
    const [batch, bytes] = [this.#gathered, this.#gatheredBytes];
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#batches.length >= MOST_PENDING_BATCHES) {
      const reason = 'Some logs were dropped because the downstream consumer is slower than the logs production rate';
      this.#options.onDropped(batch.length, bytes, reason);
      return;
    }
    this.#batches.push(batch);
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    for (let batch = this.#batches[0]; batch && !this.#closed; batch = this.#batches[0]) {
      await this.#send(batch);
      this.#batches.shift();
    }
  }

  async #send(batch: readonly string[]): Promise<void> {
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        return await this.#sendOnce(batch);
      } catch (error) {
        if (attempt < MOST_ATTEMPTS && !this.#closed) {
          await this.#realTime.sleep(RETRY_MS);
          continue;
        }
        const bytes = batch.reduce((sum, event) => sum + Buffer.byteLength(event), 0);
        return this.#options.onDropped(batch.length, bytes, `could not send events: ${(error as Error).message}`);
      }
    }
  }

  async #sendOnce(batch: readonly string[]): Promise<void> {
    const { subscription, processes } = this.#options;
    const { destination } = subscription;
    if (!(await isListening(destination.port, processes))) {
      throw new Error(`no process of the environment listens on port ${destination.port}`);
    }
    if (destination.protocol === 'TCP') return this.#writeLines(destination.port, batch);
    const body = `[${batch.join(',')}]`;
    const outgoing = request({
      agent: this.#agent,
      host: HOST,
      port: destination.port,
      path: destination.path,
      method: 'POST',
      headers: {
        Host: destination.host,
        'Content-Type': 'application/json',
        'Content-Length': Buffer.byteLength(body),
      },
    });
    // Also after the response came.
    outgoing.on('error', () => {});
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    response.resume();
    await once(response, 'close');
    if (response.statusCode! >= 300) throw new Error(`the destination answered ${response.statusCode}`);
  }

  async #writeLines(port: number, batch: readonly string[]): Promise<void> {
    if (!this.#socket || this.#socket.destroyed) {
      const socket = connect(port, HOST);
      await once(socket, 'connect');
      socket.on('error', () => {});
      socket.resume();
      this.#socket = socket;
    }
    if (!this.#socket.write(`${batch.join('\n')}\n`)) await once(this.#socket, 'drain');
  }
}
