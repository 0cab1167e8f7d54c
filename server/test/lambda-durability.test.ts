// kill -9 of a whole Brume with events queued and under way: each runs at least once, none is lost, no function outlives
// its server, and packages that were never named by a function are gone after the next start.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionConfigurationCommand,
  GetProvisionedConcurrencyConfigCommand,
  InvokeCommand,
  PublishVersionCommand,
  PutProvisionedConcurrencyConfigCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { openObjectStore } from '#storage/objects/file-objects.ts';
import { clientConfig, spawnBrume, temporaryDirectory } from '#test/harness.ts';
import { codeOf, ROLE, testLambda } from './lambda-functions.ts';

const ROUNDS = 3;
const PER_ROUND = 40;
const VOLUME = 1_000;
/** Of the events of one function. */
const MOST_IN_FLIGHT = 16;

/** Tells a queue what it got; node:http alone, so that it is there quickly. */
const TELL = `async ({ n }) => {
  await new Promise((done) => setTimeout(done, 15));
  const body = JSON.stringify({ QueueUrl: process.env.AWS_ENDPOINT_URL + '/000000000000/told', MessageBody: String(n) });
  const response = await fetch(process.env.AWS_ENDPOINT_URL, { method: 'POST', body, headers: {
    'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' } });
  if (!response.ok) throw new Error(await response.text());
}`;

test('kill -9 with a thousand events queued: each runs, and few run twice', { timeout: 120_000 }, async () => {
  const dataDir = temporaryDirectory();
  const first = await spawnBrume(dataDir);
  const { client, create } = testLambda(first);
  await new SQSClient(clientConfig(first)).send(new CreateQueueCommand({ QueueName: 'told' }));
  await create('tell', TELL, { Timeout: 30 });
  let next = 0;
  const sender = async () => {
    for (let n = next++; n < VOLUME; n = next++) {
      const Payload = Buffer.from(JSON.stringify({ n }));
      await client.send(new InvokeCommand({ FunctionName: 'tell', InvocationType: 'Event', Payload }));
    }
  };
  await Promise.all(Array.from({ length: 32 }, sender));
  await first.kill();

  const second = await spawnBrume(dataDir);
  const told = await receiveAll(second, (seen) => seen.size === VOLUME);
  assert.equal(told.size, VOLUME);
  const doubled = [...told.values()].filter((times) => times > 1).length;
  // What was under way when it was killed, and no more.
  assert.ok(doubled <= MOST_IN_FLIGHT, `${doubled} ran twice`);
  await second.stop();
});

test('kill -9 loses no event and leaves no process', { timeout: 120_000 }, async () => {
  const dataDir = temporaryDirectory();
  const acknowledged: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const brume = await spawnBrume(dataDir);
    const { client, create } = testLambda(brume);
    if (round === 0) {
      await new SQSClient(clientConfig(brume)).send(new CreateQueueCommand({ QueueName: 'told' }));
      await create('tell', TELL, { Timeout: 30 });
    }
    const sending = Array.from({ length: PER_ROUND }, async (_, i) => {
      const n = round * PER_ROUND + i;
      try {
        const Payload = Buffer.from(JSON.stringify({ n }));
        await client.send(new InvokeCommand({ FunctionName: 'tell', InvocationType: 'Event', Payload }));
        acknowledged.push(n);
      } catch {
        // Brume was gone before it answered.
      }
    });
    await sleep(250 + round * 150);
    const children = descendantsOf(brume.pid);
    await brume.kill();
    await Promise.all(sending);
    for (let attempt = 0; attempt < 50 && children.some(isRunning); attempt++) await sleep(100);
    assert.deepEqual(children.filter(isRunning).map(commandOf), [], 'functions end with their server');
  }
  assert.ok(acknowledged.length > PER_ROUND, `${acknowledged.length} acknowledged`);

  const brume = await spawnBrume(dataDir);
  const told = await receiveAll(brume, (seen) => acknowledged.every((n) => seen.has(n)));
  const lost = acknowledged.filter((n) => !told.has(n));
  const doubled = [...told.values()].filter((times) => times > 1).length;
  console.log(`${acknowledged.length} acknowledged, ${told.size} told, ${doubled} more than once`);
  assert.deepEqual(lost, []);
  await brume.stop();
});

