// InvokeWithResponseStream: https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
// What a handler streams leaves as it comes; the answer of one that streams nothing is a stream of one stretch.

import type {
  InvocationRequest,
  InvocationResponse,
  InvokeWithResponseStreamRequest,
  InvokeWithResponseStreamResponse,
  InvokeWithResponseStreamResponseEvent,
} from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { ResponseChunks } from '../response-chunks.ts';
import { invoke } from './invoke.ts';

const LARGEST_CHUNK_BYTES = 256 * 1024;

export function invokeWithResponseStream(dependencies: LambdaDependencies) {
  const run = invoke(dependencies);
  return async (
    input: InvokeWithResponseStreamRequest,
    context: RequestContext,
  ): Promise<InvokeWithResponseStreamResponse> => {
    checkConstraints([{ at: 'invocationType', value: input.InvocationType, oneOf: ['RequestResponse', 'DryRun'] }]);
    const chunks = new ResponseChunks(context.signal);
    let version: string | undefined;
    const ended = run(input as InvocationRequest, context, {
      onChunk: (bytes) => chunks.put(bytes),
      onTarget: (target) => {
        version = target;
      },
    });
    // Whatever fails before the first byte is answered as an error.
    const whole = await Promise.race([ended, chunks.first]);
    ended.then(
      () => chunks.end(),
      () => chunks.end(),
    );
    return {
      StatusCode: whole?.StatusCode ?? 200,
      ResponseStreamContentType: 'application/vnd.amazon.eventstream',
      ...(version === undefined ? {} : { ExecutedVersion: version }),
      EventStream: events(chunks, ended),
    };
  };
}

async function* events(
  chunks: ResponseChunks,
  ended: Promise<InvocationResponse>,
): AsyncGenerator<InvokeWithResponseStreamResponseEvent> {
  for await (const bytes of chunks) yield* inEvents(bytes);
  const answer = await ended;
  const payload = (answer.Payload ?? new Uint8Array()) as Uint8Array;
  const { FunctionError: code, LogResult } = answer;
  // Of a handler that streams nothing.
  if (code === undefined) yield* inEvents(payload);
  yield {
    InvokeComplete: {
      ...(code === undefined ? {} : { ErrorCode: code, ErrorDetails: Buffer.from(payload).toString('utf8') }),
      ...(LogResult === undefined ? {} : { LogResult }),
    },
  } as InvokeWithResponseStreamResponseEvent;
}

function* inEvents(bytes: Uint8Array): Generator<InvokeWithResponseStreamResponseEvent> {
  for (let offset = 0; offset < bytes.length; offset += LARGEST_CHUNK_BYTES) {
    const Payload = bytes.subarray(offset, offset + LARGEST_CHUNK_BYTES);
    yield { PayloadChunk: { Payload } } as InvokeWithResponseStreamResponseEvent;
  }
}
