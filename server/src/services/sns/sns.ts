// What the operations of SNS share.

import type { Clock } from '#core/clock.ts';
import type { Meter } from '#core/meter.ts';
import type { Delivery } from '#engines/delivery/delivery.ts';
import type { StateStore } from '#storage/state/state.ts';
import type { Signer } from './signer.ts';
import type { Topic } from './topic.ts';
import type { TopicDirectory } from './topic-directory.ts';

export interface Sns {
  state: StateStore;
  clock: Clock;
  meter: Meter;
  delivery: Delivery;
  topics: TopicDirectory;
  signer: Signer;
}

/** The principal under which SNS delivers. */
export const SNS_PRINCIPAL = 'sns.amazonaws.com';

/** Records one of the metrics that AWS documents for SNS. https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html */
export function measure(
  { meter }: Pick<Sns, 'meter'>,
  topic: Pick<Topic, 'account' | 'region' | 'name'>,
  metricName: string,
  value = 1,
  unit: 'Count' | 'Bytes' = 'Count',
): void {
  meter.record(topic, { namespace: 'AWS/SNS', metricName, dimensions: [{ TopicName: topic.name }], value, unit });
}
