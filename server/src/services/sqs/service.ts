// Amazon SQS: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { Arrivals } from './arrivals.ts';
import { missingParameter } from './errors.ts';
import { FifoQueues } from './fifo/fifo-queues.ts';
import { MessageMover } from './message-mover.ts';
import { changeMessageVisibility, changeMessageVisibilityBatch } from './operations/change-message-visibility.ts';
import { createQueue } from './operations/create-queue.ts';
import { deleteMessage, deleteMessageBatch } from './operations/delete-message.ts';
import { deleteQueue } from './operations/delete-queue.ts';
import { getQueueUrl } from './operations/get-queue-url.ts';
import { listDeadLetterSourceQueues } from './operations/list-dead-letter-source-queues.ts';
import { listQueues } from './operations/list-queues.ts';
import { cancelMessageMoveTask, listMessageMoveTasks, startMessageMoveTask } from './operations/message-move-tasks.ts';
import { addPermission, removePermission } from './operations/permissions.ts';
import { purgeQueue } from './operations/purge-queue.ts';
import { getQueueAttributes, setQueueAttributes } from './operations/queue-attributes.ts';
import { listQueueTags, tagQueue, untagQueue } from './operations/queue-tags.ts';
import { receiveMessage } from './operations/receive-message.ts';
import { sendMessage, sendMessageBatch } from './operations/send-message.ts';
import { QueueDirectory } from './queue-directory.ts';
import { QueueMonitor } from './queue-monitor.ts';
import type { Sqs } from './sqs.ts';

const require = createRequire(import.meta.url);

export const SQS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-sqs'),
  signingName: 'sqs',
  protocols: ['awsJson1_0', 'awsQuery'],
  targetPrefix: 'AmazonSQS',
  queryVersion: '2012-11-05',
  xmlNamespace: 'http://queue.amazonaws.com/doc/2012-11-05/',
  awsQueryCompatible: true,
  missingMembers: ([first]) =>
    // An empty list does not exist in the query protocol.
    first!.name === 'Entries'
      ? new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.')
      : missingParameter(first!.name),
};

/** What SQS needs of the dependencies that all services share. */
export type SqsDependencies = Pick<ServiceDependencies, 'state' | 'clock' | 'meter' | 'log'>;

export function createSqsService({ state, clock, meter, log }: SqsDependencies): Service {
  const sqs: Sqs = {
    state,
    clock,
    meter,
    log: log.with({ service: 'sqs' }),
    queues: new QueueDirectory(state),
    arrivals: new Arrivals(clock),
    fifo: new FifoQueues(state, clock),
  };
  const monitor = new QueueMonitor(sqs);
  const mover = new MessageMover(sqs);
  let unsubscribe: (() => void) | undefined;
  return {
    name: 'sqs',
    model: SQS_MODEL,
    operations: {
      AddPermission: addPermission(sqs),
      CancelMessageMoveTask: cancelMessageMoveTask(sqs, mover),
      ChangeMessageVisibility: changeMessageVisibility(sqs),
      ChangeMessageVisibilityBatch: changeMessageVisibilityBatch(sqs),
      CreateQueue: createQueue(sqs),
      DeleteMessage: deleteMessage(sqs),
      DeleteMessageBatch: deleteMessageBatch(sqs),
      DeleteQueue: deleteQueue(sqs),
      GetQueueAttributes: getQueueAttributes(sqs),
      GetQueueUrl: getQueueUrl(sqs),
      ListDeadLetterSourceQueues: listDeadLetterSourceQueues(sqs),
      ListMessageMoveTasks: listMessageMoveTasks(sqs),
      ListQueueTags: listQueueTags(sqs),
      ListQueues: listQueues(sqs),
      PurgeQueue: purgeQueue(sqs),
      ReceiveMessage: receiveMessage(sqs),
      RemovePermission: removePermission(sqs),
      SendMessage: sendMessage(sqs),
      SendMessageBatch: sendMessageBatch(sqs),
      SetQueueAttributes: setQueueAttributes(sqs),
      StartMessageMoveTask: startMessageMoveTask(sqs, mover),
      TagQueue: tagQueue(sqs),
      UntagQueue: untagQueue(sqs),
    },
    async start() {
      unsubscribe = state.onQueueActivity((queue) => void sqs.arrivals.ring(queue));
      monitor.start();
      await mover.resume();
    },
    async stop() {
      unsubscribe?.();
      sqs.arrivals.close();
      await Promise.all([monitor.stop(), mover.stop()]);
    },
    async reset() {
      sqs.queues.forget();
      sqs.fifo.forget();
      sqs.arrivals.ringAll();
    },
  };
}
