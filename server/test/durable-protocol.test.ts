// The protocol between durable functions and their service, without an SDK: a function that hands its event to the test and
// answers as the test says, while the test writes checkpoints with its token.

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import test, { after } from 'node:test';
import {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionStateCommand,
  type OperationUpdate,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import { startBrume } from '#test/harness.ts';
import { historyOf, invokeDurable, untilStatus } from './durable-functions.ts';
import { testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);

interface OpenInvocation {
  event: any;
  /** Ends the invocation with this. */
  answer(value: object): void;
}

const arrived: OpenInvocation[] = [];
const awaited: ((invocation: OpenInvocation) => void)[] = [];
const listener = createServer(async (request, response: ServerResponse) => {
  const event = JSON.parse((await buffer(request)).toString());
  const invocation = { event, answer: (value: object) => void response.end(JSON.stringify(value)) };
  const next = awaited.shift();
  if (next) next(invocation);
  else arrived.push(invocation);
});
await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
after(() => listener.close());

await create(
  'open',
  `async (event) => {
    const response = await fetch('http://127.0.0.1:${(listener.address() as AddressInfo).port}', { method: 'POST', body: JSON.stringify(event) });
    return response.json();
  }`,
  { DurableConfig: { ExecutionTimeout: 300 }, Timeout: 60 },
);

function nextInvocation(): Promise<OpenInvocation> {
  const invocation = arrived.shift();
  return invocation ? Promise.resolve(invocation) : new Promise((resolve) => awaited.push(resolve));
}

async function begin(payload: unknown = {}) {
  const { DurableExecutionArn } = await invokeDurable(client, 'open', payload, { type: 'Event' });
  const invocation = await nextInvocation();
  let token: string = invocation.event.CheckpointToken;
  const command = (Updates: OperationUpdate[], more: object = {}) =>
    new CheckpointDurableExecutionCommand({
      DurableExecutionArn: DurableExecutionArn!,
      CheckpointToken: token,
      Updates,
      ...more,
    });
  return {
    arn: DurableExecutionArn!,
    invocation,
    token: () => token,
    refused: (updates: OperationUpdate[]) => error(command(updates)),
    command,
    async checkpoint(...updates: OperationUpdate[]) {
      const { CheckpointToken, NewExecutionState } = await client.send(command(updates));
      token = CheckpointToken!;
      return NewExecutionState!.Operations!;
    },
    async next() {
      const another = await nextInvocation();
      token = another.event.CheckpointToken;
      return another;
    },
  };
}

const step = (Id: string, Action: OperationUpdate['Action'], more: object = {}): OperationUpdate => ({
  Id,
  Type: 'STEP',
  Action,
  ...more,
});
const wait = (Id: string, WaitSeconds = 60): OperationUpdate => ({
  Id,
  Type: 'WAIT',
  Action: 'START',
  WaitOptions: { WaitSeconds },
});
const context = (Id: string, Action: OperationUpdate['Action'], more: object = {}): OperationUpdate => ({
  Id,
  Type: 'CONTEXT',
  Action,
  ...more,
});

test('what an invocation brings along', async () => {
  const { arn, invocation } = await begin({ a: 1 });
  const { DurableExecutionArn, InitialExecutionState, UpdatedOperationIds } = invocation.event;
  assert.equal(DurableExecutionArn, arn);
  assert.deepEqual(UpdatedOperationIds, []);
  assert.equal(InitialExecutionState.NextMarker, '');
  const [execution] = InitialExecutionState.Operations;
  assert.equal(execution.Type, 'EXECUTION');
  assert.equal(execution.Status, 'STARTED');
  assert.deepEqual(execution.ExecutionDetails, { InputPayload: '{"a":1}' });
  assert.ok(Number.isInteger(execution.StartTimestamp), 'milliseconds');
  invocation.answer({ Status: 'SUCCEEDED', Result: '"r"' });
  assert.equal((await untilStatus(client, arn, 'SUCCEEDED')).Result, '"r"');
});

test('updates that are refused leave everything as it was', async () => {
  const { arn, invocation, refused, checkpoint } = await begin();
  await checkpoint(
    step('begun', 'START'),
    context('parent', 'START'),
    wait('waits'),
    step('done', 'SUCCEED', { Payload: '1' }),
  );
  const E = { ErrorMessage: 'e' };
  const cases: [OperationUpdate[], string][] = [
    [[step('begun', 'START')], 'Invalid current STEP state to start.'],
    [[step('done', 'SUCCEED')], 'Invalid current STEP state to close.'],
    [
      [step('done', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: 1 } })],
      'Invalid current STEP state to re-attempt.',
    ],
    [[step('begun', 'RETRY')], 'Invalid StepOptions for the given action.'],
    [
      [step('begun', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: 1 }, Error: E, Payload: '1' })],
      'Cannot provide both error and payload to RETRY a STEP.',
    ],
    [[step('begun', 'FAIL', { Payload: '1' })], 'Cannot provide a Payload for FAIL action.'],
    [[step('begun', 'SUCCEED', { Error: E })], 'Cannot provide an Error for SUCCEED action.'],
    [[step('begun', 'CANCEL')], 'Invalid action for the given operation type.'],
    [[wait('waits')], 'Cannot start a WAIT that already exists.'],
    [[{ ...wait('x'), Action: 'CANCEL' }], 'Cannot cancel a WAIT that does not exist or has already completed.'],
    [[{ Id: 'x', Type: 'WAIT', Action: 'START' }], 'Invalid WaitOptions for the given action.'],
    [[{ Id: 'x', Type: 'CHAINED_INVOKE', Action: 'START' }], 'Invalid ChainedInvokeOptions for the given action.'],
    [[context('parent', 'START')], 'Cannot start a CONTEXT that already exists.'],
    [[step('x', 'START', { ParentId: 'nobody' })], 'Invalid parent operation id.'],
    [[step('x', 'START', { ParentId: 'begun' })], 'Invalid parent operation id.'],
    [[step('x', 'SUCCEED'), step('x', 'SUCCEED')], 'Cannot update the same operation twice in a single request.'],
    [
      [{ Id: 'e', Type: 'EXECUTION', Action: 'SUCCEED' }, step('x', 'START')],
      'EXECUTION checkpoint must be the last update.',
    ],
    [
      [step('x', 'SUCCEED', { Payload: 'x'.repeat(1_048_577) })],
      'STEP output payload size must be less than or equal to 1048576 bytes.',
    ],
    // All or nothing.
    [[step('new', 'START'), wait('waits')], 'Cannot start a WAIT that already exists.'],
  ];
  for (const [updates, message] of cases) {
    assert.equal(await refused(updates), `InvalidParameterValueException: ${message}`);
  }
  assert.match(await refused([step('', 'START')]), /^ValidationException: /);
  assert.match(
    await refused([{ Id: 'x', Type: 'NONE', Action: 'START' } as never]),
    /^ValidationException: .*updates\.1\.member\.type/,
  );
  const [, ...operations] = (
    await client.send(
      new GetDurableExecutionStateCommand({
        DurableExecutionArn: arn,
        CheckpointToken: invocation.event.CheckpointToken,
      }),
    )
  ).Operations!;
  assert.deepEqual(
    operations.map(({ Id, Status }) => [Id, Status]),
    [
      ['begun', 'STARTED'],
      ['parent', 'STARTED'],
      ['waits', 'STARTED'],
      ['done', 'SUCCEEDED'],
    ],
  );
  invocation.answer({ Status: 'FAILED', Error: { ErrorMessage: 'enough' } });
  assert.deepEqual((await untilStatus(client, arn, 'FAILED')).Error, { ErrorMessage: 'enough' });
});