test('functions survive with their packages; packages without a function do not', { timeout: 60_000 }, async () => {
  const dataDir = temporaryDirectory();
  let brume = await spawnBrume(dataDir);
  let { client } = testLambda(brume);
  const FunctionName = 'f';
  const create = { Role: ROLE, Runtime: 'nodejs22.x', Handler: 'index.handler' } as const;
  await client.send(new CreateFunctionCommand({ FunctionName, ...create, Code: { ZipFile: codeOf('async () => 1') } }));
  await client.send(new PublishVersionCommand({ FunctionName }));
  await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('async () => 2') }));
  const provisioned = { FunctionName, Qualifier: '1' };
  await client.send(new PutProvisionedConcurrencyConfigCommand({ ...provisioned, ProvisionedConcurrentExecutions: 1 }));
  await client.send(new CreateFunctionCommand({ FunctionName: 'gone', ...create, Code: { ZipFile: codeOf('3') } }));
  await client.send(new DeleteFunctionCommand({ FunctionName: 'gone' }));
  await brume.kill();
  // As an upload leaves it whose transaction never came.
  const objects = await openObjectStore({ dir: join(dataDir, 'objects'), durable: true });
  const { id: orphan } = await objects.write(Buffer.from('orphan'), undefined, { owner: 'lambda' });
  const packages = async () => {
    const ids: string[] = [];
    for await (const { id } of objects.list()) if (id.endsWith('-lambda')) ids.push(id);
    return ids;
  };
  assert.ok((await packages()).includes(orphan));

  brume = await spawnBrume(dataDir);
  ({ client } = testLambda(brume));
  for (let attempt = 0; attempt < 50 && (await packages()).length > 2; attempt++) await sleep(100);
  assert.equal((await packages()).length, 2, 'of $LATEST and of version 1');
  const status = async () => (await client.send(new GetProvisionedConcurrencyConfigCommand(provisioned))).Status;
  for (let attempt = 0; attempt < 50 && (await status()) === 'IN_PROGRESS'; attempt++) await sleep(100);
  assert.equal(await status(), 'READY', 'environments are provisioned again');
  for (const [Qualifier, value] of [
    ['1', 1],
    ['$LATEST', 2],
  ] as const) {
    const { Payload } = await client.send(new InvokeCommand({ FunctionName, Qualifier }));
    assert.equal(JSON.parse(Buffer.from(Payload!).toString()), value);
  }
  const { State } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
  assert.equal(State, 'Active');
  await brume.stop();
});

/** A process and when it was started, so that a number that is given again is not mistaken for it. */
interface RunningProcess {
  pid: number;
  startedAt: string;
}

/** What the functions told, and how often, until that is enough or nothing more comes. */
async function receiveAll(
  brume: { endpoint: string },
  isEnough: (told: ReadonlyMap<number, number>) => boolean,
): Promise<Map<number, number>> {
  const sqs = new SQSClient(clientConfig(brume));
  const QueueUrl = `${brume.endpoint}/000000000000/told`;
  const told = new Map<number, number>();
  for (let idle = 0; idle < 4 && !isEnough(told); ) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    idle = Messages.length === 0 ? idle + 1 : 0;
    for (const { Body } of Messages) told.set(Number(Body), (told.get(Number(Body)) ?? 0) + 1);
    if (Messages.length === 0) continue;
    const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
  return told;
}

function descendantsOf(pid: number): RunningProcess[] {
  const parents = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = statOf(Number(entry))?.[1];
    if (parent === undefined) continue;
    parents.set(Number(parent), [...(parents.get(Number(parent)) ?? []), Number(entry)]);
  }
  const found: RunningProcess[] = [];
  const visit = (parent: number) => {
    for (const child of parents.get(parent) ?? []) {
      const startedAt = statOf(child)?.[19];
      if (startedAt !== undefined) found.push({ pid: child, startedAt });
      visit(child);
    }
  };
  visit(pid);
  return found;
}

function isRunning({ pid, startedAt }: RunningProcess): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat[19] === startedAt && stat[0] !== 'Z';
}

function commandOf({ pid }: RunningProcess): string {
  return existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') : '';
}

/** The fields of /proc/PID/stat after the name: state, parent, … */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
