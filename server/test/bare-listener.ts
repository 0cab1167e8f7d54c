// A listener with one echoing handler an operation and no stores: for tests of wire/ alone.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after } from 'node:test';
import type { ServiceName } from '#core/caller.ts';
import type { AccessKey } from '#core/config.ts';
import { createLogger } from '#core/log.ts';
import { CLOUDWATCH_MODEL } from '#services/cloudwatch/service.ts';
import { IAM_MODEL } from '#services/iam/service.ts';
import { LAMBDA_MODEL } from '#services/lambda/service.ts';
import { LOGS_MODEL } from '#services/logs/service.ts';
import { S3_MODEL } from '#services/s3/service.ts';
import { SNS_MODEL } from '#services/sns/service.ts';
import { SQS_MODEL } from '#services/sqs/service.ts';
import { STS_MODEL } from '#services/sts/service.ts';
import { Authenticator, type SessionKey } from '#wire/authenticator.ts';
import { createListener } from '#wire/listener.ts';
import type { Handler, RequestContext, Service, ServiceModel } from '#wire/service.ts';
import { readSchemas } from '#wire/shapes.ts';

export const MODELS: Record<ServiceName, ServiceModel> = {
  s3: S3_MODEL,
  sqs: SQS_MODEL,
  sns: SNS_MODEL,
  cloudwatch: CLOUDWATCH_MODEL,
  logs: LOGS_MODEL,
  lambda: LAMBDA_MODEL,
  sts: STS_MODEL,
  iam: IAM_MODEL,
};

export interface Received {
  operation: string;
  input: Record<string, unknown>;
  context: RequestContext;
}

export interface BareListener {
  endpoint: string;
  port: number;
  /** The newest call that reached a handler. */
  received: Received | undefined;
  /** What the next call answers. */
  answer: Record<string, unknown>;
  /** Errors that Brume logged as its own failures. */
  failures: string[];
}

export async function bareListener(
  options: { accessKeys?: Map<string, AccessKey>; sessions?: Map<string, SessionKey>; now?: () => number } = {},
): Promise<BareListener> {
  const bare: BareListener = { endpoint: '', port: 0, received: undefined, answer: {}, failures: [] };
  const services: Service[] = Object.entries(MODELS).map(([name, model]) => {
    const operations: Record<string, Handler> = {};
    for (const { name: operation, output } of readSchemas(model.schemas()).operations.values()) {
      const stream = output.members.find(({ shape }) => shape.kind === 'structure' && shape.isEventStream);
      operations[operation] = async (input, context) => {
        for (const [key, value] of Object.entries(input)) {
          if (value instanceof Readable) input[key] = Buffer.concat(await value.toArray());
        }
        bare.received = { operation, input, context };
        return stream ? { [stream.name]: Readable.from([]), ...bare.answer } : bare.answer;
      };
    }
    return { name: name as ServiceName, model, operations };
  });
  const { server } = createListener({
    services,
    authenticator: new Authenticator({
      accessKeys: options.accessKeys ?? new Map(),
      findSession: async (id) => options.sessions?.get(id),
      findBearer: async () => undefined,
      now: options.now ?? Date.now,
    }),
    log: createLogger('error', (line) => bare.failures.push(line)),
    defaultRegion: 'us-east-1',
    admin: () => false,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  bare.port = (server.address() as AddressInfo).port;
  bare.endpoint = `http://127.0.0.1:${bare.port}`;
  return bare;
}
