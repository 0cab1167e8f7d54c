// Settings beside code and configuration: recursion, runtime management, code signing; and the ways to invoke that few use.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import {
  CreateCodeSigningConfigCommand,
  CreateFunctionCommand,
  DeleteCodeSigningConfigCommand,
  DeleteFunctionCodeSigningConfigCommand,
  GetCodeSigningConfigCommand,
  GetFunctionCodeSigningConfigCommand,
  GetFunctionRecursionConfigCommand,
  GetRuntimeManagementConfigCommand,
  InvokeAsyncCommand,
  InvokeCommand,
  InvokeWithResponseStreamCommand,
  ListCodeSigningConfigsCommand,
  ListFunctionsByCodeSigningConfigCommand,
  ListTagsCommand,
  PublishVersionCommand,
  PutFunctionCodeSigningConfigCommand,
  PutFunctionEventInvokeConfigCommand,
  PutFunctionRecursionConfigCommand,
  PutRuntimeManagementConfigCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateCodeSigningConfigCommand,
  UpdateFunctionCodeCommand,
} from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { arnOf, codeOf, ROLE, testLambda } from './lambda-functions.ts';

const brume = await startBrume();
const { client, create, error } = testLambda(brume);
const sqs = new SQSClient(clientConfig(brume));

