// SQS -> Lambda: messages of 1 KB are put into a queue, and then a mapping with batches of ten is made; timed until the queue is empty.
// The function (Node.js) does nothing, so what is measured is the way: receive, invoke, delete, all durable.

import { zipOf } from '../server/test/lambda-zip.ts';
import { startBrumeProcess } from './brume-process.ts';
import { jsonRequest, LightConnection } from './light-client.ts';
import { usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const MESSAGES = 20_000;
const BATCH_SIZE = 10;
const BODY = 'x'.repeat(1024);
const POLL_MS = 50;

export async function run(report: Report): Promise<void> {
  const server = await startBrumeProcess();
  try {
    const { endpoint } = server;
    const control = await LightConnection.open(endpoint);
    const sqs = async (operation: string, input: object) => {
      const answer = await control.send(jsonRequest(endpoint, 'sqs', `AmazonSQS.${operation}`, '1.0', input));
      if (answer.status !== 200) throw new Error(`${operation}: ${answer.body}`);
      return JSON.parse(answer.body.toString() || '{}');
    };
    const lambda = async (path: string, input: object) => {
      const response = await fetch(`${endpoint}/2015-03-31/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: AUTHORIZATION },
        body: JSON.stringify(input),
      });
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    };
    const { QueueUrl } = await sqs('CreateQueue', { QueueName: 'bench' });
    const Entries = Array.from({ length: BATCH_SIZE }, (_, index) => ({ Id: String(index), MessageBody: BODY }));
    for (let sent = 0; sent < MESSAGES; sent += BATCH_SIZE) await sqs('SendMessageBatch', { QueueUrl, Entries });
    await lambda('functions', {
      FunctionName: 'nothing',
      Role: 'arn:aws:iam::000000000000:role/r',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Code: { ZipFile: zipOf({ 'index.js': 'exports.handler = async () => {};' }).toString('base64') },
    });

    const cpuBefore = usageOf(server.pid)?.cpuMs ?? Number.NaN;
    const startedAt = performance.now();
    await lambda('event-source-mappings', {
      EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:bench',
      FunctionName: 'nothing',
      BatchSize: BATCH_SIZE,
    });
    const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
    for (;;) {
      const { Attributes } = await sqs('GetQueueAttributes', { QueueUrl, AttributeNames });
      if (AttributeNames.every((name) => Attributes[name] === '0')) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const cpuMs = (usageOf(server.pid)?.cpuMs ?? Number.NaN) - cpuBefore;
    report(
      `${MESSAGES} messages of 1 KB through SQS to Lambda, batches of ${BATCH_SIZE}, cold start included: ` +
        `${Math.round(MESSAGES / seconds)} messages/s (${Math.round(MESSAGES / BATCH_SIZE / seconds)} invocations/s), ` +
        `${(cpuMs / MESSAGES).toFixed(3)} ms CPU a message`,
    );
    control.close();
  } finally {
    await server.stop();
  }
}

/** Nobody checks the signature; account and region are read from it. */
const AUTHORIZATION =
  'AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0';
