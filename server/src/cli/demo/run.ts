// The demo's pipeline at work: a file is uploaded, and what follows from it follows by itself.

import { readFile } from 'node:fs/promises';
import { DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Clients } from './clients.ts';
import { EXAMPLE } from './example.ts';
import type { FunctionLanguage } from './language.ts';
import { followLogs } from './log-follower.ts';
import type { PipelineNames } from './names.ts';
import type { Narrator } from './narrator.ts';
import { LONGEST_WAIT_MS, poll } from './poll.ts';

const INPUT_KEY = 'orders.csv';
/** Of log lines with ERROR, so many are shown; the rest is counted. */
const MOST_ERRORS_SHOWN = 5;
const LONG_POLL_S = 20;
/** Time and request id, which Node.js puts before each line. */
const NODEJS_PREFIX = /^\S+Z\t\S+\t/;

export interface PipelineCounts {
  orders: number;
  mended: number;
  quarantined: number;
}

/** The upload, and what follows from it by itself. */
export async function runPipeline(
  clients: Clients,
  language: FunctionLanguage,
  narrator: Narrator,
  names: PipelineNames,
): Promise<PipelineCounts> {
  const { s3, logs, cloudwatch, sqs, account, region } = clients;
  const groupArn = (name: string) => `arn:aws:logs:${region}:${account}:log-group:/aws/lambda/${name}`;
  let errors = 0;
  const follower = await followLogs(logs, [groupArn(names.transform), groupArn(names.retry)], (functionName, line) => {
    if (/^ERROR|\tERROR/.test(line) && ++errors > MOST_ERRORS_SHOWN) {
      if (errors === MOST_ERRORS_SHOWN + 1) narrator.quote(short(functionName, names), '… and more lines with ERROR');
      return;
    }
    narrator.quote(short(functionName, names), line.replace(NODEJS_PREFIX, ''));
  });
  try {
    narrator.section(
      `Run: one file arrives, and ${language.extension === 'py' ? 'handler.py' : 'handler.mjs'} validates it`,
    );
    const csv = await readFile(`${EXAMPLE}${INPUT_KEY}`);
    const rows = csv.toString().trimEnd().split('\n').length - 1;
    await narrator.step(
      `Uploaded ${INPUT_KEY}: ${rows.toLocaleString('en')} rows, ${Math.round(csv.length / 1024)} KB`,
      () =>
        s3.send(
          new PutObjectCommand({ Bucket: names.inputBucket, Key: INPUT_KEY, Body: csv, ContentType: 'text/csv' }),
        ),
    );
    await narrator.step('The function has run', () =>
      follower
        .waitFor(/orders written, \d+ rows rejected/, LONGEST_WAIT_MS)
        .then(() => follower.waitFor(/^REPORT /, LONGEST_WAIT_MS)),
    );
    const orders = await narrator.step(
      ({ lines, key }) => `${names.outputBucket}/${key} has ${lines.length.toLocaleString('en')} orders as JSON lines`,
      () => readLines(clients, names.outputBucket, 'orders/orders.jsonl'),
    );
    narrator.note(`for example ${orders.lines[0]}`);

    narrator.section('Alarm: the errors raise it by themselves');
    const alarm = await narrator.step(
      ({ StateReason }) => `${names.errorAlarm} is in ALARM: ${StateReason}`,
      () =>
        poll('the alarm', async () => {
          const { MetricAlarms } = await cloudwatch.send(new DescribeAlarmsCommand({ AlarmNames: [names.errorAlarm] }));
          return MetricAlarms!.find(({ StateValue }) => StateValue === 'ALARM');
        }),
    );
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: names.queue }));
    const notification = await narrator.step(`The queue ${names.queue} received the alarm:`, () =>
      poll('the message', async () => {
        const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: LONG_POLL_S }));
        return Messages?.[0] && JSON.parse(JSON.parse(Messages[0].Body!).Message);
      }),
    );
    for (const key of ['AlarmName', 'OldStateValue', 'NewStateValue', 'StateChangeTime', 'NewStateReason']) {
      narrator.quote('alarm', `${key}: ${notification[key]}`);
    }
    if (notification.AlarmArn !== alarm.AlarmArn)
      throw new Error(`the queue has another alarm: ${notification.AlarmArn}`);

    await narrator.step(`${names.retry} has repaired what it could`, () =>
      follower.waitFor(/^(?:.*\t)?Retried /, LONGEST_WAIT_MS),
    );
    const mended = await readLines(clients, names.outputBucket, 'orders/orders.retried.jsonl');
    const quarantined = await readLines(clients, names.outputBucket, 'quarantine/orders.jsonl');
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: names.outputBucket }));
    for (const { Key, Size } of Contents ?? [])
      narrator.quote(names.outputBucket, `${Key}  ${Size!.toLocaleString('en')} bytes`);
    const counts = [orders, mended, quarantined].map(({ lines }) => lines.length) as [number, number, number];
    if (counts[0] + counts[1] + counts[2] !== rows)
      throw new Error(`${rows} rows went in, ${counts.join(' + ')} came out`);
    narrator.note(
      `${rows.toLocaleString('en')} rows in = ${counts.map((count) => count.toLocaleString('en')).join(' + ')} out: none is lost.`,
    );
    return { orders: counts[0], mended: counts[1], quarantined: counts[2] };
  } finally {
    follower.stop();
  }
}

async function readLines({ s3 }: Clients, Bucket: string, key: string): Promise<{ key: string; lines: string[] }> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
  const text = await Body!.transformToString();
  return { key, lines: text.split('\n').filter((line) => line !== '') };
}

function short(functionName: string, names: PipelineNames): string {
  return functionName === names.retry ? 'retry    ' : 'transform';
}
