// SQS and SNS for clients other than the JavaScript SDK: the query protocol by hand, and boto3.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { promisify } from 'node:util';
import { ACCOUNT, clientEnvironment, REGION, startBrume } from '#test/harness.ts';

const brume = await startBrume();

async function query(path: string, parameters: Record<string, string>, service = 'sqs'): Promise<[number, string]> {
  const response = await fetch(brume.endpoint + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-amz-date': '20260101T000000Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: new URLSearchParams(parameters),
  });
  return [response.status, await response.text()];
}

const tag = (xml: string, name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];

test('the query protocol, with the queue in the path', async () => {
  const Version = '2012-11-05';
  const [, created] = await query('/', {
    Action: 'CreateQueue',
    Version,
    QueueName: 'by-query',
    'Attribute.1.Name': 'VisibilityTimeout',
    'Attribute.1.Value': '5',
    'Tag.1.Key': 'a',
    'Tag.1.Value': 'b',
  });
  assert.equal(tag(created, 'QueueUrl'), `${brume.endpoint}/${ACCOUNT}/by-query`);
  assert.match(created, /xmlns="http:\/\/queue\.amazonaws\.com\/doc\/2012-11-05\/"/);
  const path = `/${ACCOUNT}/by-query`;
  const [status, sent] = await query(path, {
    Action: 'SendMessage',
    Version,
    MessageBody: 'a & b <c>',
    'MessageAttribute.1.Name': 'n',
    'MessageAttribute.1.Value.DataType': 'Number',
    'MessageAttribute.1.Value.StringValue': '7',
  });
  assert.equal(status, 200);
  assert.equal(tag(sent, 'MD5OfMessageBody'), createHash('md5').update('a & b <c>').digest('hex'));
  const [, received] = await query(path, {
    Action: 'ReceiveMessage',
    Version,
    'AttributeName.1': 'All',
    'MessageAttributeName.1': 'All',
  });
  assert.equal(tag(received, 'Body'), 'a &amp; b &lt;c&gt;');
  assert.match(received, /<Attribute><Name>SenderId<\/Name><Value>000000000000<\/Value><\/Attribute>/);
  assert.match(received, /<MessageAttribute><Name>n<\/Name><Value>/);
  const [, batch] = await query(path, {
    Action: 'DeleteMessageBatch',
    Version,
    'DeleteMessageBatchRequestEntry.1.Id': 'ok',
    'DeleteMessageBatchRequestEntry.1.ReceiptHandle': tag(received, 'ReceiptHandle')!,
    'DeleteMessageBatchRequestEntry.2.Id': 'bad',
    'DeleteMessageBatchRequestEntry.2.ReceiptHandle': 'x',
  });
  assert.match(batch, /<DeleteMessageBatchResultEntry><Id>ok<\/Id>/);
  assert.match(batch, /<BatchResultErrorEntry>.*<Id>bad<\/Id>|<Id>bad<\/Id>.*<\/BatchResultErrorEntry>/);
});

const QUERY_ERRORS: [Record<string, string>, number, string][] = [
  [{ Action: 'ReceiveMessage', QueueUrl: `http://x/${ACCOUNT}/gone` }, 400, 'AWS.SimpleQueueService.NonExistentQueue'],
  [
    { Action: 'SendMessageBatch', QueueUrl: `http://x/${ACCOUNT}/by-query` },
    400,
    'AWS.SimpleQueueService.EmptyBatchRequest',
  ],
  [{ Action: 'SendMessage', QueueUrl: `http://x/${ACCOUNT}/by-query` }, 400, 'MissingParameter'],
  [
    { Action: 'ReceiveMessage', QueueUrl: `http://x/${ACCOUNT}/by-query`, MaxNumberOfMessages: '11' },
    400,
    'InvalidParameterValue',
  ],
  [{ Action: 'CreateQueue', QueueName: 'a.b' }, 400, 'InvalidParameterValue'],
];

