// SQS: send, receive and delete of 1 KB messages on one queue by 16 clients at once, durable, beside moto's server,
// which keeps everything in memory.

import { type ServerProcess, startBrumeProcess, startMotoProcess } from './brume-process.ts';
import { Latencies } from './latencies.ts';
import { jsonRequest, LightConnection } from './light-client.ts';
import { usageOf } from './process-usage.ts';
import type { Report } from './run.ts';

const CLIENTS = 16;
const BODY = 'x'.repeat(1024);
const WARM_UP_MS = 2_000;
const MEASURED_MS = 6_000;

export async function run(report: Report): Promise<void> {
  report(`send + receive + delete of 1 KB messages, ${CLIENTS} clients, one queue, ${MEASURED_MS / 1000} s`);
  const rates = new Map<string, number>();
  for (const start of [startBrumeProcess, () => startMotoProcess(report)]) {
    const server = await start();
    if (!server) continue;
    try {
      rates.set(server.name, await measure(server, report));
    } finally {
      await server.stop();
    }
  }
  const [brume, moto] = [rates.get('brume'), rates.get('moto')];
  if (brume && moto) report(`brume / moto: ${(brume / moto).toFixed(1)}x the cycles`);
}

async function measure(server: ServerProcess, report: Report): Promise<number> {
  const { endpoint, name } = server;
  const request = (operation: string, input: object) =>
    jsonRequest(endpoint, 'sqs', `AmazonSQS.${operation}`, '1.0', input);
  const control = await LightConnection.open(endpoint);
  const ask = async (operation: string, input: object) =>
    JSON.parse((await control.send(request(operation, input))).body.toString());
  const { QueueUrl } = await ask('CreateQueue', { QueueName: 'bench' });
  const send = request('SendMessage', { QueueUrl, MessageBody: BODY });
  const receive = request('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 1 });
  const [sends, receives, deletes] = [new Latencies(), new Latencies(), new Latencies()];

  const startedAt = performance.now();
  const measureFrom = startedAt + WARM_UP_MS;
  const until = measureFrom + MEASURED_MS;
  let sent = 0;
  let deleted = 0;
  let cycles = 0;
  let cpuBefore = 0;
  const cpuTimer = setTimeout(() => (cpuBefore = usageOf(server.pid)?.cpuMs ?? 0), WARM_UP_MS);
  const timed = async (connection: LightConnection, bytes: Buffer, latencies: Latencies) => {
    const before = performance.now();
    const answer = await connection.send(bytes);
    if (answer.status !== 200) throw new Error(`${name} answered ${answer.status}: ${answer.body}`);
    if (before >= measureFrom) latencies.add(performance.now() - before);
    return answer;
  };
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const connection = await LightConnection.open(endpoint);
      while (performance.now() < until) {
        await timed(connection, send, sends);
        sent++;
        const answer = await timed(connection, receive, receives);
        const message = JSON.parse(answer.body.toString()).Messages?.[0];
        if (!message) continue;
        if (message.Body !== BODY) throw new Error(`${name} returned another body`);
        const { ReceiptHandle } = message;
        await timed(connection, request('DeleteMessage', { QueueUrl, ReceiptHandle }), deletes);
        deleted++;
        if (performance.now() < until && performance.now() >= measureFrom) cycles++;
      }
      connection.close();
    }),
  );
  clearTimeout(cpuTimer);
  const cpuMs = (usageOf(server.pid)?.cpuMs ?? Number.NaN) - cpuBefore;
  const { Attributes: left } = await ask('GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
  const remaining = Number(left.ApproximateNumberOfMessages) + Number(left.ApproximateNumberOfMessagesNotVisible);
  if (remaining !== sent - deleted)
    throw new Error(`${name}: sent ${sent}, deleted ${deleted}, but ${remaining} are left`);
  control.close();

  const rate = cycles / (MEASURED_MS / 1000);
  report(`${name.padEnd(6)} ${Math.round(rate)} cycles/s, ${(cpuMs / cycles).toFixed(2)} ms CPU a cycle`);
  report(`       send ${sends}; receive ${receives}; delete ${deletes}`);
  return rate;
}
