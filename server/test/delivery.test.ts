// kill -9 between a publish and its deliveries: what SNS acknowledged reaches every queue, at least once.

import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, spawnBrume, temporaryDirectory } from '#test/harness.ts';
import { seeded } from './seeded-random.ts';

const QUEUES = ['one', 'two', 'three'];
const ROUNDS = 3;
const PUBLISHERS = 8;

test('kill -9 loses no notification', { timeout: 120_000 }, async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9);
  console.log(`seed ${seed}`);
  const random = seeded(seed);
  const dataDir = temporaryDirectory();
  const TopicArn = `arn:aws:sns:${REGION}:${ACCOUNT}:topic`;
  const acknowledged = new Set<string>();

  for (let round = 0; round < ROUNDS; round++) {
    const brume = await spawnBrume(dataDir);
    const sns = new SNSClient(clientConfig(brume));
    if (round === 0) {
      const sqs = new SQSClient(clientConfig(brume));
      await sns.send(new CreateTopicCommand({ Name: 'topic' }));
      for (const QueueName of QUEUES) {
        await sqs.send(new CreateQueueCommand({ QueueName }));
        const Endpoint = `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}`;
        const Attributes = { RawMessageDelivery: 'true' };
        await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, Attributes }));
      }
      sqs.destroy();
    }
    let alive = true;
    const load = Array.from({ length: PUBLISHERS }, async (_, publisher) => {
      for (let index = 0; alive; index++) {
        const Message = `${round}-${publisher}-${index}`;
        try {
          await sns.send(new PublishCommand({ TopicArn, Message }));
          acknowledged.add(Message);
        } catch {
          // The server is gone, or about to be.
        }
      }
    });
    await sleep(600 + random() * 600);
    await brume.kill();
    alive = false;
    await Promise.all(load);
    sns.destroy();
  }

  const brume = await spawnBrume(dataDir);
  const sqs = new SQSClient(clientConfig(brume));
  assert.ok(acknowledged.size > 100, 'the load was real');
  for (const name of QUEUES) {
    const QueueUrl = `${brume.endpoint}/${ACCOUNT}/${name}`;
    const missing = new Set(acknowledged);
    let received = 0;
    // Deliveries that were under way when the process died come after their lease of 30 s.
    for (const until = Date.now() + 45_000; missing.size > 0 && Date.now() < until; ) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5, VisibilityTimeout: 600 }),
      );
      if (Messages.length === 0) continue;
      received += Messages.length;
      for (const { Body } of Messages) missing.delete(Body!);
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    }
    console.log(`${name}: ${acknowledged.size} acknowledged, ${received} received`);
    assert.deepEqual([...missing], [], `${name}: lost`);
  }
  sqs.destroy();
  await brume.stop();
});
