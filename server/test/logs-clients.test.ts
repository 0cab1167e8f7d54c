// CloudWatch Logs with unmodified boto3 and AWS CLI, as child processes.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import test from 'node:test';
import { promisify } from 'node:util';
import { ACCOUNT, clientEnvironment, REGION, startBrume } from '#test/harness.ts';

const run = promisify(execFile);
const brume = await startBrume();
const env = {
  ...clientEnvironment(brume),
  // StartLiveTail's host prefix would make stream-127.0.0.1 of the endpoint.
  AWS_DISABLE_HOST_PREFIX_INJECTION: 'true',
  PYTHONUNBUFFERED: '1',
};

async function missing(command: string, args: string[]): Promise<string | false> {
  try {
    await run(command, args, { env });
    return false;
  } catch {
    return `${command} ${args.join(' ')} does not work here`;
  }
}

const aws = async (...args: string[]) => {
  const { stdout } = await run('aws', ['logs', ...args, '--output', 'json'], { env });
  return stdout.trim() === '' ? undefined : JSON.parse(stdout);
};
const noCli = await missing('aws', ['--version']);
const noCli2 =
  noCli || !/aws-cli\/2/.test((await run('aws', ['--version'])).stdout) ? 'the AWS CLI here is no version 2' : false;

test('boto3: groups, events, pages, patterns, metric filters, live tail', {
  skip: await missing('python3', ['-c', 'import boto3']),
}, async () => {
  const script = `
import boto3, json, threading, time
logs = boto3.client('logs')
group, stream = '/boto3/app', '2026/11/23/[$LATEST]abc'
logs.create_log_group(logGroupName=group, tags={'team': 'data'})
try:
    logs.create_log_group(logGroupName=group)
    raise SystemExit('created twice')
except logs.exceptions.ResourceAlreadyExistsException as error:
    assert error.response['Error']['Message'] == 'The specified log group already exists', error
logs.put_retention_policy(logGroupName=group, retentionInDays=14)
logs.create_log_stream(logGroupName=group, logStreamName=stream)
logs.put_metric_filter(logGroupName=group, filterName='errors', filterPattern='{ $.level = "error" }',
    metricTransformations=[dict(metricName='Errors', metricNamespace='App', metricValue='1', defaultValue=0)])
received = []
tail = logs.start_live_tail(
    logGroupIdentifiers=[f'arn:aws:logs:${REGION}:${ACCOUNT}:log-group:{group}'], logEventFilterPattern='%"?error"?%'.replace('"?', ''))
def follow():
    for event in tail['responseStream']:
        for result in event.get('sessionUpdate', {}).get('sessionResults', []):
            received.append(json.loads(result['message'])['n'])
        if len(received) >= 10:
            return
thread = threading.Thread(target=follow, daemon=True)
thread.start()
time.sleep(0.2)
now = int(time.time() * 1000)
events = [dict(timestamp=now + n, message=json.dumps({'n': n, 'level': 'error' if n % 10 == 0 else 'info', 'text': 'Grüße'})) for n in range(100)]
answer = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
assert 'rejectedLogEventsInfo' not in answer, answer
thread.join(10)
tail['responseStream'].close()
assert received == list(range(0, 100, 10)), received
pages = logs.get_paginator('filter_log_events').paginate(logGroupName=group, filterPattern='{ $.level = "error" }', PaginationConfig={'PageSize': 3})
found = [json.loads(event['message'])['n'] for page in pages for event in page['events']]
assert found == received, found
got = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=2)
assert [json.loads(event['message'])['n'] for event in got['events']] == [98, 99], got
described = logs.describe_log_streams(logGroupName=group)['logStreams'][0]
assert described['firstEventTimestamp'] == now and described['lastEventTimestamp'] == now + 99, described
sums = boto3.client('cloudwatch').get_metric_statistics(Namespace='App', MetricName='Errors', Period=60,
    StartTime=now / 1000 - 120, EndTime=now / 1000 + 120, Statistics=['Sum', 'SampleCount'])['Datapoints']
assert sum(point['Sum'] for point in sums) == 10 and sum(point['SampleCount'] for point in sums) == 100, sums
try:
    logs.filter_log_events(logGroupName=group, filterPattern='{ $.a')
    raise SystemExit('took a broken pattern')
except logs.exceptions.InvalidParameterException as error:
    assert "must end with '}'" in str(error), error
logs.delete_log_group(logGroupName=group)
assert logs.describe_log_groups(logGroupNamePrefix=group)['logGroups'] == []
print('fine')
`;
  const { stdout } = await run('python3', ['-c', script], { env });
  assert.equal(stdout.trim(), 'fine');
});

