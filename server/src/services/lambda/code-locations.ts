// Addresses under which packages can be downloaded for ten minutes, without further credentials.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import type { Clock } from '#core/clock.ts';
import type { ObjectStore } from '#storage/objects/objects.ts';
import type { WebExchange } from '#wire/web-exchange.ts';

const LIFE_S = 600;
const PATH = /^\/_brume\/lambda-code\/([0-9a-f]{32}-lambda)$/;

export class CodeLocations {
  readonly #clock: Clock;
  readonly #objects: ObjectStore;
  /** Addresses end with the process that gave them. */
  readonly #secret = randomBytes(32);

  constructor(clock: Clock, objects: ObjectStore) {
    this.#clock = clock;
    this.#objects = objects;
  }

  url(endpoint: string, objectId: string): string {
    const expires = String(Math.floor(this.#clock.now() / 1_000) + LIFE_S);
    const signature = this.#sign(objectId, expires).toString('hex');
    return `${endpoint}/_brume/lambda-code/${objectId}?Expires=${expires}&Signature=${signature}`;
  }

  claims(url: string): boolean {
    return url.startsWith('/_brume/lambda-code/');
  }

  async serve(exchange: WebExchange): Promise<void> {
    const objectId = PATH.exec(exchange.rawPath)?.[1];
    const query = new URLSearchParams(exchange.rawQuery);
    const expires = query.get('Expires') ?? '';
    const given = Buffer.from(query.get('Signature') ?? '', 'hex');
    const wanted = this.#sign(objectId ?? '', expires);
    const isValid =
      objectId !== undefined &&
      given.length === wanted.length &&
      timingSafeEqual(given, wanted) &&
      Number(expires) * 1_000 > this.#clock.now();
    if (!isValid || exchange.method !== 'GET')
      return refuse(exchange, 403, 'The address is not valid, or not any more.');
    try {
      await this.#objects.localPath(objectId);
    } catch {
      return refuse(exchange, 404, 'The package is gone.');
    }
    exchange.response.writeHead(200, { 'content-type': 'application/zip' });
    await pipeline(this.#objects.read(objectId), exchange.response);
  }

  #sign(objectId: string, expires: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${objectId} ${expires}`).digest();
  }
}

function refuse(exchange: WebExchange, status: number, message: string): void {
  exchange.send(status, { 'content-type': 'application/json' }, JSON.stringify({ Message: message }));
}
