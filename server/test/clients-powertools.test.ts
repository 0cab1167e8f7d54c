// Powertools for AWS Lambda (TypeScript), from npm, unchanged inside functions: its logs are found by Insights, its metrics become
// CloudWatch metrics, its batch processor answers to event source mappings. https://docs.powertools.aws.dev/lambda/typescript/latest/

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricDataCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  FilterLogEventsCommand,
  GetQueryResultsCommand,
  StartQueryCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateEventSourceMappingCommand, InvokeCommand } from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { ACCOUNT, clientConfig, REGION, startBrume } from '#test/harness.ts';
import { parse, testLambda } from './lambda-functions.ts';
import { zipWithPackages } from './npm-package.ts';

const brume = await startBrume();
const lambda = testLambda(brume);
const logs = new CloudWatchLogsClient(clientConfig(brume));
const metrics = new CloudWatchClient(clientConfig(brume));
const sqs = new SQSClient(clientConfig(brume));

const powertools = (...names: string[]) => names.map((name) => `@aws-lambda-powertools/${name}`);

async function deploy(name: string, code: string, packages: string[], variables: Record<string, string> = {}) {
  await lambda.create(name, undefined, {
    Runtime: 'nodejs24.x',
    Code: { ZipFile: zipWithPackages({ 'index.mjs': code }, packages) },
    Environment: { Variables: variables },
    Timeout: 6,
  });
}

async function invoke(FunctionName: string, event: unknown) {
  const answer = await lambda.client.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }));
  return { error: answer.FunctionError, value: parse(answer.Payload) };
}

async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(100);
  }
  throw new Error(`not seen: ${what}`);
}

/** Asked until there are as many rows: the answer of an invocation does not wait for its log. */
async function query(group: string, queryString: string, count: number): Promise<Record<string, string>[]> {
  return eventually(async () => {
    const now = Date.now();
    const { queryId } = await logs.send(
      new StartQueryCommand({ logGroupName: group, startTime: now - 600_000, endTime: now + 60_000, queryString }),
    );
    const { results } = await eventually(async () => {
      const answer = await logs.send(new GetQueryResultsCommand({ queryId }));
      return answer.status === 'Complete' ? answer : undefined;
    }, 'the end of a query');
    const rows = results!.map((row) => Object.fromEntries(row.map(({ field, value }) => [field!, value!])));
    return rows.length === count ? rows : undefined;
  }, queryString);
}

const CHECKOUT = `
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import { Tracer } from '@aws-lambda-powertools/tracer';
import { captureLambdaHandler } from '@aws-lambda-powertools/tracer/middleware';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import middy from '@middy/core';

const logger = new Logger();
const metrics = new Metrics({ defaultDimensions: { stage: 'test' } });
const tracer = new Tracer();
const s3 = tracer.captureAWSv3Client(new S3Client({}));

export const handler = middy(async (event) => {
  logger.appendKeys({ order: event.order });
  logger.info('order received', { cents: event.cents });
  logger.debug('hidden');
  metrics.addMetric('Orders', MetricUnit.Count, 1);
  metrics.addMetric('Revenue', MetricUnit.NoUnit, event.cents);
  metrics.addMetadata('orderId', event.order);
  tracer.putAnnotation('order', event.order);
  await s3.send(new ListBucketsCommand({}));
  if (event.cents < 0) {
    logger.error('negative', new RangeError('cents ' + event.cents));
    throw new RangeError('negative');
  }
  return { root: tracer.getRootXrayTraceId() };
})
  .use(captureLambdaHandler(tracer))
  .use(logMetrics(metrics, { captureColdStartMetric: true }))
  .use(injectLambdaContext(logger, { resetKeys: true }));
`;

