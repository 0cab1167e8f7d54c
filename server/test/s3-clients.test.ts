// S3 for clients other than the JavaScript SDK: boto3, its transfer manager, presigned URLs, the AWS CLI.

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { clientEnvironment, startBrume, temporaryDirectory } from '#test/harness.ts';

const brume = await startBrume();
const run = promisify(execFile);

function without(...command: [string, ...string[]]): string | false {
  try {
    execFileSync(command[0], command.slice(1), { stdio: 'ignore' });
    return false;
  } catch {
    return `${command.join(' ')} does not work here`;
  }
}

const BOTO3 = `
import base64, boto3, hashlib, io, os, sys, threading, urllib.request, zlib
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError
s3 = boto3.client('s3')

def fails(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response['Error']['Code'] == code, error.response
        return error.response
    raise AssertionError(code)

s3.create_bucket(Bucket='boto')
fails('IllegalLocationConstraintException', boto3.client('s3', region_name='eu-west-1').create_bucket, Bucket='boto-eu')
boto3.client('s3', region_name='eu-west-1').create_bucket(Bucket='boto-eu', CreateBucketConfiguration={'LocationConstraint': 'eu-west-1'})
assert s3.head_bucket(Bucket='boto-eu')['BucketRegion'] == 'eu-west-1'
assert s3.get_bucket_location(Bucket='boto')['LocationConstraint'] is None
assert [b['Name'] for b in s3.list_buckets()['Buckets']] == ['boto', 'boto-eu']
fails('NoSuchBucket', s3.get_object, Bucket='gone', Key='k')
missing = fails('NoSuchKey', s3.get_object, Bucket='boto', Key='k')
assert missing['Error']['Key'] == 'k' and len(missing['ResponseMetadata']['RequestId']) == 16, missing
fails('404', s3.head_object, Bucket='boto', Key='k')

for key in ['plain', '../up', '/lead', 'a b+c%20d', 'grüße/世界', 'x?y=z&w#v', 'a//b']:
    s3.put_object(Bucket='boto', Key=key, Body=key.encode())
    assert s3.get_object(Bucket='boto', Key=key)['Body'].read() == key.encode()
listed = [o['Key'] for o in s3.list_objects_v2(Bucket='boto')['Contents']]
assert listed == sorted(listed, key=lambda k: k.encode()) and len(listed) == 7, listed
pages = s3.get_paginator('list_objects_v2').paginate(Bucket='boto', PaginationConfig={'PageSize': 2})
assert [o['Key'] for page in pages for o in page['Contents']] == listed

s3.put_object(Bucket='boto', Key='meta', Body=b'x', Metadata={'name': 'value'}, ContentType='text/csv', Tagging='a=1')
head = s3.head_object(Bucket='boto', Key='meta')
assert head['Metadata'] == {'name': 'value'} and head['ContentType'] == 'text/csv', head
fails('304', s3.get_object, Bucket='boto', Key='meta', IfNoneMatch=head['ETag'])
fails('PreconditionFailed', s3.get_object, Bucket='boto', Key='meta', IfMatch='"x"')
fails('PreconditionFailed', s3.put_object, Bucket='boto', Key='meta', Body=b'y', IfNoneMatch='*')
ranged = s3.get_object(Bucket='boto', Key='plain', Range='bytes=1-3')
assert ranged['Body'].read() == b'lai' and ranged['ContentRange'] == 'bytes 1-3/5'
fails('InvalidRange', s3.get_object, Bucket='boto', Key='plain', Range='bytes=5-')

data = os.urandom(300_000)
for algorithm in ['CRC32', 'SHA1', 'SHA256']:
    put = s3.put_object(Bucket='boto', Key='sum', Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket='boto', Key='sum', ChecksumMode='ENABLED')
    assert got['Checksum' + algorithm] == put['Checksum' + algorithm] and got['Body'].read() == data
fails('BadDigest', s3.put_object, Bucket='boto', Key='bad', Body=b'x', ChecksumSHA256=base64.b64encode(bytes(32)).decode())

# The transfer manager: parts in parallel, whole-file checksum, parallel ranges back.
large = os.urandom(20 * 1024 * 1024 + 17)
config = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=6 * 1024 * 1024, max_concurrency=4)
s3.upload_fileobj(io.BytesIO(large), 'boto', 'large', Config=config)
assert s3.head_object(Bucket='boto', Key='large')['ETag'].endswith('-4"')
sink = io.BytesIO()
s3.download_fileobj('boto', 'large', sink, Config=config)
assert hashlib.md5(sink.getvalue()).digest() == hashlib.md5(large).digest()
s3.copy({'Bucket': 'boto', 'Key': 'large'}, 'boto', 'large-copy', Config=config)
assert s3.get_object(Bucket='boto', Key='large-copy')['Body'].read() == large
upload = s3.create_multipart_upload(Bucket='boto', Key='raw')['UploadId']
part = s3.upload_part(Bucket='boto', Key='raw', UploadId=upload, PartNumber=1, Body=b'one')
done = s3.complete_multipart_upload(Bucket='boto', Key='raw', UploadId=upload, MultipartUpload={'Parts': [{'PartNumber': 1, 'ETag': part['ETag']}]})
assert done['ETag'] == '"' + hashlib.md5(hashlib.md5(b'one').digest()).hexdigest() + '-1"', done
fails('NoSuchUpload', s3.abort_multipart_upload, Bucket='boto', Key='raw', UploadId=upload)

# Presigned URLs, with nothing but an HTTP client.
def http(method, url, body=None, headers={}):
    return urllib.request.urlopen(urllib.request.Request(url, method=method, data=body, headers=headers))
signer = boto3.client('s3', config=Config(signature_version='s3v4'))
url = signer.generate_presigned_url('put_object', Params={'Bucket': 'boto', 'Key': 'signed'}, ExpiresIn=60)
assert http('PUT', url, b'by url').status == 200
url = signer.generate_presigned_url('get_object', Params={'Bucket': 'boto', 'Key': 'signed', 'ResponseContentType': 'text/x'}, ExpiresIn=60)
answer = http('GET', url)
assert answer.read() == b'by url' and answer.headers['content-type'] == 'text/x'

resource = boto3.resource('s3').Bucket('boto')
assert resource.Object('signed').get()['Body'].read() == b'by url'
resource.objects.all().delete()
assert 'Contents' not in s3.list_objects_v2(Bucket='boto')
fails('MalformedXML', s3.delete_objects, Bucket='boto', Delete={'Objects': [{'Key': str(i)} for i in range(1001)]})
s3.delete_bucket(Bucket='boto')
print('done')
`;