test('AWS CLI: groups, events, filters', { skip: noCli }, async () => {
  const group = '/cli/app';
  await aws('create-log-group', '--log-group-name', group);
  await aws('create-log-stream', '--log-group-name', group, '--log-stream-name', 's');
  const now = Date.now();
  const events = [`timestamp=${now},message=hello`, `timestamp=${now + 1},message=ERROR`];
  const put = await aws(
    'put-log-events',
    '--log-group-name',
    group,
    '--log-stream-name',
    's',
    '--log-events',
    ...events,
  );
  assert.match(put.nextSequenceToken, /^\d{56}$/);
  const filtered = await aws('filter-log-events', '--log-group-name', group, '--filter-pattern', 'ERROR');
  assert.deepEqual(
    filtered.events.map((event: any) => event.message),
    ['ERROR'],
  );
  const got = await aws('get-log-events', '--log-group-name', group, '--log-stream-name', 's', '--start-from-head');
  assert.deepEqual(
    got.events.map((event: any) => event.message),
    ['hello', 'ERROR'],
  );
  const tested = await aws(
    'test-metric-filter',
    '--filter-pattern',
    '[a, b=2*]',
    '--log-event-messages',
    'x 21',
    'y 3',
  );
  assert.deepEqual(tested.matches[0].extractedValues, { $a: 'x', $b: '21' });
  await assert.rejects(
    aws('put-retention-policy', '--log-group-name', group, '--retention-in-days', '2'),
    /InvalidParameterException\) when calling the PutRetentionPolicy operation: Invalid retention value/,
  );
});

/** Starts the CLI, gives it lines to see once it runs, and waits until it has printed them. */
async function followedBy(args: string[], group: string, wanted: string[]): Promise<void> {
  const child = spawn('aws', ['logs', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const seen = new Promise<void>((resolve, reject) => {
    reader.on('line', (line) => {
      lines.push(line);
      if (wanted.every((text) => lines.some((other) => other.includes(text)))) resolve();
    });
    child.once('exit', () => reject(new Error(`it ended after ${JSON.stringify(lines)}`)));
  });
  const putting = setInterval(() => {
    const logEvents = wanted.map((message) => `timestamp=${Date.now()},message=${message}`);
    logEvents.push(`timestamp=${Date.now()},message=unwanted`);
    void aws('put-log-events', '--log-group-name', group, '--log-stream-name', 's', '--log-events', ...logEvents).catch(
      () => {},
    );
  }, 3_000);
  try {
    await seen;
    assert.ok(!lines.some((line) => line.includes('unwanted')), lines.join('\n'));
  } finally {
    clearInterval(putting);
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
  }
}

test('AWS CLI: start-live-tail', { skip: noCli, timeout: 60_000 }, async () => {
  const group = '/cli/live';
  await aws('create-log-group', '--log-group-name', group);
  await aws('create-log-stream', '--log-group-name', group, '--log-stream-name', 's');
  const arn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${group}`;
  const args = ['start-live-tail', '--log-group-identifiers', arn, '--log-event-filter-pattern', 'ERROR'];
  await followedBy(args, group, ['ERROR-1', 'ERROR-2']);
});

test('AWS CLI: tail --follow', { skip: noCli2, timeout: 60_000 }, async () => {
  const group = '/cli/tail';
  await aws('create-log-group', '--log-group-name', group);
  await aws('create-log-stream', '--log-group-name', group, '--log-stream-name', 's');
  await followedBy(['tail', group, '--follow', '--filter-pattern', 'ERROR'], group, ['ERROR-1', 'ERROR-2']);
});
