// Message move tasks (dead-letter queue redrive): messages of a dead-letter queue go back to where they came from, or to
// a queue of the caller's choice, as new messages. A task is a document, so it goes on after a restart.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html

import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import { defineCollection, type QueuedMessage, type Scope, type Transaction } from '#storage/state/state.ts';
import type { GroupOrder } from './fifo/group-order.ts';
import { newMessage, storedMessage } from './message-store.ts';
import type { Queue } from './queue.ts';
import type { Sqs } from './sqs.ts';

/** Keyed by the source queue's name and the task's number, so that a range lists a queue's tasks by age. */
export const MOVE_TASKS = defineCollection<MoveTask>('sqs.move-tasks');

export interface MoveTask {
  taskId: string;
  number: number;
  sourceArn: string;
  sourceName: string;
  /** Absent: every message goes back to the queue that it was moved from. */
  destinationArn?: string;
  perSecond?: number;
  status: 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED';
  moved: number;
  toMove: number;
  startedAtMs: number;
  failureReason?: string;
}

/** AWS lists no more than the last ten tasks of a queue; older ones are forgotten. */
export const MAX_TASKS_A_QUEUE = 10;
const MESSAGES_PER_STEP = 100;
/** Nobody else gets a message between its claim and its move, which one transaction does. */
const CLAIM_MS = 1_000;

export class MessageMover {
  readonly #sqs: Sqs;
  readonly #working = new Set<Promise<void>>();
  #stopped = false;

  constructor(sqs: Sqs) {
    this.#sqs = sqs;
  }

