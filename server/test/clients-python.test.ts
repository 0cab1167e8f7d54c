// What Python functions write without any library of AWS's: embedded metrics as printed JSON, records of `logging` as JSON by a
// formatter of their own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, GetQueryResultsCommand, StartQueryCommand } from '@aws-sdk/client-cloudwatch-logs';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { clientConfig, startBrume } from '#test/harness.ts';
import { noPython } from './lambda-engine.ts';
import { testLambda } from './lambda-functions.ts';
import { zipOf } from './lambda-zip.ts';

const CODE = `
import json, logging, time

class JsonFormatter(logging.Formatter):
    def format(self, record):
        fields = {"level": record.levelname, "message": record.getMessage(), "request": record.aws_request_id}
        return json.dumps({**fields, **getattr(record, "fields", {})})

logger = logging.getLogger()
logger.setLevel(logging.INFO)
logger.handlers[0].setFormatter(JsonFormatter())

def handler(event, context):
    logger.info("order", extra={"fields": {"order": event["order"], "cents": event["cents"]}})
    print(json.dumps({
        "_aws": {
            "Timestamp": int(time.time() * 1000),
            "CloudWatchMetrics": [{"Namespace": "PythonShop", "Dimensions": [["stage"]],
                                   "Metrics": [{"Name": "Cents", "Unit": "Count"}, {"Name": "Steps"}]}],
        },
        "stage": "test", "Cents": event["cents"], "Steps": [1, 2, 3], "order": event["order"],
    }))
    return context.aws_request_id
`;

test('JSON records and embedded metrics of Python', { skip: noPython }, async () => {
  const brume = await startBrume();
  const { client, create } = testLambda(brume);
  const logs = new CloudWatchLogsClient(clientConfig(brume));
  const metrics = new CloudWatchClient(clientConfig(brume));
  await create('shop', undefined, {
    Runtime: 'python3.13',
    Handler: 'app.handler',
    Code: { ZipFile: zipOf({ 'app.py': CODE }) },
  });
  const ids: string[] = [];
  for (const [index, cents] of [250, 750].entries()) {
    const Payload = JSON.stringify({ order: `o${index}`, cents });
    const answer = await client.send(new InvokeCommand({ FunctionName: 'shop', Payload }));
    assert.equal(answer.FunctionError, undefined);
    ids.push(JSON.parse(Buffer.from(answer.Payload!).toString()));
  }

  const eventually = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
    for (let tries = 0; tries < 100; tries++) {
      const found = await look();
      if (found !== undefined) return found;
      await sleep(100);
    }
    throw new Error('not seen within ten seconds');
  };
  // The answer of an invocation does not wait for its log.
  const results = await eventually(async () => {
    const { queryId } = await logs.send(
      new StartQueryCommand({
        logGroupName: '/aws/lambda/shop',
        startTime: Date.now() - 600_000,
        endTime: Date.now() + 60_000,
        queryString: 'filter level = "INFO" and cents > 100 | fields request, order, cents | sort cents',
      }),
    );
    const { results } = await eventually(async () => {
      const answer = await logs.send(new GetQueryResultsCommand({ queryId }));
      return answer.status === 'Complete' ? answer : undefined;
    });
    return results!.length === 2 ? results : undefined;
  });
  assert.deepEqual(
    results!.map((row) => row.filter(({ field }) => field !== '@ptr').map(({ value }) => value)),
    [
      [ids[0], 'o0', '250'],
      [ids[1], 'o1', '750'],
    ],
  );

  const metric = (MetricName: string) => ({
    Namespace: 'PythonShop',
    MetricName,
    Dimensions: [{ Name: 'stage', Value: 'test' }],
  });
  const query = (Id: string, name: string, Stat: string) => ({
    Id,
    MetricStat: { Metric: metric(name), Period: 60, Stat },
  });
  const values = await eventually(async () => {
    const { MetricDataResults } = await metrics.send(
      new GetMetricDataCommand({
        StartTime: new Date(Date.now() - 3_600_000),
        EndTime: new Date(Date.now() + 3_600_000),
        MetricDataQueries: [query('cents', 'Cents', 'Sum'), query('steps', 'Steps', 'SampleCount')],
      }),
    );
    const sums = MetricDataResults!.map(({ Values }) => Values!.reduce((sum, value) => sum + value, 0));
    return sums[0] === 1_000 ? sums : undefined;
  });
  assert.deepEqual(values, [1_000, 6]);
});
