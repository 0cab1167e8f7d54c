// Subscribe and ConfirmSubscription.
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html

import type {
  ConfirmSubscriptionInput,
  ConfirmSubscriptionResponse,
  SubscribeInput,
  SubscribeResponse,
} from '@aws-sdk/client-sns';
import { type Arn, parseArn } from '#core/arn.ts';
import { notImplemented } from '#core/errors.ts';
import { randomHex, uuid } from '#core/ids.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { confirmationRequest } from '../confirmation.ts';
import { invalidParameter } from '../errors.ts';
import { isFifo } from '../fifo.ts';
import { MAX_POLICIES_A_TOPIC, tooManyPolicies } from '../filter-policy.ts';
import type { Sns } from '../sns.ts';
import { isSubscriptionAttribute, setAttribute } from '../subscription-attributes.ts';
import type { Protocol, Subscription, SubscriptionDocument, Topic } from '../topic.ts';

/** What SNS knows and Brume does not deliver to yet. */
const OTHER_PROTOCOLS = new Set(['http', 'https', 'email', 'email-json', 'sms', 'application', 'firehose']);
const PENDING = 'pending confirmation';

/**
 * A queue or function of the caller's account is confirmed at once; a queue of another account gets a confirmation
 * message with a token first.
 */
export function subscribe(sns: Sns): Handler<SubscribeInput, SubscribeResponse> {
  return async (input, context) => {
    const topic = await sns.topics.topic(input.TopicArn);
    const protocol = acceptProtocol(input.Protocol ?? '');
    const endpoint = input.Endpoint ?? '';
    const target = acceptEndpoint(topic, protocol, endpoint);
    const attributes = acceptAttributes({ protocol, endpoint }, input.Attributes ?? {});

    const existing = [...topic.subscriptions.values()].find(
      ({ document }) => document.protocol === protocol && document.endpoint === endpoint,
    );
    if (existing) {
      const current = existing.document.attributes;
      if (Object.entries(attributes).some(([name, value]) => current[name] !== value)) {
        throw invalidParameter('Attributes Reason: Subscription already exists with different attributes');
      }
      return { SubscriptionArn: shownArn(existing, input) };
    }
    if (attributes.FilterPolicy) checkPolicyCount(topic);

    const pending = protocol === 'sqs' && target.account !== context.account;
    const document: SubscriptionDocument = {
      id: uuid(),
      topicName: topic.name,
      protocol,
      endpoint,
      owner: context.account,
      principalArn: context.principalArn,
      attributes,
      createdAtMs: sns.clock.now(),
      ...(pending ? { pendingToken: randomHex(256) } : {}),
    };
    const subscription = await sns.topics.putSubscription(topic, document, (tx) =>
      askToConfirm(sns, topic, document, context, tx),
    );
    return { SubscriptionArn: shownArn(subscription, input) };
  };
}

export function confirmSubscription(sns: Sns): Handler<ConfirmSubscriptionInput, ConfirmSubscriptionResponse> {
  return async (input) => {
    const token = input.Token ?? '';
    const topic = await sns.topics.topic(input.TopicArn);
    if (!/^[0-9a-f]{256}$/.test(token)) throw invalidParameter('Token');
    const subscription = [...topic.subscriptions.values()].find(({ document }) => document.pendingToken === token);
    if (!subscription) throw invalidParameter('Token');
    await sns.topics.changeSubscription(topic, subscription, ({ pendingToken: _, ...confirmed }) => confirmed);
    return { SubscriptionArn: subscription.arn };
  };
}

/** Throws when a topic has as many filter policies as it may. */
export function checkPolicyCount(topic: Topic): void {
  const count = [...topic.subscriptions.values()].filter(({ filter }) => filter).length;
  if (count >= MAX_POLICIES_A_TOPIC) throw tooManyPolicies();
}

async function askToConfirm(
  sns: Sns,
  topic: Topic,
  document: SubscriptionDocument,
  context: RequestContext,
  tx: Parameters<Sns['delivery']['enqueue']>[0],
): Promise<void> {
  if (document.pendingToken === undefined) return;
  await sns.delivery.enqueue(tx, [confirmationRequest(topic, document, context.endpoint, sns.clock.now())]);
}

/** Without ReturnSubscriptionArn a pending subscription's ARN is not told. */
function shownArn({ arn, document }: Subscription, input: SubscribeInput): string {
  return document.pendingToken !== undefined && !input.ReturnSubscriptionArn ? PENDING : arn;
}

function acceptProtocol(protocol: string): Protocol {
  if (protocol === 'sqs' || protocol === 'lambda') return protocol;
  if (OTHER_PROTOCOLS.has(protocol)) throw notImplemented('Subscribe', `protocol ${protocol}`);
  throw invalidParameter(`Amazon SNS does not support this protocol string: ${protocol}`);
}

function acceptEndpoint(topic: Topic, protocol: Protocol, endpoint: string): Arn {
  const arn = parseArn(endpoint);
  if (arn?.service !== protocol || !arn.region || !/^\d{12}$/.test(arn.account) || !arn.resource) {
    throw invalidParameter(`${protocol === 'sqs' ? 'SQS' : 'Lambda'} endpoint ARN`);
  }
  if (isFifo(topic)) {
    if (protocol === 'sqs') return arn;
    throw invalidParameter('Invalid parameter: Endpoint Reason: Please use FIFO SQS queue');
  }
  if (protocol === 'sqs' && arn.resource.endsWith('.fifo')) {
    throw invalidParameter(
      'Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics',
    );
  }
  return arn;
}

function acceptAttributes(
  subscriber: Pick<SubscriptionDocument, 'protocol' | 'endpoint'>,
  given: Record<string, string>,
): Record<string, string> {
  const fault = (reason: string) => invalidParameter(`Attributes Reason: ${reason}`);
  let attributes: Record<string, string> = {};
  // The scope decides which filter policies are right, so it comes first.
  const names = Object.keys(given).sort(
    (a, b) => Number(b === 'FilterPolicyScope') - Number(a === 'FilterPolicyScope'),
  );
  for (const name of names) {
    if (name === 'SubscriptionRoleArn' || name === 'ReplayPolicy')
      throw notImplemented('Subscribe', `attribute ${name}`);
    if (!isSubscriptionAttribute(name)) throw fault(`Unknown attribute: ${name}`);
    attributes = setAttribute(attributes, name, given[name]!, subscriber, fault);
  }
  return attributes;
}
