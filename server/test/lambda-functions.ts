// Functions for API tests: made with the official client, in Node.js, which every machine that runs the tests has.

import { CreateFunctionCommand, type CreateFunctionCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { ACCOUNT, clientConfig, REGION } from '#test/harness.ts';
import { zipOf } from './lambda-zip.ts';

export const ROLE = `arn:aws:iam::${ACCOUNT}:role/r`;

/** A package whose index.js is this code. */
export function codeOf(handler: string): Buffer {
  return zipOf({ 'index.js': `exports.handler = ${handler};` });
}

export function arnOf(name: string, qualifier?: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}${qualifier === undefined ? '' : `:${qualifier}`}`;
}

export interface TestLambda {
  client: LambdaClient;
  /** Creates a function; `handler` is the source of the handler function. */
  create(name: string, handler?: string, more?: Partial<CreateFunctionCommandInput>): Promise<void>;
  /** Sends a command that must fail; `Code: message`. */
  error(command: { input: object }): Promise<string>;
}

export function testLambda(brume: { endpoint: string }): TestLambda {
  const client = new LambdaClient(clientConfig(brume));
  return {
    client,
    async create(FunctionName, handler = 'async (event) => event', more = {}) {
      await client.send(
        new CreateFunctionCommand({
          FunctionName,
          Role: ROLE,
          Runtime: 'nodejs22.x',
          Handler: 'index.handler',
          Code: { ZipFile: codeOf(handler) },
          ...more,
        }),
      );
    },
    async error(command) {
      try {
        const output = await client.send(command as never);
        return `no error: ${JSON.stringify(output)}`;
      } catch (error) {
        const { name, message, Message } = error as Error & { Message?: string };
        return `${name}: ${Message ?? message}`;
      }
    },
  };
}

/** The JSON of an Invoke's payload. */
export function parse(payload: Uint8Array | undefined): any {
  return JSON.parse(Buffer.from(payload ?? []).toString());
}
