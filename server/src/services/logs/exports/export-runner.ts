// Runs export tasks in the background, one after another: stream by stream, a page of events at a time, into gzip
// objects. A task that a crash interrupted is run again from its beginning: it writes the same objects.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type OperationCall, serviceCaller } from '#core/caller.ts';
import type { Clock } from '#core/clock.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import { type EventPosition, FIRST_POSITION } from '#engines/logs/event-position.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import type { LogStore } from '#engines/logs/log-store.ts';
import { maskedMessage } from '#engines/logs/protected-events.ts';
import type { StateStore } from '#storage/state/state.ts';
import {
  EXPORT_TASKS,
  type ExportStatus,
  type ExportTaskDocument,
  exportedLine,
  isActive,
  objectKey,
} from './export-task.ts';

export interface ExportRunnerOptions {
  store: LogStore;
  state: StateStore;
  clock: Clock;
  call: OperationCall;
  log: Logger;
}

/** Lines gathered for one object. */
const OBJECT_BYTES = 64 * 1_048_576;
const PAGE_EVENTS = 10_000;
const compress = promisify(gzip);

export class ExportRunner {
  readonly #options: ExportRunnerOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  /** Of the task that runs. */
  #abort: AbortController | undefined;
  #runningTask: string | undefined;

  constructor(options: ExportRunnerOptions) {
    this.#options = options;
  }

  /** Takes up what is not finished. */
  run(): void {
    this.#again = true;
    if (this.#stopped) return;
    this.#running ??= this.#runAll().finally(() => {
      this.#running = undefined;
      if (this.#again) this.run();
    });
  }

  start(): void {
    this.#stopped = false;
    this.run();
  }

  /** Leaves the task under way for the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#again = false;
    this.#abort?.abort();
    await this.#running;
  }

  cancel(taskId: string): void {
    if (this.#runningTask === taskId) this.#abort?.abort();
    else this.run();
  }

  async #runAll(): Promise<void> {
    const { state, log } = this.#options;
    this.#again = false;
    try {
      const tasks = (await state.documents.scan(EXPORT_TASKS)).filter(({ value }) => isActive(value));
      tasks.sort((a, b) => a.value.createdAtMs - b.value.createdAtMs);
      for (const { account, region, value } of tasks) {
        if (this.#stopped) return;
        await this.#runTask({ account, region }, value);
      }
    } catch (error) {
      log.error('export tasks cannot be run', { error });
    }
  }

  async #runTask(scope: LogScope, task: ExportTaskDocument): Promise<void> {
    const { log } = this.#options;
    this.#abort = new AbortController();
    this.#runningTask = task.taskId;
    const { signal } = this.#abort;
    try {
      if (!(await this.#move(scope, task, ['PENDING', 'RUNNING'], 'RUNNING'))) {
        await this.#move(scope, task, ['PENDING_CANCEL'], 'CANCELLED');
        return;
      }
      await this.#export(scope, task, signal);
      if (!(await this.#move(scope, task, ['RUNNING'], 'COMPLETED'))) {
        await this.#move(scope, task, ['PENDING_CANCEL'], 'CANCELLED');
      }
    } catch (error) {
      if (this.#stopped) return;
      if (signal.aborted) {
        await this.#move(scope, task, ['PENDING_CANCEL'], 'CANCELLED');
        return;
      }
      log.warn('an export task failed', { task: task.taskId, error });
      const message = error instanceof AwsError ? error.message : 'The task failed for an internal reason.';
      await this.#move(scope, task, ['RUNNING', 'PENDING_CANCEL'], 'FAILED', message);
    } finally {
      this.#abort = undefined;
      this.#runningTask = undefined;
    }
  }

  async #export(scope: LogScope, task: ExportTaskDocument, signal: AbortSignal): Promise<void> {
    const { groups } = this.#options.store;
    const group = await groups.find(scope, task.logGroupName);
    if (group?.id !== task.groupId) {
      throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
    }
    const { logStreamNamePrefix = '' } = task;
    const names = [...(await groups.streams(group)).keys()].filter((name) => name.startsWith(logStreamNamePrefix));
    for (const name of names.sort()) await this.#exportStream(scope, task, group, name, signal);
  }

  async #exportStream(
    scope: LogScope,
    task: ExportTaskDocument,
    group: LogGroup,
    stream: string,
    signal: AbortSignal,
  ): Promise<void> {
    const range = { group, streams: [stream], fromMs: task.fromMs, toMs: task.toMs + 1 };
    let after: EventPosition = FIRST_POSITION;
    let lines: string[] = [];
    let bytes = 0;
    let part = 0;
    for (let more = true; more; ) {
      signal.throwIfAborted();
      const page = await this.#options.store.events.forward(range, after, PAGE_EVENTS, signal);
      for (const { timestamp, message, ingestion_time } of page.events) {
        const line = exportedLine(timestamp, maskedMessage(range.group, message, ingestion_time));
        lines.push(line);
        bytes += line.length;
      }
      after = page.events.at(-1) ?? after;
      more = page.more;
      if (lines.length > 0 && (bytes >= OBJECT_BYTES || !more)) {
        await this.#write(scope, task, objectKey(task, stream, part), lines);
        part++;
        lines = [];
        bytes = 0;
      }
    }
  }

  async #write(scope: LogScope, task: ExportTaskDocument, Key: string, lines: readonly string[]): Promise<void> {
    const Body = await compress(lines.join(''));
    const request = { Bucket: task.bucket, Key, Body };
    await this.#options.call('s3', 'PutObject', request, serviceCaller('logs.amazonaws.com', scope, uuid()));
  }

  /** Changes the status of the task if it is one of `from`; false when it is another by now. */
  async #move(
    scope: LogScope,
    task: ExportTaskDocument,
    from: readonly ExportStatus[],
    status: ExportStatus,
    message?: string,
  ): Promise<boolean> {
    const { state, clock } = this.#options;
    return state.transact(async (tx) => {
      const current = await tx.documents.get(EXPORT_TASKS, scope, task.taskId);
      if (!current || !from.includes(current.status)) return false;
      const next: ExportTaskDocument = { ...current, status, ...(message !== undefined && { message }) };
      if (!isActive(next)) next.completedAtMs = clock.now();
      await tx.documents.put(EXPORT_TASKS, scope, task.taskId, next);
      return true;
    });
  }
}
