// Every operation of every client package that Brume serves, in every protocol it may be spoken in: an input encoded by
// the official client must arrive at the handler as it was, and the handler's output must reach the client as it was.

import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import * as cloudwatch from '@aws-sdk/client-cloudwatch';
import * as logs from '@aws-sdk/client-cloudwatch-logs';
import * as iam from '@aws-sdk/client-iam';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as sns from '@aws-sdk/client-sns';
import * as sqs from '@aws-sdk/client-sqs';
import * as sts from '@aws-sdk/client-sts';
import { AwsQueryProtocol, AwsSmithyRpcV2CborProtocol } from '@aws-sdk/core/protocols';
import type { ServiceName } from '#core/caller.ts';
import { type Member, type OperationShape, readSchemas, type StructureShape } from '#wire/shapes.ts';
import { bareListener, type Received } from './bare-listener.ts';
import { randomStructure } from './random-shape.ts';
import { seeded } from './seeded-random.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1e9);
console.log(`seed ${seed}`);
const random = seeded(seed);
const ROUNDS = 2;

/** What the client packages themselves add to, compute from or refuse in an input, so that a random value cannot stand there. */
const CLIENT_OWN = new Set([
  'ContentLength',
  'ContentMD5',
  'ChecksumAlgorithm',
  'SSECustomerKey',
  'SSECustomerKeyMD5',
  'CopySourceSSECustomerKey',
  'CopySourceSSECustomerKeyMD5',
  'Expires',
  'ChecksumMode',
  'ContentEncoding',
  'MD5OfMessageBody',
  'MD5OfBody',
  'MD5OfMessageAttributes',
  'QueueUrl',
  'RequestRoute',
  'Endpoint',
  'BodyEncoding',
  'ContentRange',
  'TransferEncoding',
  // Two members with one name on the wire.
  'AttributeNames',
  'ResponseStreamContentType',
]);
/** Operations whose client side speaks to another host or splits the call. */
const LEFT_OUT: Record<string, string> = {
  WriteGetObjectResponse: 'the client sends it to a host of its own',
  ListDirectoryBuckets: 'the client signs it for s3express',
  CreateSession: 'the client takes it for directory buckets only',
};

const cases: { name: ServiceName; sdk: any; client: any; protocols: [string, any][] }[] = [
  {
    name: 'sqs',
    sdk: sqs,
    client: sqs.SQSClient,

    protocols: [
      ['awsJson1_0', undefined],
      ['awsQuery', AwsQueryProtocol],
    ],
  },
  { name: 'sns', sdk: sns, client: sns.SNSClient, protocols: [['awsQuery', undefined]] },
  {
    name: 'cloudwatch',
    sdk: cloudwatch,
    client: cloudwatch.CloudWatchClient,

    protocols: [
      ['awsJson1_0', undefined],
      ['awsQuery', AwsQueryProtocol],
      ['rpcV2Cbor', AwsSmithyRpcV2CborProtocol],
    ],
  },
  {
    name: 'logs',
    sdk: logs,
    client: logs.CloudWatchLogsClient,

    protocols: [['awsJson1_1', undefined]],
  },
  {
    name: 'lambda',
    sdk: lambda,
    client: lambda.LambdaClient,

    protocols: [['restJson1', undefined]],
  },
  { name: 's3', sdk: s3, client: s3.S3Client, protocols: [['restXml', undefined]] },
  { name: 'sts', sdk: sts, client: sts.STSClient, protocols: [['awsQuery', undefined]] },
  { name: 'iam', sdk: iam, client: iam.IAMClient, protocols: [['awsQuery', undefined]] },
];

const bare = await bareListener();
const { endpoint } = bare;

for (const { name, sdk, client: Client, protocols } of cases) {
  for (const [protocolName, protocol] of protocols) {
    const client = new Client({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: '123456789012', secretAccessKey: 'secret' },
      forcePathStyle: true,
      disableHostPrefix: true,
      maxAttempts: 1,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      md5: false,
      ...(protocol ? { protocol } : {}),
    });
    after(() => client.destroy());
    test(`${name} over ${protocolName}`, async (t) => {
      for (const operation of readSchemas(sdk).operations.values()) {
        if (LEFT_OUT[operation.name]) continue;
        await t.test(operation.name, async () => {
          for (let round = 0; round < ROUNDS; round++) await roundTrip(client, sdk, operation);
        });
      }
    });
  }
}

async function roundTrip(client: any, sdk: any, operation: OperationShape): Promise<void> {
  const skip = (_shape: StructureShape, member: Member) => CLIENT_OWN.has(member.name) && !member.required;
  const input = randomStructure(operation.input, { random, skip });
  if (input.CopySource !== undefined) input.CopySource = 'source-bucket/source-key';
  if (operation.input.memberByName.has('QueueUrl')) input.QueueUrl = `${endpoint}/123456789012/q`;
  // The client names a type for bytes that have none.
  if (operation.input.memberByName.has('ContentType') && 'Body' in input) input.ContentType ??= 'text/plain';
  const output = randomStructure(operation.output, { random, skip });
  for (const member of operation.output.members) {
    if (member.shape.kind === 'structure' && member.shape.isEventStream) {
      const events = member.shape.members.filter((m) => m.shape.kind === 'structure' && !m.shape.traits.error);
      output[member.name] = events.map((m) => ({
        [m.name]: randomStructure(m.shape as StructureShape, { random, skip }),
      }));
    }
    if (member.traits.httpResponseCode) output[member.name] = operation.traits.http![2];
  }
  bare.answer = { ...output };
  for (const [key, value] of Object.entries(output)) {
    if (Array.isArray(value) && isEventStream(operation.output, key)) bare.answer[key] = Readable.from(value);
  }

  const command = new sdk[`${operation.name}Command`](structuredClone(input));
  bare.received = undefined;
  const got = (await client.send(command)) as Record<string, unknown>;
  assert.ok(bare.received, 'the handler was reached');
  const { operation: reached, input: arrived } = bare.received as Received;
  assert.equal(reached, operation.name);
  assert.deepEqual(pick(arrived, operation.input, skip), normalise(input), 'input');

  delete got.$metadata;
  for (const member of operation.output.members) {
    const value: any = got[member.name];
    if (isEventStream(operation.output, member.name)) {
      const events: unknown[] = [];
      for await (const event of value) events.push(event);
      got[member.name] = events;
    } else if (typeof value?.transformToByteArray === 'function') got[member.name] = await value.transformToByteArray();
  }
  assert.deepEqual(pick(got, operation.output, skip), normalise(output), 'output');
}

function isEventStream(shape: StructureShape, name: string): boolean {
  const member = shape.memberByName.get(name);
  return member?.shape.kind === 'structure' && member.shape.isEventStream;
}

function pick(
  value: Record<string, unknown>,
  shape: StructureShape,
  skip: (shape: StructureShape, member: Member) => boolean,
): unknown {
  const known = shape.members
    .filter((member) => !skip(shape, member))
    .map((member) => [member.name, value[member.name]]);
  return normalise(Object.fromEntries(known));
}

/** Empty lists, maps and structures have no form in some protocols; bytes compare as hex. */
function normalise(value: any): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(normalise);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .map(([key, item]) => [key, normalise(item)] as const)
      .filter(([, item]) => item !== undefined && item !== null);
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  return value;
}
