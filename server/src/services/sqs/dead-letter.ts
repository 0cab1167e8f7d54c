// Which queue may be whose dead-letter queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue.html

import { parseArn } from '#core/arn.ts';
import type { Scope } from '#storage/state/state.ts';
import { invalidValue } from './errors.ts';
import type { Queue } from './queue.ts';
import type { QueueDirectory } from './queue-directory.ts';

/** Checks a RedrivePolicy whose form was found right against the queues there are; throws InvalidParameterValue. */
export async function checkDeadLetterTarget(
  queues: QueueDirectory,
  source: Scope & { arn: string },
  redrivePolicy: string,
): Promise<void> {
  const invalid = (reason: string) => invalidValue(redrivePolicy, 'RedrivePolicy', reason);
  const { deadLetterTargetArn } = JSON.parse(redrivePolicy) as { deadLetterTargetArn: string };
  const arn = parseArn(deadLetterTargetArn)!;
  if (arn.account !== source.account) throw invalid('Dead letter target owned by another account.');
  if (arn.region !== source.region) throw invalid('Dead letter target must be in same region as the source.');
  const target = await queues.byArn(deadLetterTargetArn);
  if (!target) throw invalid('Dead letter target does not exist.');
  if (target.name.endsWith('.fifo') !== source.arn.endsWith('.fifo')) {
    throw invalid('Dead-letter queue must be same type of queue as the source.');
  }
  if (!allowsSource(target, source.arn))
    throw invalid('Queue does not have permission to use this dead letter target.');
}

function allowsSource(target: Queue, sourceArn: string): boolean {
  const text = target.document.attributes.RedriveAllowPolicy;
  if (!text) return true;
  const policy = JSON.parse(text) as { redrivePermission: string; sourceQueueArns?: string[] };
  if (policy.redrivePermission === 'byQueue') return policy.sourceQueueArns?.includes(sourceArn) ?? false;
  return policy.redrivePermission === 'allowAll';
}

/** The queues of the same account and region that send their failures to this one, by name. */
export async function deadLetterSources(queues: QueueDirectory, target: Queue): Promise<Queue[]> {
  return (await queues.list(target)).filter((queue) => queue.redrive?.deadLetterTargetArn === target.arn);
}
