// What the Runtime, Extensions and Telemetry APIs answer, in the words of Lambda's own implementation.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import type { IncomingMessage, ServerResponse } from 'node:http';
import { LARGEST_RESPONSE_BYTES } from '../runtime-connection.ts';

export function accepted(response: ServerResponse): void {
  answerJson(response, 202, { status: 'OK' });
}

export function forbidden(response: ServerResponse, errorType: string, errorMessage: string): void {
  answerJson(response, 403, { errorMessage, errorType });
}

export function badRequest(response: ServerResponse, errorType: string, errorMessage: string): void {
  answerJson(response, 400, { errorMessage, errorType });
}

export function invalidRequestId(response: ServerResponse): void {
  badRequest(response, 'InvalidRequestID', 'Invalid request ID');
}

export function tooLarge(response: ServerResponse): void {
  answerJson(response, 413, {
    errorMessage: `Exceeded maximum allowed payload size (${LARGEST_RESPONSE_BYTES} bytes).`,
    errorType: 'RequestEntityTooLarge',
  });
}

export function invalidTransition(response: ServerResponse, from: string, to: string): void {
  forbidden(
    response,
    'InvalidStateTransition',
    `State transition from ${from} to ${to} failed for runtime. Error: State transition is not allowed`,
  );
}

export function notFound(response: ServerResponse): void {
  answerText(response, 404, '404 page not found\n');
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
}

export function answerText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** The body; the size alone when it is larger, the rest of it then being thrown away. Undefined when the client left. */
export async function readBody(
  request: IncomingMessage,
  largest: number,
): Promise<Buffer | { tooLarge: number } | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length;
      if (size <= largest) parts.push(part);
      else parts.length = 0;
    }
  } catch {
    return undefined;
  }
  if (size > largest) return { tooLarge: size };
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}