test('each checkpoint makes the token before it worthless, unless it is the same checkpoint', async () => {
  const { arn, invocation, command, checkpoint, refused } = await begin();
  const once = command([step('a', 'SUCCEED', { Payload: '1' })], { ClientToken: 'c1' });
  const first = await client.send(once);
  const again = await client.send(once);
  assert.deepEqual(again.NewExecutionState, first.NewExecutionState);
  assert.equal(again.CheckpointToken, first.CheckpointToken);
  assert.equal(await refused([step('b', 'START')]), 'InvalidParameterValueException: Invalid Checkpoint Token');
  assert.equal((await historyOf(client, arn)).filter(({ EventType }) => EventType === 'StepSucceeded').length, 1);
  await assert.rejects(checkpoint(step('b', 'START')));
  // The execution itself, by whatever id.
  const last = new CheckpointDurableExecutionCommand({
    DurableExecutionArn: arn,
    CheckpointToken: first.CheckpointToken,
    Updates: [
      { Id: 'execution-result-2026-11-23T08:00:00+00:00', Type: 'EXECUTION', Action: 'SUCCEED', Payload: '"all"' },
    ],
  });
  await client.send(last);
  assert.equal(await error(last), 'InvalidParameterValueException: Invalid Checkpoint Token');
  assert.equal((await untilStatus(client, arn, 'SUCCEEDED')).Result, '"all"');
  invocation.answer({ Status: 'SUCCEEDED', Result: '' });
});