test('logger, metrics and tracer', async () => {
  await deploy('checkout', CHECKOUT, [...powertools('logger', 'metrics', 'tracer'), '@middy/core'], {
    POWERTOOLS_SERVICE_NAME: 'orders',
    POWERTOOLS_METRICS_NAMESPACE: 'Shop',
  });
  const first = await invoke('checkout', { order: 'a1', cents: 250 });
  assert.deepEqual(Object.keys(first.value), ['root'], JSON.stringify(first.value));
  assert.match(first.value.root, /^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  assert.equal((await invoke('checkout', { order: 'a2', cents: 750 })).error, undefined);
  const failed = await invoke('checkout', { order: 'a3', cents: -1 });
  assert.deepEqual([failed.error, failed.value.errorType], ['Unhandled', 'RangeError']);

  const group = '/aws/lambda/checkout';
  const rows = await query(
    group,
    "fields level, message, order, cents, error.name | filter service = 'orders' and ispresent(level) | sort @timestamp asc, level desc",
    4,
  );
  assert.deepEqual(
    rows.map((row) => [row.level, row.message, row.order, row.cents, row['error.name']]),
    [
      ['INFO', 'order received', 'a1', '250', undefined],
      ['INFO', 'order received', 'a2', '750', undefined],
      ['INFO', 'order received', 'a3', '-1', undefined],
      ['ERROR', 'negative', 'a3', undefined, 'RangeError'],
    ],
  );
  const [cold] = await query(
    group,
    'filter cold_start = 1 | stats count(*) as calls, max(cents) as highest by function_name',
    1,
  );
  assert.deepEqual(cold, { function_name: 'checkout', calls: '1', highest: '250' });
  const { events } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: group, filterPattern: '{ $.level = "ERROR" && $.order = "a3" }' }),
  );
  const record = JSON.parse(events![0]!.message!);
  assert.equal(events!.length, 1);
  assert.equal(record.function_arn, `arn:aws:lambda:${REGION}:${ACCOUNT}:function:checkout`);
  assert.match(record.xray_trace_id, /^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  assert.match(record.error.stack, /index\.mjs:\d+/);

  // Powertools writes EMF documents; the negative order's, too, as its middleware publishes after errors.
  const metricOf = (name: string, dimensions: Record<string, string>, stat: string) => ({
    Id: name.toLowerCase(),
    MetricStat: {
      Metric: {
        Namespace: 'Shop',
        MetricName: name,
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      },
      Period: 3600,
      Stat: stat,
    },
  });
  const own = { service: 'orders', stage: 'test' };
  const values = await eventually(async () => {
    const { MetricDataResults } = await metrics.send(
      new GetMetricDataCommand({
        StartTime: new Date(Date.now() - 7_200_000),
        EndTime: new Date(Date.now() + 3_600_000),
        MetricDataQueries: [
          metricOf('Orders', own, 'Sum'),
          metricOf('Revenue', own, 'Maximum'),
          metricOf('ColdStart', { ...own, function_name: 'checkout' }, 'Sum'),
        ],
      }),
    );
    // Over a full hour, the invocations may fall into two periods.
    const sums = Object.fromEntries(
      MetricDataResults!.map(({ Id, Values }) => [
        Id,
        Id === 'revenue' ? Math.max(...Values!) : Values!.reduce((sum, value) => sum + value, 0),
      ]),
    );
    return sums.orders === 3 ? sums : undefined;
  }, 'three orders');
  assert.deepEqual(values, { orders: 3, revenue: 750, coldstart: 1 });
  const { Metrics: listed } = await metrics.send(new ListMetricsCommand({ Namespace: 'Shop' }));
  assert.deepEqual(listed!.map(({ MetricName }) => MetricName).sort(), ['ColdStart', 'Orders', 'Revenue']);
});

const BATCH = `
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { parser } from '@aws-lambda-powertools/batch/parser';
import { SqsRecordSchema } from '@aws-lambda-powertools/parser/schemas';
import { JSONStringified } from '@aws-lambda-powertools/parser/helpers';
import { z } from 'zod';

const order = z.object({ id: z.number(), good: z.boolean() });
const processor = new BatchProcessor(EventType.SQS, {
  parser, schema: SqsRecordSchema.extend({ body: JSONStringified(order) }),
});
const handle = async ({ body }) => { if (!body.good) throw new Error('bad ' + body.id); };
export const handler = async (event, context) => processPartialResponse(event, handle, processor, { context, processInParallel: true });
`;

test('batch and parser: only what failed, or is no order, returns to the queue and goes to the dead letters', async () => {
  await deploy('batch', BATCH, [...powertools('batch', 'parser'), 'zod']);
  const queueOf = async (QueueName: string, Attributes: Record<string, string> = {}) => {
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    return { QueueUrl, arn: `arn:aws:sqs:${REGION}:${ACCOUNT}:${QueueName}` };
  };
  const dead = await queueOf('dead');
  const orders = await queueOf('orders', {
    VisibilityTimeout: '6',
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 }),
  });
  const bodies = [{ id: 1, good: true }, { id: 2, good: false }, { id: 3, good: true }, { id: 'four' }];
  await sqs.send(
    new SendMessageBatchCommand({
      QueueUrl: orders.QueueUrl,
      Entries: bodies.map((body, index) => ({ Id: String(index), MessageBody: JSON.stringify(body) })),
    }),
  );
  await lambda.client.send(
    new CreateEventSourceMappingCommand({
      FunctionName: 'batch',
      EventSourceArn: orders.arn,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    }),
  );
  const failed: string[] = [];
  await eventually(async () => {
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: dead.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    failed.push(...(Messages ?? []).map(({ Body }) => Body!));
    return failed.length >= 2 ? failed : undefined;
  }, 'two dead letters');
  assert.deepEqual(failed.map((body) => JSON.parse(body).id).sort(), [2, 'four']);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: orders.QueueUrl, AttributeNames: ['All'] }),
  );
  assert.equal(Attributes!.ApproximateNumberOfMessages, '0');
  assert.equal(Attributes!.ApproximateNumberOfMessagesNotVisible, '0');
});
