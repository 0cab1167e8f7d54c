// CloudWatch as boto3 (over each of its three protocols) and the AWS CLI see it. Skipped where they are not installed.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { clientEnvironment, startBrume } from '#test/harness.ts';

const run = promisify(execFile);
const brume = await startBrume({ logLevel: 'silent' });

function without(command: string, ...args: string[]): string | false {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return false;
  } catch {
    return `${[command, ...args].join(' ')} does not work here`;
  }
}

async function python(program: string): Promise<unknown> {
  const { stdout } = await run('python3', ['-c', program], { env: clientEnvironment(brume), timeout: 60_000 });
  return JSON.parse(stdout);
}

async function aws(...args: string[]): Promise<any> {
  const { stdout } = await run('aws', ['cloudwatch', ...args, '--output', 'json'], {
    env: clientEnvironment(brume),
    timeout: 60_000,
  });
  return stdout.trim() === '' ? undefined : JSON.parse(stdout);
}

const PROGRAM = `
import boto3, datetime, json
from botocore.exceptions import ClientError

protocol = %PROTOCOL%
# boto3 takes the first of the model's protocols that it prefers; this leaves it one.
import botocore.model
original = botocore.model.ServiceModel.__init__
def only_one(self, description, service_name=None):
    if description['metadata'].get('serviceId') == 'CloudWatch':
        description = {**description, 'metadata': {**description['metadata'], 'protocol': protocol, 'protocols': [protocol]}}
    original(self, description, service_name)
botocore.model.ServiceModel.__init__ = only_one

cloudwatch = boto3.client('cloudwatch')
namespace = 'Python/' + protocol
now = datetime.datetime.now(datetime.timezone.utc)
minute = now.replace(second=0, microsecond=0) - datetime.timedelta(minutes=5)
dimensions = [{'Name': 'City', 'Value': 'Lyon'}]
cloudwatch.put_metric_data(Namespace=namespace, MetricData=[
    {'MetricName': 'Orders', 'Dimensions': dimensions, 'Timestamp': minute, 'Values': [1.0, 2.5], 'Counts': [2, 1], 'Unit': 'Count'},
    {'MetricName': 'Orders', 'Dimensions': dimensions, 'Timestamp': minute, 'Value': 0.5, 'Unit': 'Count'},
    {'MetricName': 'Set', 'StatisticValues': {'SampleCount': 2, 'Sum': 3, 'Minimum': 1, 'Maximum': 2}},
])
answer = {'protocol': cloudwatch.meta.service_model.resolved_protocol}
window = {'StartTime': minute - datetime.timedelta(minutes=1), 'EndTime': now}
points = cloudwatch.get_metric_statistics(Namespace=namespace, MetricName='Orders', Dimensions=dimensions, Period=60,
    Statistics=['Sum', 'Average', 'SampleCount'], **window)['Datapoints']
answer['points'] = [[p['Sum'], p['Average'], p['SampleCount'], p['Unit'], p['Timestamp'] == minute] for p in points]
data = cloudwatch.get_metric_data(MetricDataQueries=[{'Id': 'p', 'MetricStat': {
    'Metric': {'Namespace': namespace, 'MetricName': 'Orders', 'Dimensions': dimensions}, 'Period': 60, 'Stat': 'p50'}}], **window)
answer['data'] = [[r['Id'], r['Label'], r['Values'], r['StatusCode'], r['Timestamps'] == [minute]] for r in data['MetricDataResults']]
answer['metrics'] = sorted(m['MetricName'] for m in cloudwatch.list_metrics(Namespace=namespace)['Metrics'])
cloudwatch.put_metric_alarm(AlarmName=protocol, Namespace=namespace, MetricName='Orders', Dimensions=dimensions, Statistic='Sum', Period=60,
    EvaluationPeriods=1, Threshold=10, ComparisonOperator='GreaterThanThreshold', TreatMissingData='ignore')
cloudwatch.set_alarm_state(AlarmName=protocol, StateValue='ALARM', StateReason='drill')
alarm = cloudwatch.describe_alarms(AlarmNames=[protocol])['MetricAlarms'][0]
answer['alarm'] = [alarm['StateValue'], alarm['Threshold'], alarm['Period'], alarm['ActionsEnabled'], alarm['AlarmActions'], alarm['Dimensions']]
answer['history'] = [i['HistorySummary'] for i in cloudwatch.describe_alarm_history(AlarmName=protocol, ScanBy='TimestampAscending')['AlarmHistoryItems']]
errors = []
for call in [
    lambda: cloudwatch.put_metric_data(Namespace='AWS/EC2', MetricData=[{'MetricName': 'a', 'Value': 1}]),
    lambda: cloudwatch.put_metric_data(Namespace=namespace, MetricData=[{'MetricName': 'a', 'Value': float('nan')}]),
    lambda: cloudwatch.put_metric_data(Namespace=namespace, MetricData=[]),
    lambda: cloudwatch.set_alarm_state(AlarmName='nobody', StateValue='OK', StateReason='x'),
    lambda: cloudwatch.describe_alarms(NextToken='bogus'),
    lambda: cloudwatch.put_metric_alarm(AlarmName='x', Namespace='a', MetricName='b', Statistic='Sum', Period=61, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator='GreaterThanThreshold'),
]:
    try:
        call()
        errors.append('no error')
    except ClientError as error:
        errors.append([error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']])
answer['errors'] = errors
print(json.dumps(answer))
`;

