// Logs Insights with unmodified boto3 and AWS CLI, as child processes.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { clientEnvironment, startBrume } from '#test/harness.ts';

const run = promisify(execFile);
const brume = await startBrume();
const env = clientEnvironment(brume);

async function missing(command: string, args: string[]): Promise<string | false> {
  try {
    await run(command, args, { env });
    return false;
  } catch {
    return `${command} ${args.join(' ')} does not work here`;
  }
}

test('boto3: queries, definitions', { skip: await missing('python3', ['-c', 'import boto3']) }, async () => {
  const script = `
import boto3, json, time
logs = boto3.client('logs')
group = '/boto3/insights'
logs.create_log_group(logGroupName=group)
logs.create_log_stream(logGroupName=group, logStreamName='s')
now = int(time.time() * 1000)
logs.put_log_events(logGroupName=group, logStreamName='s', logEvents=[
    dict(timestamp=now - 1000 + n, message=json.dumps({'n': n, 'level': 'error' if n % 4 == 0 else 'info'})) for n in range(100)])

def query(text, **more):
    started = logs.start_query(logGroupName=group, startTime=int(time.time()) - 600, endTime=int(time.time()) + 1, queryString=text, **more)
    while True:
        answer = logs.get_query_results(queryId=started['queryId'])
        if answer['status'] not in ('Scheduled', 'Running'):
            return answer
        time.sleep(0.02)

answer = query('stats count(*) as events, max(n) as most by level | sort level asc')
assert answer['status'] == 'Complete', answer
rows = [{field['field']: field['value'] for field in row} for row in answer['results']]
assert rows == [dict(level='error', events='25', most='96'), dict(level='info', events='75', most='99')], rows
assert answer['statistics']['recordsMatched'] == 100, answer
assert len(query('fields @message', limit=7)['results']) == 7
try:
    query('fields @message |')
    raise SystemExit('took a broken query')
except logs.exceptions.MalformedQueryException as error:
    assert error.response['queryCompileError']['location']['startCharOffset'] >= 0, error.response
definition = logs.put_query_definition(name='errors', queryString='filter level = "error"')['queryDefinitionId']
assert logs.describe_query_definitions()['queryDefinitions'][0]['queryDefinitionId'] == definition
assert logs.delete_query_definition(queryDefinitionId=definition)['success'] is True
assert logs.describe_queries(logGroupName=group, status='Complete')['queries'][0]['queryString'].endswith('| fields @message')
print('fine')
`;
  const { stdout } = await run('python3', ['-c', script], { env });
  assert.equal(stdout.trim(), 'fine');
});

test('AWS CLI: start-query, get-query-results', {
  skip: await missing('aws', ['--version']),
  timeout: 60_000,
}, async () => {
  const aws = async (...args: string[]) => {
    const { stdout } = await run('aws', ['logs', ...args, '--output', 'json'], { env });
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  };
  const group = '/cli/insights';
  await aws('create-log-group', '--log-group-name', group);
  await aws('create-log-stream', '--log-group-name', group, '--log-stream-name', 's');
  const now = Date.now();
  const events = [`timestamp=${now},message=hello`, `timestamp=${now + 1},message=ERROR`];
  await aws('put-log-events', '--log-group-name', group, '--log-stream-name', 's', '--log-events', ...events);
  const range = ['--start-time', String(Math.floor(now / 1000) - 60), '--end-time', String(Math.ceil(now / 1000) + 60)];
  const text = 'fields @message | filter @message like /ERR/';
  const { queryId } = await aws('start-query', '--log-group-name', group, ...range, '--query-string', text);
  for (;;) {
    const { status, results } = await aws('get-query-results', '--query-id', queryId);
    if (status === 'Complete') {
      assert.deepEqual(results[0][0], { field: '@message', value: 'ERROR' });
      return;
    }
    await sleep(50);
  }
});
