// Runs when a CSV of orders arrives in the bucket: good rows go to the output bucket as JSON lines, bad rows are logged
// with ERROR and put aside for retry.mjs.

import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { BadRow, transform } from './orders.mjs';

const s3 = new S3Client({ forcePathStyle: true });

export async function lambdaHandler(event) {
  const results = [];
  for (const record of event.Records) {
    const bucket = record.s3.bucket.name;
    const key = decodeURIComponent(record.s3.object.key.replaceAll('+', ' '));
    console.log(`New file uploaded: ${key} in bucket ${bucket}`);
    results.push(await processFile(bucket, key));
  }
  return results;
}

async function processFile(bucket, key) {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const [header, ...rows] = (await Body.transformToString()).trimEnd().split('\n').map(splitRow);
  const orders = [];
  const rejected = [];
  rows.forEach((values, i) => {
    const line = i + 2;
    const row = Object.fromEntries(header.map((name, column) => [name, values[column]]));
    try {
      orders.push(transform(row));
    } catch (error) {
      if (!(error instanceof BadRow)) throw error;
      console.error(`${key} line ${line}: ${error.message}`);
      rejected.push({ line, reason: error.message, row });
    }
  });
  const name = key.replace(/\.csv$/, '');
  await write(`orders/${name}.jsonl`, orders);
  if (rejected.length > 0) await write(`rejected/${name}.jsonl`, rejected);
  console.log(`${key}: ${orders.length} orders written, ${rejected.length} rows rejected`);
  return { file: key, orders: orders.length, rejected: rejected.length };
}

/** The fields of a line of CSV; quoted fields may hold commas and doubled quotes, but no line breaks. */
function splitRow(line) {
  const fields = line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g);
  return [...fields].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}

async function write(key, items) {
  await s3.send(
    new PutObjectCommand({
      Bucket: process.env.OUTPUT_BUCKET,
      Key: key,
      Body: items.map((item) => `${JSON.stringify(item)}\n`).join(''),
      ContentType: 'application/x-ndjson',
    }),
  );
}