for (const protocol of ['json', 'smithy-rpc-v2-cbor', 'query']) {
  test(`boto3 over ${protocol}`, { skip: without('python3', '-c', 'import boto3') }, async () => {
    assert.deepEqual(await python(PROGRAM.replace('%PROTOCOL%', `'${protocol}'`)), {
      protocol,
      points: [[5, 1.25, 4, 'Count', true]],
      data: [['p', 'Orders', [1], 'Complete', true]],
      metrics: ['Orders', 'Set'],
      alarm: ['ALARM', 10, 60, true, [], [{ Name: 'City', Value: 'Lyon' }]],
      history: [`Alarm "${protocol}" created`, 'Alarm updated from INSUFFICIENT_DATA to ALARM'],
      errors: [
        ['InvalidParameterValue', 400],
        ['InvalidParameterValue', 400],
        ['MissingParameter', 400],
        ['ResourceNotFound', 404],
        ['InvalidNextToken', 400],
        ['ValidationError', 400],
      ],
    });
  });
}

test('the AWS CLI', { skip: without('aws', '--version') }, async () => {
  await aws(
    'put-metric-data',
    '--namespace',
    'Cli',
    '--metric-name',
    'Visits',
    '--value',
    '7',
    '--unit',
    'Count',
    '--dimensions',
    'Page=home',
  );
  await aws(
    ...['put-metric-alarm', '--alarm-name', 'visits', '--namespace', 'Cli', '--metric-name', 'Visits', '--dimensions'],
    ...[
      'Name=Page,Value=home',
      '--statistic',
      'Sum',
      '--period',
      '60',
      '--evaluation-periods',
      '1',
      '--threshold',
      '1',
    ],
    ...['--comparison-operator', 'GreaterThanOrEqualToThreshold'],
  );
  await aws(
    'put-metric-data',
    '--namespace',
    'Cli',
    '--metric-name',
    'Visits',
    '--value',
    '7',
    '--unit',
    'Count',
    '--dimensions',
    'Page=home',
  );
  const { Metrics } = await aws('list-metrics', '--namespace', 'Cli');
  assert.deepEqual(Metrics, [
    { Namespace: 'Cli', MetricName: 'Visits', Dimensions: [{ Name: 'Page', Value: 'home' }] },
  ]);
  const { MetricAlarms } = await aws('describe-alarms', '--alarm-names', 'visits');
  assert.match(MetricAlarms[0].AlarmArn, /:alarm:visits$/);
  // On the system clock: the alarm follows its data in seconds, not at the end of the period.
  const deadline = Date.now() + 20_000;
  let state = '';
  while (state !== 'ALARM' && Date.now() < deadline) {
    state = (await aws('describe-alarms', '--alarm-names', 'visits')).MetricAlarms[0].StateValue;
  }
  assert.equal(state, 'ALARM');
});
