import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { VirtualClock } from '#core/clock.ts';
import { createLogger } from '#core/log.ts';
import type { MeterSample } from '#core/meter.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import { fanOut, type PublishedMessage } from './fan-out.ts';
import { Signer } from './signer.ts';
import type { Sns } from './sns.ts';
import { openSubscription, openTopic, type SubscriptionDocument } from './topic.ts';

const SCOPE = { account: '000000000000', region: 'us-east-1' };
const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f';
const QUEUE_ARN = 'arn:aws:sqs:us-east-1:000000000000:q';

async function setUp(t: TestContext, attributes: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'brume-sns-'));
  const log = createLogger('silent');
  const state = await openStateStore({ dir, durable: false, log });
  t.after(async () => {
    await state.close();
    rmSync(dir, { recursive: true });
  });
  const samples: MeterSample[] = [];
  const sns = {
    state,
    clock: new VirtualClock(Date.UTC(2026, 10, 23, 1, 2, 3, 45)),
    meter: { record: (_: object, sample: MeterSample) => void samples.push(sample) },
    signer: new Signer(state),
  } as unknown as Sns;
  const document = { name: 'topic', createdAtMs: 0, attributes, tags: {}, subscriptionsDeleted: 0 };
  const topic = openTopic(SCOPE, document);
  const add = (more: Partial<SubscriptionDocument>) => {
    const subscription = openSubscription(topic.arn, {
      id: `id-${topic.subscriptions.size}`,
      topicName: 'topic',
      protocol: 'sqs',
      endpoint: QUEUE_ARN,
      owner: SCOPE.account,
      principalArn: '',
      attributes: {},
      createdAtMs: 0,
      ...more,
    });
    topic.subscriptions.set(subscription.arn, subscription);
  };
  return { sns, topic, add, samples };
}

const message = (more: Partial<PublishedMessage> = {}): PublishedMessage => ({
  messageId: 'the-id',
  subject: undefined,
  bodies: { default: 'hello' },
  attributes: {},
  groupId: undefined,
  traceHeader: undefined,
  endpoint: 'http://localhost:4566',
  ...more,
});

test('a function gets the event that AWS documents, its dead-letter queue the envelope', async (t) => {
  const { sns, topic, add } = await setUp(t);
  const deadLetterTargetArn = 'arn:aws:sqs:us-east-1:000000000000:dead';
  add({
    protocol: 'lambda',
    endpoint: FUNCTION_ARN,
    attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn }) },
  });
  const attributes = { n: { t: 'Number', s: '1.50' } };
  const [request] = await fanOut(
    sns,
    topic,
    message({ attributes, bodies: { default: 'x', lambda: 'for functions' } }),
  );
  const { Records } = JSON.parse(request!.payload);
  const { Signature, SigningCertUrl, ...rest } = Records[0].Sns;
  assert.ok(Signature && SigningCertUrl);
  assert.deepEqual(
    { ...Records[0], Sns: rest },
    {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: `${topic.arn}:id-0`,
      Sns: {
        Type: 'Notification',
        MessageId: 'the-id',
        TopicArn: topic.arn,
        Subject: null,
        Message: 'for functions',
        Timestamp: '2026-11-23T01:02:03.045Z',
        SignatureVersion: '1',
        UnsubscribeUrl: `http://localhost:4566/?Action=Unsubscribe&SubscriptionArn=${topic.arn}:id-0`,
        MessageAttributes: { n: { Type: 'Number', Value: '1.50' } },
      },
    },
  );
  assert.equal(request!.targetArn, FUNCTION_ARN);
  assert.equal(request!.deadLetterArn, deadLetterTargetArn);
  const envelope = JSON.parse(request!.deadLetterPayload!);
  assert.deepEqual([envelope.Message, envelope.Signature, envelope.Subject], ['for functions', Signature, undefined]);
});

for (const [version, algorithm] of [
  ['1', 'RSA-SHA1'],
  ['2', 'RSA-SHA256'],
] as const) {
  test(`signature version ${version} verifies, and the key outlives the process`, async (t) => {
    const { sns, topic, add } = await setUp(t, { SignatureVersion: version });
    add({});
    const [request] = await fanOut(sns, topic, message({ subject: 'S' }));
    const envelope = JSON.parse(request!.payload);
    const signed =
      `Message\nhello\nMessageId\nthe-id\nSubject\nS\nTimestamp\n${envelope.Timestamp}\n` +
      `TopicArn\n${topic.arn}\nType\nNotification\n`;
    const { publicKey, id } = await new Signer(sns.state).key();
    const signature = Buffer.from(envelope.Signature, 'base64');
    assert.ok(verify(algorithm, Buffer.from(signed), publicKey, signature));
    assert.ok(!verify(algorithm, Buffer.from(`${signed} `), publicKey, signature));
    assert.ok(envelope.SigningCertURL.includes(id));
  });
}

test('what a filter holds back is counted by its reason', async (t) => {
  const { sns, topic, add, samples } = await setUp(t);
  add({ attributes: { FilterPolicy: '{"a":["x"]}' } });
  add({ attributes: { FilterPolicy: '{"a":["x"]}', FilterPolicyScope: 'MessageBody' } });
  const counted = async (published: PublishedMessage) => {
    samples.length = 0;
    const requests = await fanOut(sns, topic, published);
    return [
      requests.length,
      ...samples.map(({ metricName }) => metricName.replace('NumberOfNotificationsFilteredOut', '')).filter(Boolean),
    ];
  };
  assert.deepEqual(await counted(message()), [0, '-NoMessageAttributes', '-InvalidMessageBody']);
  assert.deepEqual(
    await counted(message({ bodies: { default: '{"a":"y"}' }, attributes: { a: { t: 'String', s: 'y' } } })),
    [0, '-MessageAttributes', '-MessageBody'],
  );
  assert.deepEqual(await counted(message({ attributes: { a: { t: 'String.Array', s: 'x' } } })), [
    0,
    '-InvalidAttributes',
    '-InvalidMessageBody',
  ]);
  assert.deepEqual(
    await counted(message({ bodies: { default: '{"a":"x"}' }, attributes: { a: { t: 'String', s: 'x' } } })),
    [2],
  );
});

test('a pending subscription gets nothing', async (t) => {
  const { sns, topic, add } = await setUp(t);
  add({ pendingToken: 'token' });
  assert.deepEqual(await fanOut(sns, topic, message()), []);
});