for (const [parameters, status, code] of QUERY_ERRORS) {
  test(`the query protocol answers ${code} to ${parameters.Action}`, async () => {
    const [got, xml] = await query('/', { Version: '2012-11-05', ...parameters });
    assert.deepEqual([got, tag(xml, 'Code'), tag(xml, 'Type')], [status, code, 'Sender']);
  });
}

function hasBoto3(): boolean {
  try {
    execFileSync('python3', ['-c', 'import boto3'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const BOTO3 = `
import boto3, json
from botocore.exceptions import ClientError
sqs, sns = boto3.client('sqs'), boto3.client('sns')

def fails(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response['Error']['Code'] == code, error.response['Error']
        return error.response['Error']['Message']
    raise AssertionError(code)

gone = 'http://x/${ACCOUNT}/gone'
fails('AWS.SimpleQueueService.NonExistentQueue', sqs.receive_message, QueueUrl=gone)
try:
    sqs.get_queue_url(QueueName='gone')
    raise AssertionError()
except sqs.exceptions.QueueDoesNotExist:
    pass
url = sqs.create_queue(QueueName='boto', Attributes={'VisibilityTimeout': '0'})['QueueUrl']
fails('QueueAlreadyExists', sqs.create_queue, QueueName='boto', Attributes={'DelaySeconds': '1'})
fails('InvalidParameterValue', sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
fails('ReceiptHandleIsInvalid', sqs.delete_message, QueueUrl=url, ReceiptHandle='x')
sqs.purge_queue(QueueUrl=url)
fails('AWS.SimpleQueueService.PurgeQueueInProgress', sqs.purge_queue, QueueUrl=url)

arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=['QueueArn'])['Attributes']['QueueArn']
topic = sns.create_topic(Name='boto')['TopicArn']
subscription = sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint=arn, ReturnSubscriptionArn=True, Attributes={
    'FilterPolicy': json.dumps({'kind': ['good']}), 'RawMessageDelivery': 'true'})['SubscriptionArn']
sns.publish(TopicArn=topic, Message='no', MessageAttributes={'kind': {'DataType': 'String', 'StringValue': 'bad'}})
sns.publish(TopicArn=topic, Message='yes', MessageAttributes={'kind': {'DataType': 'String', 'StringValue': 'good'}, 'raw': {'DataType': 'Binary', 'BinaryValue': b'\\x00\\xff'}})
messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=['All'])['Messages']
assert [m['Body'] for m in messages] == ['yes'], messages
assert messages[0]['MessageAttributes']['raw']['BinaryValue'] == b'\\x00\\xff'
sqs.delete_message(QueueUrl=url, ReceiptHandle=messages[0]['ReceiptHandle'])
assert [s['SubscriptionArn'] for page in sns.get_paginator('list_subscriptions').paginate() for s in page['Subscriptions']] == [subscription]
assert fails('NotFound', sns.get_topic_attributes, TopicArn=topic + '-gone') == 'Topic does not exist'
fails('InvalidParameter', sns.publish, TopicArn=topic, Message='x', Subject='')
fails('ParameterValueInvalid', sns.publish, TopicArn=topic, Message='x', MessageAttributes={'a': {'DataType': 'String', 'StringValue': ''}})
sns.delete_topic(TopicArn=topic)
queue = boto3.resource('sqs').Queue(url)
queue.send_messages(Entries=[{'Id': str(i), 'MessageBody': str(i)} for i in range(10)])
seen = [m.body for m in queue.receive_messages(MaxNumberOfMessages=10)]
assert sorted(seen) == [str(i) for i in range(10)], seen
print('done')
`;

test('boto3', { skip: hasBoto3() ? false : 'boto3 is not installed', timeout: 60_000 }, async () => {
  const { stdout } = await promisify(execFile)('python3', ['-c', BOTO3], { env: clientEnvironment(brume) });
  assert.equal(stdout.trim(), 'done');
});
