import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Caller } from '#core/caller.ts';
import { VirtualClock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { createLogger } from '#core/log.ts';
import { openStateStore } from '#storage/state/sqlite-state.ts';
import { createDelivery, type DeliveryOutcome, type DeliveryRequest } from './delivery.ts';

const START_MS = 1_795_000_000_000;
const LOG = createLogger('silent');
const QUEUE_ARN = 'arn:aws:sqs:eu-west-1:111111111111:orders';
const DEAD_LETTER_ARN = 'arn:aws:sqs:us-east-1:000000000000:dead';

interface Call {
  service: string;
  operation: string;
  input: any;
  caller: Caller;
  atMs: number;
}

/** A delivery over real storage, whose targets answer what `answer` throws. */
async function setUp(t: TestContext, answer: (call: Call) => void | Promise<void> = () => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'brume-delivery-'));
  const state = await openStateStore({ dir, durable: false, log: LOG });
  const clock = new VirtualClock(START_MS);
  const calls: Call[] = [];
  const outcomes: DeliveryOutcome[] = [];
  const make = () => {
    const delivery = createDelivery({
      state,
      clock,
      log: LOG,
      random: () => 0.5,
      call: async (service, operation, input, caller) => {
        const made = { service, operation, input, caller, atMs: clock.now() - START_MS };
        calls.push(made);
        await answer(made);
        return {} as never;
      },
    });
    delivery.onOutcome('s3.amazonaws.com', (outcome) => outcomes.push(outcome));
    delivery.onOutcome('sns.amazonaws.com', (outcome) => outcomes.push(outcome));
    return delivery;
  };
  const delivery = make();
  await delivery.start();
  t.after(async () => {
    await delivery.stop();
    await state.close();
    rmSync(dir, { recursive: true });
  });
  const enqueue = (...requests: DeliveryRequest[]) => state.transact((tx) => delivery.enqueue(tx, requests));
  const pending = async () => (await state.queues.counts('delivery', Number.MAX_SAFE_INTEGER)).visible;
  return { state, clock, calls, outcomes, delivery, make, enqueue, pending };
}

const request = (more: Partial<DeliveryRequest> = {}): DeliveryRequest => ({
  targetArn: QUEUE_ARN,
  payload: 'hello',
  sourceService: 's3.amazonaws.com',
  sourceArn: 'arn:aws:s3:::bucket',
  sourceAccount: '000000000000',
  region: 'us-east-1',
  ...more,
});

const throttled = () => {
  throw new AwsError('TooManyRequestsException', 'slow down', { status: 429 });
};

test('each kind of target is called as its service wants it', async (t) => {
  const { clock, calls, enqueue, outcomes, pending } = await setUp(t);
  const messageAttributes = {
    a: { DataType: 'String', StringValue: 'x' },
    b: { DataType: 'Binary', BinaryValueBase64: 'AP8=' },
  };
  await enqueue(
    request({ targetArn: 'arn:aws:lambda:us-east-1:000000000000:function:f:live', payload: '{"a":1}' }),
    request({ messageAttributes, traceHeader: 'Root=1' }),
    request({ targetArn: 'arn:aws:sns:us-east-1:000000000000:topic', subject: 'S' }),
  );
  await clock.advanceBy(0);
  const sent = Object.fromEntries(calls.map(({ service, operation, input }) => [`${service} ${operation}`, input]));
  assert.deepEqual(sent, {
    'lambda Invoke': {
      FunctionName: 'arn:aws:lambda:us-east-1:000000000000:function:f:live',
      InvocationType: 'Event',
      Payload: Buffer.from('{"a":1}'),
    },
    'sqs SendMessage': {
      QueueUrl: 'http://sqs/111111111111/orders',
      MessageBody: 'hello',
      MessageAttributes: { a: messageAttributes.a, b: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255]) } },
      MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
    },
    'sns Publish': { TopicArn: 'arn:aws:sns:us-east-1:000000000000:topic', Message: 'hello', Subject: 'S' },
  });
  const { caller } = calls.find(({ service }) => service === 'sqs')!;
  assert.equal(caller.region, 'eu-west-1', "the target's region");
  assert.equal(caller.account, '000000000000', "the source's account");
  assert.equal(caller.sourceService, 's3.amazonaws.com');
  assert.equal(caller.sourceArn, 'arn:aws:s3:::bucket');
  assert.deepEqual(
    outcomes.map(({ delivered, attempts }) => [delivered, attempts]),
    Array(3).fill([true, 1]),
  );
  assert.equal(await pending(), 0);
});

