// Amazon SNS: table of operations.

import { createRequire } from 'node:module';
import { AwsError } from '#core/errors.ts';
import type { DeliveryOutcome } from '#engines/delivery/delivery.ts';
import { constraintMessage } from '#wire/required-members.ts';
import type { Service, ServiceModel } from '#wire/service.ts';
import type { ServiceDependencies } from '../dependencies.ts';
import { createTopic } from './operations/create-topic.ts';
import { deleteTopic } from './operations/delete-topic.ts';
import { listSubscriptions, listSubscriptionsByTopic } from './operations/list-subscriptions.ts';
import { listTopics } from './operations/list-topics.ts';
import { addPermission, removePermission } from './operations/permissions.ts';
import { publish, publishBatch } from './operations/publish.ts';
import { confirmSubscription, subscribe } from './operations/subscribe.ts';
import { getSubscriptionAttributes, setSubscriptionAttributes } from './operations/subscription-attributes.ts';
import { listTagsForResource, tagResource, untagResource } from './operations/tags.ts';
import { getTopicAttributes, setTopicAttributes } from './operations/topic-attributes.ts';
import { unsubscribe } from './operations/unsubscribe.ts';
import { Signer } from './signer.ts';
import { measure, SNS_PRINCIPAL, type Sns } from './sns.ts';
import { TopicDirectory } from './topic-directory.ts';

const require = createRequire(import.meta.url);

export const SNS_MODEL: ServiceModel = {
  schemas: () => require('@aws-sdk/client-sns'),
  signingName: 'sns',
  protocols: ['awsQuery'],
  queryVersion: '2010-03-31',
  xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
  missingMembers: (missing) => new AwsError('ValidationError', constraintMessage(missing), { status: 400 }),
};

/** What SNS needs of the dependencies that all services share. */
export type SnsDependencies = Pick<ServiceDependencies, 'state' | 'clock' | 'meter' | 'delivery'>;

export function createSnsService({ state, clock, meter, delivery }: SnsDependencies): Service {
  const sns: Sns = {
    state,
    clock,
    meter,
    delivery,
    topics: new TopicDirectory(state),
    signer: new Signer(state),
  };
  let unsubscribeOutcomes: (() => void) | undefined;
  return {
    name: 'sns',
    model: SNS_MODEL,
    operations: {
      AddPermission: addPermission(sns),
      ConfirmSubscription: confirmSubscription(sns),
      CreateTopic: createTopic(sns),
      DeleteTopic: deleteTopic(sns),
      GetSubscriptionAttributes: getSubscriptionAttributes(sns),
      GetTopicAttributes: getTopicAttributes(sns),
      ListSubscriptions: listSubscriptions(sns),
      ListSubscriptionsByTopic: listSubscriptionsByTopic(sns),
      ListTagsForResource: listTagsForResource(sns),
      ListTopics: listTopics(sns),
      Publish: publish(sns),
      PublishBatch: publishBatch(sns),
      RemovePermission: removePermission(sns),
      SetSubscriptionAttributes: setSubscriptionAttributes(sns),
      SetTopicAttributes: setTopicAttributes(sns),
      Subscribe: subscribe(sns),
      TagResource: tagResource(sns),
      Unsubscribe: unsubscribe(sns),
      UntagResource: untagResource(sns),
    },
    async start() {
      unsubscribeOutcomes = delivery.onOutcome(SNS_PRINCIPAL, (outcome) => countOutcome(sns, outcome));
    },
    async stop() {
      unsubscribeOutcomes?.();
    },
    async reset() {
      sns.topics.forget();
      sns.signer.forget();
    },
  };
}

function countOutcome(sns: Sns, { request, delivered, deadLettered }: DeliveryOutcome): void {
  const topic = {
    account: request.sourceAccount,
    region: request.region,
    name: request.sourceArn.slice(request.sourceArn.lastIndexOf(':') + 1),
  };
  measure(sns, topic, delivered ? 'NumberOfNotificationsDelivered' : 'NumberOfNotificationsFailed');
  if (deadLettered === undefined) return;
  measure(
    sns,
    topic,
    deadLettered ? 'NumberOfNotificationsRedrivenToDlq' : 'NumberOfNotificationsFailedToRedriveToDlq',
  );
}