test('what came about between two invocations is told by the next', async () => {
  const { arn, invocation, checkpoint, next } = await begin();
  const [callback] = await checkpoint({ Id: 'c', Type: 'CALLBACK', Action: 'START' }, wait('w', 1));
  const { CallbackId } = callback!.CallbackDetails!;
  invocation.answer({ Status: 'PENDING' });
  const second = await next();
  assert.deepEqual(second.event.UpdatedOperationIds, ['w']);
  await client.send(
    new SendDurableExecutionCallbackSuccessCommand({ CallbackId: CallbackId!, Result: Buffer.from('7') }),
  );
  // Under way: it learns with its next checkpoint, or is invoked again after this one.
  const told = await checkpoint();
  assert.deepEqual(
    told.map(({ Id, Status, CallbackDetails }) => [Id, Status, CallbackDetails?.Result]),
    [['c', 'SUCCEEDED', '7']],
  );
  await checkpoint(step('s', 'RETRY', { StepOptions: { NextAttemptDelaySeconds: 1 }, Error: { ErrorMessage: 'e' } }));
  second.answer({ Status: 'PENDING' });
  const third = await next();
  assert.deepEqual(third.event.UpdatedOperationIds, ['s']);
  const retried = third.event.InitialExecutionState.Operations.find(({ Id }: { Id: string }) => Id === 's');
  assert.deepEqual([retried.Status, retried.StepDetails], ['READY', { Attempt: 1, Error: { ErrorMessage: 'e' } }]);
  // It could go on, and is asked to, though not at once.
  third.answer({ Status: 'PENDING' });
  const fourth = await next();
  assert.deepEqual(fourth.event.UpdatedOperationIds, []);
  fourth.answer({ Status: 'SUCCEEDED' });
  await untilStatus(client, arn, 'SUCCEEDED');
});

test('contexts that ended keep their children to themselves, unless they are to be replayed', async () => {
  const { arn, invocation, checkpoint, next } = await begin();
  await checkpoint(
    context('kept', 'START'),
    context('shown', 'START'),
    step('kept-1', 'SUCCEED', { ParentId: 'kept', Payload: '1' }),
    step('shown-1', 'SUCCEED', { ParentId: 'shown', Payload: '1' }),
    context('kept', 'SUCCEED', { Payload: '1' }),
    context('shown', 'SUCCEED', { Payload: '1', ContextOptions: { ReplayChildren: true } }),
    wait('w', 1),
  );
  invocation.answer({ Status: 'PENDING' });
  const second = await next();
  const ids = second.event.InitialExecutionState.Operations.slice(1).map(({ Id }: { Id: string }) => Id);
  assert.deepEqual(ids, ['kept', 'shown', 'shown-1', 'w']);
  second.answer({ Status: 'SUCCEEDED' });
  await untilStatus(client, arn, 'SUCCEEDED');
});

test('a long log comes in pages, and has an end', async () => {
  const { arn, invocation, checkpoint, refused, next, token } = await begin();
  const ids = Array.from({ length: 2_999 }, (_, i) => `s${i}`);
  for (let i = 0; i < ids.length; i += 250) {
    await checkpoint(...ids.slice(i, i + 250).map((id) => step(id, 'SUCCEED', { Payload: '1' })));
  }
  await checkpoint(wait('last', 1));
  assert.match(await refused([step('one-more', 'START')]), /maximum of 3000 operations/);
  invocation.answer({ Status: 'PENDING' });
  const second = await next();
  const { Operations, NextMarker } = second.event.InitialExecutionState;
  const read: string[] = Operations.slice(1).map(({ Id }: { Id: string }) => Id);
  assert.equal(Operations.length, 1_000);
  let Marker: string | undefined = NextMarker;
  while (Marker) {
    const page = await client.send(
      new GetDurableExecutionStateCommand({
        DurableExecutionArn: arn,
        CheckpointToken: token(),
        Marker,
        MaxItems: 1_000,
      }),
    );
    read.push(...page.Operations!.map(({ Id }) => Id!));
    Marker = page.NextMarker;
  }
  assert.deepEqual(read, [...ids, 'last']);
  second.answer({ Status: 'SUCCEEDED' });
  await untilStatus(client, arn, 'SUCCEEDED');
});

test('answers that make no sense fail the execution', async () => {
  const cases: [object, string][] = [
    [{ Status: 'PENDING' }, 'Cannot return PENDING status with no pending operations.'],
    [{ Status: 'DONE' }, 'Invalid Status in invocation output.'],
    [{ Status: 'SUCCEEDED', Error: {} }, 'Invalid Status in invocation output.'],
  ];
  for (const [answer, message] of cases) {
    const { arn, invocation } = await begin();
    invocation.answer(answer);
    assert.equal((await untilStatus(client, arn, 'FAILED')).Error!.ErrorMessage, message);
  }
  const { arn, invocation } = await begin();
  invocation.answer({ Status: 'FAILED' });
  assert.equal((await untilStatus(client, arn, 'FAILED')).Error, undefined);
});
