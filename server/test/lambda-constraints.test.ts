// What breaks a length, pattern, range or value set of the API's model is answered in AWS's words before anything is looked
// up. What each member of a list must be is told of the whole list.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as sdk from '@aws-sdk/client-lambda';
import { clientConfig, startBrume } from '#test/harness.ts';

const lambda = new sdk.LambdaClient(clientConfig(await startBrume()));

const FUNCTION = { FunctionName: 'none', Role: 'arn:aws:iam::000000000000:role/r', Code: { ZipFile: Buffer.from('') } };
const MAPPING = { FunctionName: 'none', EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:none' };
const URL_CONFIG = { FunctionName: 'none', AuthType: 'NONE' };
const LAYER = { LayerName: 'none', Content: { ZipFile: Buffer.from('') } };

const atMost = (count: number) => `have length less than or equal to ${count}`;
const atLeast = (count: number) => `have length greater than or equal to ${count}`;
const each = (...rules: string[]) =>
  `satisfy constraint: [${[...rules, 'not be null'].map((rule) => `Member must ${rule}`).join(', ')}]`;
const oneOf = (...values: string[]) => `satisfy enum value set: [${values.join(', ')}]`;
const value = (bound: 'less' | 'greater', than: number) => `have value ${bound} than or equal to ${than}`;
const like = (pattern: string) => `satisfy regular expression pattern: ${pattern}`;

const REFUSED: [operation: string, input: object, at: string, value: string, must: string][] = [
  ['CreateFunction', { ...FUNCTION, Architectures: [] }, 'architectures', '[]', atLeast(1)],
  [
    'CreateFunction',
    { ...FUNCTION, Architectures: ['x86_64', 'arm64'] },
    'architectures',
    '[x86_64, arm64]',
    atMost(1),
  ],
  ['CreateFunction', { ...FUNCTION, Architectures: ['z'] }, 'architectures', '[z]', each(oneOf('x86_64', 'arm64'))],
  ['CreateFunction', { ...FUNCTION, Code: { S3Bucket: 'b', S3Key: 'k' } }, 'code.s3Bucket', 'b', atLeast(3)],
  ['CreateFunction', { ...FUNCTION, Code: { S3Bucket: 'bucket', S3Key: '' } }, 'code.s3Key', '', atLeast(1)],
  [
    'CreateFunction',
    { ...FUNCTION, VpcConfig: { SecurityGroupIds: ['a', 'b', 'c', 'd', 'e', 'f'] } },
    'vpcConfig.securityGroupIds',
    '[a, b, c, d, e, f]',
    atMost(5),
  ],
  ['UpdateFunctionCode', { FunctionName: 'none', S3Bucket: 'bucket', S3Key: '' }, 's3Key', '', atLeast(1)],
  ['PublishLayerVersion', { ...LAYER, Content: { S3Bucket: 'bucket', S3Key: '' } }, 'content.s3Key', '', atLeast(1)],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, ParallelizationFactor: 11 },
    'parallelizationFactor',
    '11',
    value('less', 10),
  ],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, MaximumRetryAttempts: -2 },
    'maximumRetryAttempts',
    '-2',
    value('greater', -1),
  ],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, MaximumRecordAgeInSeconds: 604_801 },
    'maximumRecordAgeInSeconds',
    '604801',
    value('less', 604_800),
  ],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, TumblingWindowInSeconds: 901 },
    'tumblingWindowInSeconds',
    '901',
    value('less', 900),
  ],
  ['CreateEventSourceMapping', { ...MAPPING, Topics: [] }, 'topics', '[]', atLeast(1)],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, Topics: ['.'] },
    'topics',
    '[.]',
    each(atMost(249), atLeast(1), like('[^.]([a-zA-Z0-9\\-_.]+)')),
  ],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, FunctionResponseTypes: ['All'] },
    'functionResponseTypes',
    '[All]',
    each(oneOf('ReportBatchItemFailures')),
  ],
  [
    'CreateEventSourceMapping',
    { ...MAPPING, DocumentDBEventSourceConfig: { FullDocument: 'No' } },
    'documentDBEventSourceConfig.fullDocument',
    'No',
    oneOf('UpdateLookup', 'Default'),
  ],
  [
    'UpdateEventSourceMapping',
    { UUID: '14e0db71-5d35-4eb5-b481-8945cf9d10c2', SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: '' } },
    'selfManagedKafkaEventSourceConfig.consumerGroupId',
    '',
    atLeast(1),
  ],
  [
    'CreateFunctionUrlConfig',
    { ...URL_CONFIG, Cors: { AllowMethods: ['OPTIONS'] } },
    'cors.allowMethods',
    '[OPTIONS]',
    each(atMost(6), like('.*')),
  ],
  [
    'UpdateFunctionUrlConfig',
    { ...URL_CONFIG, Cors: { AllowOrigins: Array(101).fill('o') } },
    'cors.allowOrigins',
    `[${Array(101).fill('o').join(', ')}]`,
    atMost(100),
  ],
  [
    'RemoveLayerVersionPermission',
    { LayerName: 'none', VersionNumber: 1, StatementId: '*' },
    'statementId',
    '*',
    like('([a-zA-Z0-9-_]+)'),
  ],
];

test('what the model refuses', async () => {
  for (const [operation, input, at, given, must] of REFUSED) {
    const message = `1 validation error detected: Value '${given}' at '${at}' failed to satisfy constraint: Member must ${must}`;
    await assert.rejects(call(operation, input), { name: 'ValidationException', message }, operation);
  }
});

test('the name of a function before the source of events', async () => {
  const create = new sdk.CreateEventSourceMappingCommand({
    ...MAPPING,
    FunctionName: '*',
    EventSourceArn: 'arn:aws:x:::y',
  });
  await assert.rejects(lambda.send(create), { name: 'ValidationException' });
});

function call(operation: string, input: object): Promise<unknown> {
  return lambda.send(new (sdk as any)[`${operation}Command`](input));
}