async function newQueue(QueueName: string) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName }));
  return { QueueUrl, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}` };
}

/** Invokes itself as the SDKs do: with the trace header of its own invocation. */
const LOOP = `async ({ n, type }) => {
  const response = await fetch(process.env.AWS_ENDPOINT_URL + '/2015-03-31/functions/' + process.env.AWS_LAMBDA_FUNCTION_NAME + '/invocations', {
    method: 'POST',
    body: JSON.stringify({ n: n + 1, type }),
    headers: { 'x-amzn-trace-id': process.env._X_AMZN_TRACE_ID, 'x-amz-invocation-type': type },
  });
  if (!response.ok) throw new Error(n + ' ' + response.status + ' ' + response.headers.get('x-amzn-errortype'));
  return response.status === 200 ? response.json() : null;
}`;

describe('recursive loops', () => {
  const config = async (FunctionName: string) =>
    (await client.send(new GetFunctionRecursionConfigCommand({ FunctionName }))).RecursiveLoop;

  test('of waiting invocations end with an error', { timeout: 60_000 }, async () => {
    const FunctionName = 'caller';
    await create(FunctionName, LOOP, { Timeout: 30 });
    assert.equal(await config(FunctionName), 'Terminate');
    const Payload = Buffer.from(JSON.stringify({ n: 1, type: 'RequestResponse' }));
    const { Payload: answer } = await client.send(new InvokeCommand({ FunctionName, Payload }));
    const { errorMessage } = JSON.parse(Buffer.from(answer!).toString());
    assert.equal(errorMessage, '16 400 RecursiveInvocationException');
  });

  test('of events end in the dead-letter queue', { timeout: 60_000 }, async () => {
    const FunctionName = 'sender';
    const { QueueUrl, arn } = await newQueue('loops');
    await create(FunctionName, LOOP, { DeadLetterConfig: { TargetArn: arn } });
    const Payload = Buffer.from(JSON.stringify({ n: 1, type: 'Event' }));
    await client.send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] }),
    );
    assert.deepEqual(JSON.parse(Messages![0]!.Body!), { n: 17, type: 'Event' });
    assert.match(Messages![0]!.MessageAttributes!.ErrorMessage!.StringValue!, /recursive loop/);
  });

  test('are let be where they are allowed', async () => {
    const FunctionName = 'allowed';
    await create(FunctionName, 'async () => process.env._X_AMZN_TRACE_ID');
    const invokeWith = async (header: string) => {
      const response = await fetch(`${brume.endpoint}/2015-03-31/functions/${FunctionName}/invocations`, {
        method: 'POST',
        headers: { 'x-amzn-trace-id': header },
      });
      return { status: response.status, body: await response.text() };
    };
    const { body } = await invokeWith('Root=1-00000000-000000000000000000000000');
    const [, hash] = /;Lineage=0:([0-9a-f]{8}):0"$/.exec(body)!;
    const last = `Root=1-00000000-000000000000000000000000;Lineage=0:${hash}:15`;
    assert.equal((await invokeWith(last)).status, 400);
    const allow = { FunctionName, RecursiveLoop: 'Allow' } as const;
    assert.equal((await client.send(new PutFunctionRecursionConfigCommand(allow))).RecursiveLoop, 'Allow');
    assert.equal(await config(FunctionName), 'Allow');
    assert.equal((await invokeWith(last)).status, 200);
    assert.match(
      await error(new PutFunctionRecursionConfigCommand({ ...allow, RecursiveLoop: 'Sometimes' as never })),
      /at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: \[Terminate, Allow\]/,
    );
    assert.equal(
      await error(new GetFunctionRecursionConfigCommand({ FunctionName: 'none' })),
      `ResourceNotFoundException: Function not found: ${arnOf('none')}`,
    );
  });
});

describe('runtime management', () => {
  const FunctionName = 'managed';
  before(() => create(FunctionName));

  test('is automatic until told otherwise', async () => {
    const get = (Qualifier?: string) => client.send(new GetRuntimeManagementConfigCommand({ FunctionName, Qualifier }));
    const initial = await get();
    assert.deepEqual([initial.UpdateRuntimeOn, initial.FunctionArn], ['Auto', arnOf(FunctionName, '$LATEST')]);
    const { RuntimeVersionConfig } = await client.send(new PublishVersionCommand({ FunctionName }));
    const RuntimeVersionArn = RuntimeVersionConfig!.RuntimeVersionArn!;
    await client.send(
      new PutRuntimeManagementConfigCommand({
        FunctionName,
        Qualifier: '1',
        UpdateRuntimeOn: 'Manual',
        RuntimeVersionArn,
      }),
    );
    const manual = await get('1');
    assert.deepEqual([manual.UpdateRuntimeOn, manual.RuntimeVersionArn], ['Manual', RuntimeVersionArn]);
    assert.equal((await get()).UpdateRuntimeOn, 'Auto');
    const other = `${RuntimeVersionArn.slice(0, -4)}0000`;
    const cases: [object, RegExp][] = [
      [{ UpdateRuntimeOn: 'Manual' }, /RuntimeVersionArn is required/],
      [{ UpdateRuntimeOn: 'Auto', RuntimeVersionArn }, /RuntimeVersionArn is not allowed/],
      [{ UpdateRuntimeOn: 'Manual', RuntimeVersionArn: other }, /does not exist/],
      [{ UpdateRuntimeOn: 'Never' }, /at 'updateRuntimeOn' failed/],
    ];
    for (const [input, expected] of cases) {
      assert.match(await error(new PutRuntimeManagementConfigCommand({ FunctionName, ...(input as any) })), expected);
    }
  });
});

test('code signing configurations are kept, and enforced: no package here is signed', async () => {
  const FunctionName = 'signed';
  await create(FunctionName);
  const profile = `arn:aws:signer:${REGION}:${ACCOUNT}:/signing-profiles/p/abc`;
  const { CodeSigningConfig: made } = await client.send(
    new CreateCodeSigningConfigCommand({ AllowedPublishers: { SigningProfileVersionArns: [profile] } }),
  );
  const CodeSigningConfigArn = made!.CodeSigningConfigArn!;
  assert.match(
    CodeSigningConfigArn,
    new RegExp(`^arn:aws:lambda:${REGION}:${ACCOUNT}:code-signing-config:csc-[a-z0-9]{17}$`),
  );
  assert.deepEqual(
    [made!.CodeSigningPolicies, made!.AllowedPublishers],
    [{ UntrustedArtifactOnDeployment: 'Warn' }, { SigningProfileVersionArns: [profile] }],
  );
  const { CodeSigningConfigs } = await client.send(new ListCodeSigningConfigsCommand({}));
  assert.deepEqual(CodeSigningConfigs, [made]);

  const ofFunction = async () => {
    const { $metadata, ...rest } = await client.send(new GetFunctionCodeSigningConfigCommand({ FunctionName }));
    return rest;
  };
  assert.deepEqual(await ofFunction(), {});
  await client.send(new PutFunctionCodeSigningConfigCommand({ FunctionName, CodeSigningConfigArn }));
  assert.deepEqual(await ofFunction(), { FunctionName, CodeSigningConfigArn });
  const { FunctionArns } = await client.send(new ListFunctionsByCodeSigningConfigCommand({ CodeSigningConfigArn }));
  assert.deepEqual(FunctionArns, [arnOf(FunctionName)]);

  const update = new UpdateFunctionCodeCommand({ FunctionName, ZipFile: codeOf('1') });
  await client.send(update);
  await client.send(
    new UpdateCodeSigningConfigCommand({
      CodeSigningConfigArn,
      CodeSigningPolicies: { UntrustedArtifactOnDeployment: 'Enforce' },
    }),
  );
  const refused = (name: string) =>
    `CodeVerificationFailedException: Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for ${name}.`;
  assert.equal(await error(update), refused(FunctionName));
  const another = new CreateFunctionCommand({
    FunctionName: 'another',
    Role: ROLE,
    Runtime: 'nodejs22.x',
    Handler: 'index.handler',
    Code: { ZipFile: codeOf('1') },
    CodeSigningConfigArn,
  });
  assert.equal(await error(another), refused('another'));
  assert.match(
    await error(new DeleteCodeSigningConfigCommand({ CodeSigningConfigArn })),
    /^ResourceConflictException: /,
  );
  await client.send(new DeleteFunctionCodeSigningConfigCommand({ FunctionName }));
  await client.send(update);
  await client.send(new DeleteCodeSigningConfigCommand({ CodeSigningConfigArn }));
  assert.equal(
    await error(new GetCodeSigningConfigCommand({ CodeSigningConfigArn })),
    `ResourceNotFoundException: The Lambda code signing configuration ${CodeSigningConfigArn} can not be found.`,
  );
  assert.equal(
    await error(new PutFunctionCodeSigningConfigCommand({ FunctionName, CodeSigningConfigArn })),
    `CodeSigningConfigNotFoundException: The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${CodeSigningConfigArn}.`,
  );
});

test('InvokeAsync queues an event', async () => {
  const { QueueUrl, arn } = await newQueue('late');
  await create('old-fashioned', 'async () => { throw new Error() }', { DeadLetterConfig: { TargetArn: arn } });
  await client.send(
    new PutFunctionEventInvokeConfigCommand({ FunctionName: 'old-fashioned', MaximumRetryAttempts: 0 }),
  );
  const { Status } = await client.send(
    new InvokeAsyncCommand({ FunctionName: 'old-fashioned', InvokeArgs: Buffer.from('{"a":1}') }),
  );
  assert.equal(Status, 202);
  assert.match(
    await error(new InvokeAsyncCommand({ FunctionName: 'old-fashioned', InvokeArgs: Buffer.from('{') })),
    /^InvalidRequestContentException: /,
  );
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10 }));
  assert.equal(Messages![0]!.Body, '{"a":1}');
});

test('InvokeWithResponseStream gives the answer of a handler that streams nothing', async () => {
  const FunctionName = 'whole';
  await create(
    FunctionName,
    'async ({ size, fail }) => { console.log("a line"); if (fail) throw new Error("no"); return "x".repeat(size); }',
  );
  const call = async (event: object) => {
    const { EventStream, ExecutedVersion, StatusCode } = await client.send(
      new InvokeWithResponseStreamCommand({
        FunctionName,
        LogType: 'Tail',
        Payload: Buffer.from(JSON.stringify(event)),
      }),
    );
    assert.deepEqual([StatusCode, ExecutedVersion], [200, '$LATEST']);
    const chunks: Uint8Array[] = [];
    let end: { ErrorCode?: string; ErrorDetails?: string; LogResult?: string } | undefined;
    for await (const { PayloadChunk, InvokeComplete } of EventStream!) {
      if (PayloadChunk) chunks.push(PayloadChunk.Payload!);
      if (InvokeComplete) end = InvokeComplete;
    }
    assert.match(Buffer.from(end!.LogResult!, 'base64').toString(), /a line/);
    return { text: Buffer.concat(chunks).toString(), chunks: chunks.length, end: end! };
  };
  const large = await call({ size: 1_000_000 });
  assert.equal(large.text, JSON.stringify('x'.repeat(1_000_000)));
  assert.ok(large.chunks > 1);
  assert.equal(large.end.ErrorCode, undefined);
  const failed = await call({ fail: true });
  assert.deepEqual([failed.text, failed.end.ErrorCode], ['', 'Unhandled']);
  assert.equal(JSON.parse(failed.end.ErrorDetails!).errorMessage, 'no');
  assert.equal(
    await error(new InvokeWithResponseStreamCommand({ FunctionName: 'none' })),
    `ResourceNotFoundException: Function not found: ${arnOf('none')}`,
  );
});

test('code signing configurations have tags', async () => {
  const { CodeSigningConfig } = await client.send(
    new CreateCodeSigningConfigCommand({
      AllowedPublishers: {
        SigningProfileVersionArns: [`arn:aws:signer:${REGION}:${ACCOUNT}:/signing-profiles/tagged/abcdefghij`],
      },
      Tags: { team: 'a' },
    }),
  );
  const Resource = CodeSigningConfig!.CodeSigningConfigArn!;
  const tags = async () => (await client.send(new ListTagsCommand({ Resource }))).Tags;
  assert.deepEqual(await tags(), { team: 'a' });
  await client.send(new TagResourceCommand({ Resource, Tags: { env: 'test' } }));
  await client.send(new UntagResourceCommand({ Resource, TagKeys: ['team'] }));
  assert.deepEqual(await tags(), { env: 'test' });
  await client.send(new DeleteCodeSigningConfigCommand({ CodeSigningConfigArn: Resource }));
  assert.equal(
    await error(new ListTagsCommand({ Resource })),
    `ResourceNotFoundException: The Lambda code signing configuration ${Resource} can not be found.`,
  );
});
