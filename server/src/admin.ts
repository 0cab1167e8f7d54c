// Brume's own HTTP paths: health for everybody; clock and reset for tests, on loopback and with --testing only.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, VirtualClock } from '#core/clock.ts';

export interface AdminOptions {
  testing: boolean;
  clock: Clock;
  health: () => Record<string, unknown>;
  reset: () => Promise<void>;
}

const LARGEST_BODY_BYTES = 64 * 1024;

/** True when the path is one of Brume's own, which are then answered here. */
export function createAdmin(options: AdminOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const path = request.url!.split('?')[0];
    if (path === '/_brume/health' && request.method === 'GET') {
      send(response, 200, options.health());
      return true;
    }
    if (path !== '/_brume/clock' && path !== '/_brume/reset') return false;
    const refusal = refuse(request, options);
    if (refusal) send(response, 403, { message: refusal });
    else if (path === '/_brume/clock' && request.method === 'GET') send(response, 200, clockFacts(options.clock));
    else if (request.method !== 'POST') send(response, 405, { message: 'Use POST.' });
    else act(path, request, response, options);
    return true;
  };
}

function refuse(request: IncomingMessage, { testing }: AdminOptions): string | undefined {
  if (!testing) return 'Start Brume with --testing to use this path.';
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  if (!address.startsWith('127.') && address !== '::1') return 'This path answers on loopback only.';
  // A web page could otherwise post here from the user's own browser.
  if (request.headers.origin !== undefined) return 'This path does not answer web pages.';
  return undefined;
}

function act(path: string, request: IncomingMessage, response: ServerResponse, options: AdminOptions): void {
  (path === '/_brume/clock' ? moveClock(request, options.clock) : options.reset().then(() => ({ reset: true }))).then(
    (answer) => send(response, 200, answer),
    (error: Error) => send(response, error instanceof BadRequest ? 400 : 500, { message: error.message }),
  );
}

class BadRequest extends Error {}

/** `{"advanceMs": 60000}`, `{"advanceSeconds": 60}` or `{"to": "2026-11-23T01:00:00Z"}`. */
async function moveClock(request: IncomingMessage, clock: Clock): Promise<Record<string, unknown>> {
  if (!(clock instanceof VirtualClock)) throw new BadRequest('Start Brume with --clock virtual to move time.');
  const body = await readJson(request);
  const { advanceMs, advanceSeconds, to } = body;
  if (typeof advanceMs === 'number' && advanceMs >= 0) await clock.advanceBy(advanceMs);
  else if (typeof advanceSeconds === 'number' && advanceSeconds >= 0) await clock.advanceBy(advanceSeconds * 1000);
  else if (typeof to === 'string' && !Number.isNaN(Date.parse(to))) await clock.advanceTo(Date.parse(to));
  else
    throw new BadRequest(
      'Send {"advanceMs": …}, {"advanceSeconds": …} or {"to": "<ISO 8601>"}; time does not go back.',
    );
  return clockFacts(clock);
}

function clockFacts(clock: Clock): Record<string, unknown> {
  return { clock: clock instanceof VirtualClock ? 'virtual' : 'system', now: new Date(clock.now()).toISOString() };
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > LARGEST_BODY_BYTES) throw new BadRequest('The body is too large.');
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // The message below says what is wanted.
  }
  throw new BadRequest('The body must be a JSON object.');
}

function send(response: ServerResponse, status: number, body: Record<string, unknown>): void {
  const text = `${JSON.stringify(body, null, 2)}\n`;
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}
