// A queue: the document that is kept, and the form in which operations use it.

import { formatArn } from '#core/arn.ts';
import { randomHex } from '#core/ids.ts';
import { defineCollection } from '#storage/state/state.ts';

/** Keyed by the queue's name. */
export const QUEUES = defineCollection<QueueDocument>('sqs.queues');

export interface QueueDocument {
  name: string;
  /** Names the messages in the state store; a queue made anew under the same name starts empty. */
  uid: string;
  /** Signs receipt handles. */
  secret: string;
  createdAtMs: number;
  modifiedAtMs: number;
  purgedAtMs?: number;
  /** What the caller set; what is absent has AWS's default. */
  attributes: Record<string, string>;
  tags: Record<string, string>;
}

export interface Queue {
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly arn: string;
  readonly document: QueueDocument;
  /** Its queue in the state store. */
  readonly stateQueue: string;
  readonly secret: Buffer;
  readonly visibilityTimeoutS: number;
  readonly delayS: number;
  readonly retentionS: number;
  readonly maximumMessageBytes: number;
  readonly waitS: number;
  readonly redrive: RedrivePolicy | undefined;
  /** Undefined for a standard queue. */
  readonly fifo: FifoSettings | undefined;
  /** One object for the queue's life in this process, whatever its attributes become. */
  readonly live: LiveQueue;
}

export interface FifoSettings {
  /** Messages without an id of their own are told apart by their bodies. */
  contentBased: boolean;
  /** Ids need to differ inside a message group only. */
  deduplicatesByGroup: boolean;
}

export interface RedrivePolicy {
  deadLetterTargetArn: string;
  maxReceiveCount: number;
}

/** What is known in memory only; all of it can be had again. */
export interface LiveQueue {
  deleted: boolean;
  /** At least as many as are in flight; undefined until counted. */
  inFlightAtMost: number | undefined;
  /** The last operation on the queue: AWS reports metrics for six hours after it. */
  activeAtMs: number;
}

/** The queue attributes that have a default. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html */
export const DEFAULTS = {
  VisibilityTimeout: '30',
  MaximumMessageSize: '1048576',
  MessageRetentionPeriod: '345600',
  DelaySeconds: '0',
  ReceiveMessageWaitTimeSeconds: '0',
} as const;

export function newQueueDocument(
  name: string,
  nowMs: number,
  attributes: Record<string, string>,
  tags: Record<string, string>,
): QueueDocument {
  return { name, uid: randomHex(16), secret: randomHex(32), createdAtMs: nowMs, modifiedAtMs: nowMs, attributes, tags };
}

export function openQueue(
  scope: { account: string; region: string },
  document: QueueDocument,
  live: LiveQueue = { deleted: false, inFlightAtMost: undefined, activeAtMs: 0 },
): Queue {
  const { account, region } = scope;
  const { name, attributes } = document;
  const seconds = (attribute: keyof typeof DEFAULTS) => Number(attributes[attribute] ?? DEFAULTS[attribute]);
  return {
    account,
    region,
    name,
    arn: formatArn({ service: 'sqs', region, account, resource: name }),
    document,
    stateQueue: `sqs/${document.uid}`,
    secret: Buffer.from(document.secret, 'hex'),
    visibilityTimeoutS: seconds('VisibilityTimeout'),
    delayS: seconds('DelaySeconds'),
    retentionS: seconds('MessageRetentionPeriod'),
    maximumMessageBytes: seconds('MaximumMessageSize'),
    waitS: seconds('ReceiveMessageWaitTimeSeconds'),
    redrive: attributes.RedrivePolicy ? parseRedrive(attributes.RedrivePolicy) : undefined,
    fifo:
      attributes.FifoQueue === 'true'
        ? {
            contentBased: attributes.ContentBasedDeduplication?.toLowerCase() === 'true',
            deduplicatesByGroup: attributes.DeduplicationScope === 'messageGroup',
          }
        : undefined,
    live,
  };
}

function parseRedrive(text: string): RedrivePolicy {
  const policy = JSON.parse(text) as { deadLetterTargetArn: string; maxReceiveCount: number | string };
  return { deadLetterTargetArn: policy.deadLetterTargetArn, maxReceiveCount: Number(policy.maxReceiveCount) };
}