  /** Takes up what was running when the process ended. */
  async resume(): Promise<void> {
    this.#stopped = false;
    for (const { account, region, value } of await this.#sqs.state.documents.scan(MOVE_TASKS)) {
      if (value.status === 'RUNNING') this.#work({ account, region }, value);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#working);
  }

  /** Writes the task down and sets to work; throws when the source has one already. */
  async begin(source: Queue, options: Pick<MoveTask, 'destinationArn' | 'perSecond'>): Promise<MoveTask> {
    const { state, clock } = this.#sqs;
    const task = await state.transact(async (tx) => {
      const earlier = await tasksOf(tx.documents, source, source.name);
      if (earlier.some(({ status }) => status === 'RUNNING')) {
        throw new AwsError(
          'InvalidParameterValue',
          'There is already a task running. Only one active task is allowed for a source queue arn at a given time.',
        );
      }
      for (const old of earlier.slice(MAX_TASKS_A_QUEUE - 1)) await tx.documents.delete(MOVE_TASKS, source, keyOf(old));
      const created: MoveTask = {
        taskId: uuid(),
        number: await tx.documents.nextSequence('sqs.move-tasks'),
        sourceArn: source.arn,
        sourceName: source.name,
        ...options,
        status: 'RUNNING',
        moved: 0,
        toMove: (await tx.queues.counts(source.stateQueue, clock.now())).visible,
        startedAtMs: clock.now(),
      };
      await tx.documents.put(MOVE_TASKS, source, keyOf(created), created);
      return created;
    });
    this.#work(source, task);
    return task;
  }

  /** The task after it was cancelled; undefined when it was not running. */
  cancel(scope: Scope, task: MoveTask): Promise<MoveTask | undefined> {
    return this.#sqs.state.transact(async (tx) => {
      const current = await tx.documents.get(MOVE_TASKS, scope, keyOf(task));
      if (current?.status !== 'RUNNING') return undefined;
      const cancelled: MoveTask = { ...current, status: 'CANCELLED' };
      await tx.documents.put(MOVE_TASKS, scope, keyOf(task), cancelled);
      return cancelled;
    });
  }

  #work({ account, region }: Scope, task: MoveTask): void {
    const work = this.#moveAll({ account, region }, task)
      .catch((error) => this.#sqs.log.error('a message move task stopped', { source: task.sourceArn, error }))
      .finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  async #moveAll(scope: Scope, task: MoveTask): Promise<void> {
    const { clock } = this.#sqs;
    while (!this.#stopped && (await this.#step(scope, task))) {
      if (task.perSecond === undefined) continue;
      // The pause of one second belongs to the clock, the rest of the task to the timer that ends it.
      clock.at(clock.now() + 1_000, () => {
        if (this.#stopped) return;
        this.#work(scope, task);
      });
      return;
    }
  }

  /** Moves some messages; whether there is more to do. */
  async #step(scope: Scope, task: MoveTask): Promise<boolean> {
    const { state, queues } = this.#sqs;
    const source = await queues.byArn(task.sourceArn);
    try {
      return await state.transact(async (tx) => {
        const current = await tx.documents.get(MOVE_TASKS, scope, keyOf(task));
        if (current?.status !== 'RUNNING') return false;
        if (!source) throw new MoveFailure('AWS.SimpleQueueService.NonExistentQueue');
        const moved = await this.#moveSome(tx, source, task);
        const status = moved === 0 ? 'COMPLETED' : 'RUNNING';
        await tx.documents.put(MOVE_TASKS, scope, keyOf(task), { ...current, moved: current.moved + moved, status });
        return status === 'RUNNING';
      });
    } catch (error) {
      this.#sqs.fifo.forget();
      if (!(error instanceof MoveFailure)) throw error;
      await state.transact(async (tx) => {
        const current = await tx.documents.get(MOVE_TASKS, scope, keyOf(task));
        if (current?.status !== 'RUNNING') return;
        await tx.documents.put(MOVE_TASKS, scope, keyOf(task), {
          ...current,
          status: 'FAILED',
          failureReason: error.message,
        });
      });
      return false;
    }
  }

  async #moveSome(tx: Transaction, source: Queue, task: MoveTask): Promise<number> {
    const nowMs = this.#sqs.clock.now();
    const limit = Math.min(task.perSecond ?? MESSAGES_PER_STEP, MESSAGES_PER_STEP * 5);
    const order = source.fifo && (await this.#sqs.fifo.orderOf(tx, source));
    const claimed = order
      ? await claimInOrder(tx, source, order, limit, nowMs)
      : await tx.queues.claim(source.stateQueue, { limit, nowMs, visibilityMs: CLAIM_MS });
    for (const message of claimed) {
      const stored = storedMessage(message);
      const destinationArn = task.destinationArn ?? stored.src;
      if (!destinationArn) throw new MoveFailure('CouldNotDetermineMessageSource');
      const destination = await this.#sqs.queues.byArn(destinationArn);
      if (!destination) throw new MoveFailure('AWS.SimpleQueueService.NonExistentQueue');
      const { src: _, received: __, ...fresh } = stored;
      await tx.queues.deleteMessage(source.stateQueue, message.id);
      const [id] = await tx.queues.send(
        destination.stateQueue,
        [newMessage(destination, message.body, { ...fresh, id: uuid() }, nowMs, nowMs)],
        nowMs,
      );
      if (!order) continue;
      order.remove(message.id, nowMs);
      (await this.#sqs.fifo.orderOf(tx, destination)).add(id!, stored.group!, nowMs, false, nowMs);
    }
    return claimed.length;
  }
}

async function claimInOrder(
  tx: Transaction,
  source: Queue,
  order: GroupOrder,
  limit: number,
  nowMs: number,
): Promise<QueuedMessage[]> {
  const claimed: QueuedMessage[] = [];
  for (const id of order.choose(limit, nowMs)) {
    const message = await tx.queues.claimMessage(source.stateQueue, id, { nowMs, visibilityMs: CLAIM_MS });
    if (message) claimed.push(message);
    else order.remove(id, nowMs);
  }
  return claimed;
}

/** Ends a task; the message is AWS's FailureReason. */
class MoveFailure extends Error {}

/** The tasks of a source queue, newest first. */
export async function tasksOf(
  documents: Pick<Transaction['documents'], 'range'>,
  scope: Scope,
  sourceName: string,
): Promise<MoveTask[]> {
  const found = await documents.range(MOVE_TASKS, scope, { prefix: `${sourceName}/`, reverse: true });
  return found.map(({ value }) => value);
}

function keyOf(task: MoveTask): string {
  return `${task.sourceName}/${String(task.number).padStart(12, '0')}`;
}
