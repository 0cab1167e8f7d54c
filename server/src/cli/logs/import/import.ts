// `brume logs import`: files of log lines into a log group, through PutLogEvents as any client would. What AWS would
// refuse (events older than 14 days or than the retention) Brume refuses too: it is counted and said.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Clock } from '#core/clock.ts';
import { UsageError } from '../usage-error.ts';
import { BatchBuilder } from './batches.ts';
import { type ImportEvent, LineJoiner } from './join-lines.ts';
import { detectFormat, type ImportFormat, timeReader } from './line-time.ts';
import { Progress } from './progress.ts';
import { readLines } from './read-lines.ts';

export interface ImportOptions {
  group: string;
  /** The file's name when absent. */
  stream?: string;
  format: ImportFormat | 'auto';
  shiftToNow?: boolean;
}

interface Counts {
  events: number;
  accepted: number;
  tooOld: number;
  tooNew: number;
  expired: number;
  undated: number;
}

export const IMPORT_FORMATS = ['auto', 'json', 'text', 'apache', 'nginx', 'syslog'] as const;

/** PutLogEvents calls under way at once. */
const MOST_REQUESTS = 4;
const SAMPLE_LINES = 200;

export async function importFiles(
  client: CloudWatchLogsClient,
  files: readonly string[],
  options: ImportOptions,
  clock: Clock,
): Promise<number> {
  let totalBytes = 0;
  for (const file of files) totalBytes += await sizeOf(file);
  if (options.shiftToNow && files.includes('-')) {
    throw new UsageError('--shift-to-now reads its input twice, which standard input does not allow. Give a file.');
  }
  const counts: Counts = { events: 0, accepted: 0, tooOld: 0, tooNew: 0, expired: 0, undated: 0 };
  const madeGroup = await create(() => client.send(new CreateLogGroupCommand({ logGroupName: options.group })));
  const progress = new Progress(totalBytes);
  const shiftMs = options.shiftToNow ? await shiftOf(files, options, clock) : 0;
  const formats = new Set<ImportFormat>();
  try {
    for (const file of files)
      formats.add(await importFile(client, file, { options, clock, shiftMs, counts, progress }));
  } finally {
    progress.end();
  }
  report(counts, { ...options, madeGroup, formats: [...formats], elapsedMs: progress.elapsedMs });
  return counts.accepted === counts.events ? 0 : 1;
}

interface Import {
  options: ImportOptions;
  clock: Clock;
  shiftMs: number;
  counts: Counts;
  progress: Progress;
}

async function importFile(
  client: CloudWatchLogsClient,
  file: string,
  { options, clock, shiftMs, counts, progress }: Import,
): Promise<ImportFormat> {
  const { group: logGroupName } = options;
  const logStreamName = options.stream ?? streamNameOf(file);
  await create(() => client.send(new CreateLogStreamCommand({ logGroupName, logStreamName })));
  const sending = new Set<Promise<void>>();
  const send = async (events: ImportEvent[]) => {
    const answer = await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: events }));
    const {
      tooOldLogEventEndIndex: old = 0,
      expiredLogEventEndIndex: expired = 0,
      tooNewLogEventStartIndex,
    } = answer.rejectedLogEventsInfo ?? {};
    const tooNew = events.length - (tooNewLogEventStartIndex ?? events.length);
    counts.tooOld += old;
    counts.expired += Math.max(0, expired - old);
    counts.tooNew += tooNew;
    counts.accepted += events.length - Math.max(old, expired) - tooNew;
    progress.events += events.length;
  };
  const batches = new BatchBuilder();
  let failure: unknown;
  const offer = async (batch: ImportEvent[]) => {
    if (sending.size >= MOST_REQUESTS) await Promise.race(sending);
    if (failure !== undefined) throw failure;
    const request: Promise<void> = send(batch)
      .catch((error) => {
        failure ??= error;
      })
      .finally(() => sending.delete(request));
    sending.add(request);
  };
  const reading = readEvents(file, options.format, clock, (bytes) => progress.read(bytes));
  for (;;) {
    const { value, done } = await reading.next();
    if (done) {
      for (const batch of batches.finish()) await offer(batch);
      await Promise.all(sending);
      if (failure !== undefined) throw failure;
      counts.undated += value.undated;
      return value.format;
    }
    for (const event of value) {
      counts.events++;
      event.timestamp += shiftMs;
      for (const batch of batches.push(event) ?? []) await offer(batch);
    }
  }
}