test('boto3', { skip: without('python3', '-c', 'import boto3'), timeout: 120_000 }, async () => {
  const { stdout } = await run('python3', ['-c', BOTO3], { env: clientEnvironment(brume) });
  assert.equal(stdout.trim(), 'done');
});

test('the AWS CLI', { skip: without('aws', '--version'), timeout: 120_000 }, async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'data.csv');
  writeFileSync(file, 'a,b\n1,2\n');
  const large = join(dir, 'large.bin');
  writeFileSync(large, Buffer.alloc(9 * 1024 * 1024, 'brume'));
  const aws = async (...args: string[]) => (await run('aws', args, { env: clientEnvironment(brume) })).stdout;
  await aws('s3', 'mb', 's3://cli');
  await aws('s3', 'cp', file, 's3://cli/in/data.csv');
  await aws('s3', 'cp', large, 's3://cli/in/large.bin');
  assert.match(await aws('s3', 'ls', 's3://cli/in/'), / 8 data\.csv\n.* 9437184 large\.bin\n/);
  assert.match(await aws('s3', 'ls', 's3://cli'), /PRE in\//);
  assert.equal(await aws('s3', 'cp', 's3://cli/in/data.csv', '-'), 'a,b\n1,2\n');
  await aws('s3', 'mv', 's3://cli/in/data.csv', 's3://cli/out/data.csv');
  await aws('s3', 'sync', 's3://cli', join(dir, 'synced'));
  const head = JSON.parse(await aws('s3api', 'head-object', '--bucket', 'cli', '--key', 'out/data.csv'));
  assert.deepEqual([head.ContentLength, head.ContentType], [8, 'text/csv']);
  await aws('s3', 'rb', 's3://cli', '--force');
  await assert.rejects(aws('s3', 'ls', 's3://cli'), /NoSuchBucket/);
});
