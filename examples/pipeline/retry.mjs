// Runs when the alarm notifies: takes each file of rejected rows, mends what can be mended, writes those orders, and
// leaves the rest in quarantine/ for a person.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { BadRow, repair, transform } from './orders.mjs';

const client = new S3Client({ forcePathStyle: true });
const Bucket = process.env.OUTPUT_BUCKET;

export async function lambdaHandler(event) {
  for (const record of event.Records) {
    const alarm = JSON.parse(record.Sns.Message);
    console.log(`Alarm ${alarm.AlarmName} is ${alarm.NewStateValue}`);
    if (alarm.NewStateValue !== 'ALARM') continue;
    for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: 'rejected/' })) {
      for (const { Key } of page.Contents ?? []) await retry(Key);
    }
  }
}

async function retry(Key) {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const rejected = (await Body.transformToString())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const orders = [];
  const hopeless = [];
  for (const entry of rejected) {
    try {
      orders.push(transform(repair(entry.row)));
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      hopeless.push({ ...entry, reason: error.message });
    }
  }
  const name = Key.replace(/^rejected\//, '').replace(/\.jsonl$/, '');
  await write(`orders/${name}.retried.jsonl`, orders);
  await write(`quarantine/${name}.jsonl`, hopeless);
  await client.send(new DeleteObjectCommand({ Bucket, Key }));
  console.log(`Retried ${name}: ${orders.length} of ${rejected.length} rows mended, ${hopeless.length} in quarantine`);
}

async function write(Key, items) {
  const Body = items.map((item) => `${JSON.stringify(item)}\n`).join('');
  await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/x-ndjson' }));
}
