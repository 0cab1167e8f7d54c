// Lambda for boto3: waiters, paginators, errors as its exceptions, streams, and what it makes of every kind of answer.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { clientEnvironment, startBrume } from '#test/harness.ts';

function hasBoto3(): boolean {
  try {
    execFileSync('python3', ['-c', 'import boto3'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const BOTO3 = `
import base64, boto3, io, json, zipfile
from botocore.exceptions import ClientError

lam, sns, sqs = boto3.client('lambda'), boto3.client('sns'), boto3.client('sqs')
ROLE = 'arn:aws:iam::000000000000:role/r'

def package(source):
    with io.BytesIO() as out:
        with zipfile.ZipFile(out, 'w') as archive:
            archive.writestr('app.py', source)
        return out.getvalue()

def code(answer):
    return package('def handler(event, context):\\n    print("log line")\\n    return ' + answer)

def fails(exception, call, **arguments):
    try:
        call(**arguments)
    except getattr(lam.exceptions, exception) as error:
        assert error.response['Error']['Code'] == exception, error.response
        return error.response
    raise AssertionError(exception)

made = lam.create_function(FunctionName='boto', Runtime='python3.13', Role=ROLE, Handler='app.handler', Code={'ZipFile': code('event')}, Environment={'Variables': {}})
assert made['State'] == 'Pending' and made['Environment'] == {'Variables': {}}, made
lam.get_waiter('function_exists').wait(FunctionName='boto')
lam.get_waiter('function_active_v2').wait(FunctionName='boto')
lam.get_waiter('function_active').wait(FunctionName='boto')

answer = lam.invoke(FunctionName='boto', Payload=json.dumps({'a': 'ü'}), LogType='Tail')
assert json.load(answer['Payload']) == {'a': 'ü'} and answer['ExecutedVersion'] == '$LATEST' and 'FunctionError' not in answer
log = base64.b64decode(answer['LogResult']).decode()
assert 'log line' in log and 'REPORT RequestId: ' + answer['ResponseMetadata']['RequestId'] in log, log
assert lam.invoke(FunctionName='boto', InvocationType='Event', Payload='{}')['StatusCode'] == 202
assert lam.invoke(FunctionName='boto', InvocationType='DryRun')['StatusCode'] == 204

changed = lam.update_function_code(FunctionName='boto', ZipFile=code('[] [1]'))
assert changed['LastUpdateStatus'] == 'InProgress', changed
lam.get_waiter('function_updated_v2').wait(FunctionName='boto')
lam.get_waiter('function_updated').wait(FunctionName='boto')
answer = lam.invoke(FunctionName='boto')
assert answer['FunctionError'] == 'Unhandled' and json.load(answer['Payload'])['errorType'] == 'IndexError'

for n in range(3):
    version = lam.update_function_code(FunctionName='boto', ZipFile=code(str(n)), Publish=True)['Version']
    lam.get_waiter('published_version_active').wait(FunctionName='boto', Qualifier=version)
pages = list(lam.get_paginator('list_versions_by_function').paginate(FunctionName='boto', PaginationConfig={'PageSize': 2}))
assert [len(page['Versions']) for page in pages] == [2, 2], pages
assert [v['Version'] for page in pages for v in page['Versions']] == ['$LATEST', '1', '2', '3']
lam.create_alias(FunctionName='boto', Name='live', FunctionVersion='1', RoutingConfig={'AdditionalVersionWeights': {'3': 1.0}})
assert {json.load(lam.invoke(FunctionName='boto:live')['Payload']) for _ in range(5)} == {2}
conflict = fails('ResourceConflictException', lam.delete_function, FunctionName='boto', Qualifier='1')
assert 'live' in conflict['Error']['Message'] and conflict['Type'] == 'User', conflict

for n in range(4):
    lam.create_function(FunctionName=f'other-{n}', Runtime='python3.13', Role=ROLE, Handler='app.handler', Code={'ZipFile': code('1')})
names = [f['FunctionName'] for page in lam.get_paginator('list_functions').paginate(PaginationConfig={'PageSize': 2}) for f in page['Functions']]
assert names == ['boto', 'other-0', 'other-1', 'other-2', 'other-3'], names

layer = lam.publish_layer_version(LayerName='tools', Content={'ZipFile': package('x = 1')}, CompatibleRuntimes=['python3.13'])
assert layer['Version'] == 1 and layer['CompatibleArchitectures'] == [], layer
lam.put_function_concurrency(FunctionName='boto', ReservedConcurrentExecutions=0)
throttled = fails('TooManyRequestsException', lam.invoke, FunctionName='boto')
assert throttled['Reason'] == 'ReservedFunctionConcurrentInvocationLimitExceeded', throttled
assert throttled['ResponseMetadata']['HTTPHeaders']['retry-after'] == '1', throttled
lam.delete_function_concurrency(FunctionName='boto')

url = lam.create_function_url_config(FunctionName='boto', AuthType='NONE')
assert 'InvokeMode' not in url and lam.get_function_url_config(FunctionName='boto')['InvokeMode'] == 'BUFFERED'
permission = lam.add_permission(FunctionName='boto', StatementId='s', Action='lambda:InvokeFunction', Principal='s3.amazonaws.com')
assert json.loads(permission['Statement'])['Sid'] == 's'
assert lam.get_policy(FunctionName='boto')['RevisionId'] == lam.get_function(FunctionName='boto')['Configuration']['RevisionId']

fails('ResourceNotFoundException', lam.get_function, FunctionName='none')
fails('InvalidParameterValueException', lam.create_event_source_mapping, FunctionName='boto')
fails('InvalidRequestContentException', lam.invoke, FunctionName='boto', Payload='{')
stream = lam.invoke_with_response_stream(FunctionName='boto', Qualifier='2')['EventStream']
events = list(stream)
assert b''.join(e['PayloadChunk']['Payload'] for e in events if 'PayloadChunk' in e) == b'1', events

topic = sns.create_topic(Name='boto.fifo', Attributes={'FifoTopic': 'true', 'ContentBasedDeduplication': 'true'})['TopicArn']
queue = sqs.create_queue(QueueName='boto.fifo', Attributes={'FifoQueue': 'true'})['QueueUrl']
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=['QueueArn'])['Attributes']['QueueArn']
sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint=arn)
sent = [sns.publish(TopicArn=topic, Message=text, MessageGroupId='g') for text in ('a', 'b', 'a')]
assert sent[0]['SequenceNumber'] == sent[2]['SequenceNumber'] < sent[1]['SequenceNumber'], sent
got = []
while len(got) < 2:
    messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MaxNumberOfMessages=10).get('Messages', [])
    assert messages
    for message in messages:
        got.append(json.loads(message['Body'])['Message'])
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message['ReceiptHandle'])
assert got == ['a', 'b'], got

lam.delete_alias(FunctionName='boto', Name='live')
lam.delete_function(FunctionName='boto')
fails('ResourceNotFoundException', lam.get_function_configuration, FunctionName='boto')
print('good')
`;

test('boto3', { skip: !hasBoto3() && 'needs python3 with boto3' }, async () => {
  const brume = await startBrume();
  const { stdout } = await promisify(execFile)('python3', ['-c', BOTO3], { env: clientEnvironment(brume) });
  assert.equal(stdout, 'good\n');
});