/** The events of a file in the order of its lines, and at the end what was found out about it. */
async function* readEvents(
  file: string,
  given: ImportFormat | 'auto',
  clock: Clock,
  onBytes: (bytes: number) => void,
): AsyncGenerator<ImportEvent[], { format: ImportFormat; undated: number }> {
  let format: ImportFormat = given === 'auto' ? 'text' : given;
  let joiner: LineJoiner | undefined;
  for await (const lines of readLines(file, given === 'auto' || given === 'json', onBytes)) {
    if (!joiner) {
      if (given === 'auto') format = detectFormat(lines.slice(0, SAMPLE_LINES), clock.now());
      joiner = new LineJoiner(format, timeReader(format, clock.now()), clock.now());
    }
    const events: ImportEvent[] = [];
    for (const line of lines) {
      const event = joiner.push(line);
      if (event) events.push(event);
    }
    yield events;
  }
  const last = joiner?.finish();
  if (last) yield [last];
  return { format, undated: joiner?.undated ?? 0 };
}

/** What brings the newest event of all files to now. */
async function shiftOf(files: readonly string[], options: ImportOptions, clock: Clock): Promise<number> {
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const file of files) {
    for await (const events of readEvents(file, options.format, clock, () => {})) {
      for (const { timestamp } of events) if (timestamp > newestMs) newestMs = timestamp;
    }
  }
  return Number.isFinite(newestMs) ? clock.now() - newestMs : 0;
}

interface Report extends ImportOptions {
  madeGroup: boolean;
  formats: ImportFormat[];
  elapsedMs: number;
}

function report(counts: Counts, { group, madeGroup, formats, elapsedMs }: Report): void {
  const number = (value: number) => value.toLocaleString('en');
  const lines = [
    `${number(counts.accepted)} of ${number(counts.events)} events (${formats.join(', ')}) are in ${madeGroup ? 'the new group ' : ''}${group}, ` +
      `in ${(elapsedMs / 1000).toFixed(1)} s.`,
  ];
  if (counts.tooOld > 0) {
    lines.push(
      `${number(counts.tooOld)} were rejected: older than 14 days, which PutLogEvents refuses as AWS does. --shift-to-now moves all times so that the newest is now.`,
    );
  }
  if (counts.expired > 0) lines.push(`${number(counts.expired)} were rejected: older than the retention of the group.`);
  if (counts.tooNew > 0) lines.push(`${number(counts.tooNew)} were rejected: more than two hours in the future.`);
  if (counts.undated > 0) {
    lines.push(`${number(counts.undated)} say no time: they have that of the event before them, or of the import.`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Whether it was made: it may be there already. */
async function create(command: () => Promise<unknown>): Promise<boolean> {
  try {
    await command();
    return true;
  } catch (error) {
    if ((error as Error).name === 'ResourceAlreadyExistsException') return false;
    throw error;
  }
}

async function sizeOf(file: string): Promise<number> {
  if (file === '-') return 0;
  const found = await stat(file).catch(() => undefined);
  if (!found) throw new UsageError(`There is no file ${file}.`);
  if (!found.isFile()) throw new UsageError(`${file} is no file.`);
  return found.size;
}

/** Stream names may hold neither `:` nor `*`. */
function streamNameOf(file: string): string {
  if (file === '-') return 'stdin';
  return (
    basename(file)
      .replace(/\.(?:gz|zst|zstd)$/, '')
      .replace(/[:*]/g, '_')
      .slice(0, 512) || 'import'
  );
}