test('a request goes out when its transaction has committed, and not when it failed', async (t) => {
  const { state, clock, calls, delivery } = await setUp(t);
  await assert.rejects(
    state.transact(async (tx) => {
      await delivery.enqueue(tx, [request()]);
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  await clock.advanceBy(60_000);
  assert.equal(calls.length, 0);
});

test('a transient error is tried again with growing waits, all in one leap of the clock', async (t) => {
  let failures = 4;
  const { clock, calls, enqueue, outcomes, pending } = await setUp(t, () => {
    if (failures-- > 0) throttled();
  });
  const retry = { maximumAttempts: 9, maximumAgeMs: 3_600_000, initialBackoffMs: 1_000, longestBackoffMs: 5_000 };
  await enqueue(request({ retry }));
  await clock.advanceBy(3_600_000);
  // Waits of 1, 2, 4 and 5 s at three quarters (jitter of one half).
  assert.deepEqual(
    calls.map(({ atMs }) => atMs),
    [0, 750, 2_250, 5_250, 9_000],
  );
  assert.deepEqual(
    outcomes.map(({ delivered, attempts }) => [delivered, attempts]),
    [[true, 5]],
  );
  assert.equal(await pending(), 0);
});

const ENDS: [string, () => void, Partial<NonNullable<DeliveryRequest['retry']>>, number, Record<string, string>][] = [
  [
    'attempts are used up',
    throttled,
    { maximumAttempts: 3 },
    3,
    { ERROR_CODE: 'TooManyRequestsException', RETRY_ATTEMPTS: '2', EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts' },
  ],
  [
    'age is reached',
    throttled,
    { maximumAgeMs: 1_000 },
    3,
    {
      ERROR_CODE: 'TooManyRequestsException',
      RETRY_ATTEMPTS: '2',
      EXHAUSTED_RETRY_CONDITION: 'MaximumEventAgeInSeconds',
    },
  ],
  [
    'target is gone',
    () => {
      throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
    },
    {},
    1,
    { ERROR_CODE: 'QueueDoesNotExist', ERROR_MESSAGE: 'The specified queue does not exist.', RETRY_ATTEMPTS: '0' },
  ],
  [
    'target has a fault of its own',
    () => {
      throw new Error('BUG: \u0000');
    },
    { maximumAttempts: 2 },
    2,
    { ERROR_CODE: 'InternalFailure', ERROR_MESSAGE: 'BUG:  ', RETRY_ATTEMPTS: '1' },
  ],
];

for (const [name, fail, policy, attempts, attributes] of ENDS) {
  test(`when its ${name}, the request goes to the dead-letter queue`, async (t) => {
    const { clock, calls, enqueue, outcomes, pending } = await setUp(t, ({ input }) => {
      if (!input.QueueUrl.endsWith('/dead')) fail();
    });
    const retry = {
      maximumAttempts: 99,
      maximumAgeMs: 86_400_000,
      initialBackoffMs: 1_000,
      longestBackoffMs: 1_000,
      ...policy,
    };
    await enqueue(request({ retry, deadLetterArn: DEAD_LETTER_ARN }));
    await clock.advanceBy(86_400_000);
    assert.equal(calls.length, attempts + 1);
    const { input, caller } = calls.at(-1)!;
    assert.equal(input.QueueUrl, 'http://sqs/000000000000/dead');
    assert.equal(input.MessageBody, 'hello');
    assert.equal(caller.region, 'us-east-1');
    const got = Object.fromEntries(
      Object.entries<any>(input.MessageAttributes).map(([key, value]) => [key, value.StringValue]),
    );
    assert.deepEqual({ ...got, ...attributes }, got);
    assert.equal(got.TARGET_ARN, QUEUE_ARN);
    assert.deepEqual(
      outcomes.map(({ delivered, deadLettered }) => [delivered, deadLettered]),
      [[false, true]],
    );
    assert.equal(await pending(), 0);
  });
}

test('SNS leaves its own text in the dead-letter queue, and adds no attributes', async (t) => {
  const { clock, calls, enqueue } = await setUp(t, ({ service }) => {
    if (service === 'lambda') throw new AwsError('ResourceNotFoundException', 'Function not found');
  });
  await enqueue(
    request({
      sourceService: 'sns.amazonaws.com',
      targetArn: 'arn:aws:lambda:us-east-1:000000000000:function:gone',
      payload: '{"Records":[]}',
      deadLetterArn: DEAD_LETTER_ARN,
      deadLetterPayload: '{"Type":"Notification"}',
    }),
  );
  await clock.advanceBy(0);
  assert.deepEqual(calls.at(-1)!.input, {
    QueueUrl: 'http://sqs/000000000000/dead',
    MessageBody: '{"Type":"Notification"}',
    MessageAttributes: {},
  });
});

test('a dead-letter queue that is busy is tried again; one that is gone is not', async (t) => {
  let busy = 2;
  const { clock, calls, enqueue, outcomes, pending } = await setUp(t, ({ input }) => {
    if (input.QueueUrl.endsWith('/busy') && busy-- > 0) throttled();
    if (!input.QueueUrl.endsWith('/busy')) throw new AwsError('QueueDoesNotExist', 'gone');
  });
  await enqueue(
    request({ deadLetterArn: 'arn:aws:sqs:us-east-1:000000000000:busy' }),
    request({ deadLetterArn: DEAD_LETTER_ARN }),
    request(),
  );
  await clock.advanceBy(86_400_000);
  assert.deepEqual(outcomes.map(({ deadLettered }) => deadLettered).sort(), [false, true, undefined]);
  assert.equal(calls.filter(({ input }) => input.QueueUrl.endsWith('/busy')).length, 3);
  assert.equal(
    calls.filter(({ input }) => input.QueueUrl.endsWith('/orders')).length,
    3,
    'the target itself only once each',
  );
  assert.equal(await pending(), 0);
});

test('a target that nobody can deliver to is a clear error', async (t) => {
  const { delivery } = await setUp(t);
  await assert.rejects(delivery.deliverNow(request({ targetArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/s' })), {
    code: 'NotImplemented',
    message: /kinesis targets/,
  });
  await assert.rejects(delivery.deliverNow(request({ targetArn: 'nonsense' })), { code: 'InvalidParameterException' });
});

test('what a dead process had claimed is delivered after its lease, and a slow attempt is not doubled', async (t) => {
  const waiting: (() => void)[] = [];
  const { state, clock, calls, enqueue, pending } = await setUp(
    t,
    () => new Promise((resolve) => waiting.push(resolve)),
  );
  // The claim of a process that is gone.
  await state.transact(async (tx) => {
    await tx.queues.send('delivery', [{ body: JSON.stringify(request({ payload: 'left behind' })) }], clock.now());
    await tx.queues.claim('delivery', { limit: 1, nowMs: clock.now(), visibilityMs: 30_000 });
  });
  await clock.advanceBy(29_999);
  assert.equal(calls.length, 0);
  const advancing = clock.advanceBy(120_000);
  while (waiting.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(
    calls.map(({ input }) => input.MessageBody),
    ['left behind'],
  );
  waiting[0]!();
  await advancing;
  await enqueue(request());
  while (waiting.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(await pending(), 1, 'kept until the target has answered');
  waiting[1]!();
  await clock.advanceBy(0);
  assert.equal(calls.length, 2);
  assert.equal(await pending(), 0);
});

test('what a dead process had claimed is delivered at once by the next', async (t) => {
  const { state, clock, calls, delivery, make, enqueue, pending } = await setUp(t);
  await delivery.stop();
  await enqueue(...Array.from({ length: 100 }, (_, index) => request({ payload: `${index}` })));
  await state.transact((tx) => tx.queues.claim('delivery', { limit: 50, nowMs: clock.now(), visibilityMs: 30_000 }));
  const next = make();
  await next.start();
  await clock.advanceBy(0);
  assert.equal(new Set(calls.map(({ input }) => input.MessageBody)).size, 100);
  assert.equal(calls.length, 100);
  assert.equal(await pending(), 0);
  await next.stop();
});

test('more requests than places all arrive, and stop waits for those under way', async (t) => {
  const { state, clock, calls, enqueue, delivery, make, pending } = await setUp(
    t,
    () => new Promise((resolve) => setTimeout(resolve, 5)),
  );
  await enqueue(...Array.from({ length: 100 }, (_, index) => request({ payload: `${index}` })));
  await clock.advanceBy(0);
  assert.equal(new Set(calls.map(({ input }) => input.MessageBody)).size, 100);
  assert.equal(calls.length, 100);

  await enqueue(...Array.from({ length: 50 }, (_, index) => request({ payload: `again ${index}` })));
  while (calls.length === 100) await new Promise((resolve) => setTimeout(resolve, 1));
  await delivery.stop();
  const under = calls.length - 100;
  assert.ok(under <= 32, `${under} at once`);
  assert.equal(await pending(), 50 - under);
  const next = make();
  await next.start();
  await clock.advanceBy(0);
  assert.equal(calls.length, 150);
  await next.stop();
  assert.equal((await state.queues.counts('delivery', clock.now())).visible, 0);
});

test('requests with an ordering key arrive in their order; what waits for an attempt holds up its own key only', async (t) => {
  let refusals = 2;
  const { clock, calls, enqueue, state } = await setUp(t, ({ input }) => {
    if (input.MessageBody === 'a1' && refusals-- > 0) throw new AwsError('InternalError', '', { status: 500 });
  });
  const inOrder = (orderingKey: string, payload: string) =>
    request({ payload, orderingKey, messageGroupId: orderingKey, messageDeduplicationId: payload });
  await enqueue(inOrder('a', 'a1'), inOrder('a', 'a2'), inOrder('b', 'b1'), request({ payload: 'x' }));
  await enqueue(inOrder('b', 'b2'), inOrder('a', 'a3'));
  await clock.advanceBy(0);
  const bodies = () => calls.map(({ input }) => input.MessageBody as string);
  assert.deepEqual([...bodies()].sort(), ['a1', 'b1', 'b2', 'x']);
  assert.ok(bodies().indexOf('b1') < bodies().indexOf('b2'));
  await clock.advanceBy(60_000);
  assert.deepEqual(
    bodies().filter((body) => body.startsWith('a')),
    ['a1', 'a1', 'a1', 'a2', 'a3'],
  );
  assert.deepEqual([calls.at(-1)!.input.MessageGroupId, calls.at(-1)!.input.MessageDeduplicationId], ['a', 'a3']);
  assert.deepEqual(await state.queues.list('delivery.ordered'), []);
});

test('an order outlives the process, with the attempts that were made', async (t) => {
  let refusing = true;
  const retry = { maximumAttempts: 3, maximumAgeMs: 1e9, initialBackoffMs: 10_000, longestBackoffMs: 10_000 };
  const { clock, calls, outcomes, delivery, make, enqueue } = await setUp(t, ({ input }) => {
    if (refusing && input.MessageBody === '1') throw new AwsError('InternalError', 'down', { status: 500 });
  });
  const inOrder = (payload: string) =>
    request({ payload, orderingKey: 'k', retry, deadLetterArn: `${DEAD_LETTER_ARN}.fifo`, messageGroupId: 'g' });
  await enqueue(inOrder('1'), inOrder('2'));
  await clock.advanceBy(0);
  await delivery.stop();
  await enqueue(inOrder('3'));
  const bodies = () => calls.map(({ input }) => `${input.MessageBody} ${input.QueueUrl.split('/').at(-1)}`);
  assert.deepEqual(bodies(), ['1 orders']);

  const second = make();
  await second.start();
  await clock.advanceBy(0);
  assert.deepEqual(bodies(), ['1 orders', '1 orders']);
  await clock.advanceBy(8_000);
  // The third attempt was the last; the dead-letter queue fails with it, and holds the rest up still.
  assert.deepEqual(bodies(), ['1 orders', '1 orders', '1 orders', '1 dead.fifo']);
  refusing = false;
  await clock.advanceBy(3_600_000);
  await second.stop();
  assert.deepEqual(bodies().slice(4), ['1 dead.fifo', '2 orders', '3 orders']);
  assert.deepEqual(
    outcomes.map(({ request: { payload }, delivered, attempts, deadLettered }) => [
      payload,
      delivered,
      attempts,
      deadLettered,
    ]),
    [
      ['1', false, 3, true],
      ['2', true, 1, undefined],
      ['3', true, 1, undefined],
    ],
  );
});
