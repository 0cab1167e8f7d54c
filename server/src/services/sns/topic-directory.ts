// All topics and subscriptions, in memory: publishing reads them on every message. Loaded once, changed with the documents.

import { parseArn } from '#core/arn.ts';
import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import { invalidParameter, subscriptionDoesNotExist, topicDoesNotExist } from './errors.ts';
import {
  openSubscription,
  openTopic,
  SUBSCRIPTIONS,
  type Subscription,
  type SubscriptionDocument,
  subscriptionKey,
  TOPICS,
  type Topic,
  type TopicDocument,
  topicArn,
} from './topic.ts';

export class TopicDirectory {
  readonly #state: StateStore;
  readonly #topics = new Map<string, Topic>();
  #loading: Promise<void> | undefined;

  constructor(state: StateStore) {
    this.#state = state;
  }

  async find(arn: string): Promise<Topic | undefined> {
    await this.#loaded();
    return this.#topics.get(arn);
  }

  /** Throws InvalidParameter for what is no topic's ARN, NotFound for a topic that is not there. */
  async topic(arn: string | undefined, parameter = 'TopicArn'): Promise<Topic> {
    checkArn(arn ?? '', parameter);
    const topic = await this.find(arn!);
    if (!topic) throw topicDoesNotExist();
    return topic;
  }

  async subscription(arn: string | undefined): Promise<{ topic: Topic; subscription: Subscription } | undefined> {
    checkArn(arn ?? '', 'SubscriptionArn');
    const topic = await this.find(arn!.slice(0, arn!.lastIndexOf(':')));
    const subscription = topic?.subscriptions.get(arn!);
    return topic && subscription ? { topic, subscription } : undefined;
  }

  /** Every topic of an account and region, by name. */
  async list({ account, region }: Scope): Promise<Topic[]> {
    await this.#loaded();
    const own = [...this.#topics.values()].filter((topic) => topic.account === account && topic.region === region);
    return own.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Every subscription that an account owns in a region, by ARN. */
  async subscriptionsOf({ account, region }: Scope): Promise<{ topic: Topic; subscription: Subscription }[]> {
    await this.#loaded();
    return [...this.#topics.values()]
      .filter((topic) => topic.region === region)
      .flatMap((topic) => [...topic.subscriptions.values()].map((subscription) => ({ topic, subscription })))
      .filter(({ subscription }) => subscription.document.owner === account)
      .sort((a, b) => (a.subscription.arn < b.subscription.arn ? -1 : 1));
  }

  /** Writes a topic's document as `change` makes it of what is committed; undefined leaves it as it is. */
  async update(
    scope: Scope,
    name: string,
    change: (current: TopicDocument | undefined) => TopicDocument | undefined,
  ): Promise<Topic> {
    await this.#loaded();
    const document = await this.#state.transact(async (tx) => {
      const current = await tx.documents.get(TOPICS, scope, name);
      const next = change(current);
      if (next) await tx.documents.put(TOPICS, scope, name, next);
      return next ?? current;
    });
    if (!document) throw topicDoesNotExist();
    const arn = topicArn(scope, name);
    const topic = openTopic(scope, document, this.#topics.get(arn)?.subscriptions);
    this.#topics.set(arn, topic);
    return topic;
  }

  /** Deletes a topic with its subscriptions; `also` deletes more in the same transaction. */
  async delete(topic: Topic, also: (tx: Transaction) => Promise<void>): Promise<void> {
    await this.#state.transact(async (tx) => {
      await tx.documents.delete(TOPICS, topic, topic.name);
      await tx.documents.deleteRange(SUBSCRIPTIONS, topic, { prefix: `${topic.name}/` });
      await also(tx);
    });
    this.#topics.delete(topic.arn);
  }

  /**
   * Writes a subscription, new or changed; `also` may write more in the same transaction. Throws NotFound when the
   * topic went meanwhile.
   */
  async putSubscription(
    topic: Topic,
    document: SubscriptionDocument,
    also: (tx: Transaction) => Promise<void> = async () => {},
  ): Promise<Subscription> {
    await this.#state.transact(async (tx) => {
      if (!(await tx.documents.get(TOPICS, topic, topic.name))) throw topicDoesNotExist();
      await tx.documents.put(SUBSCRIPTIONS, topic, subscriptionKey(document), document);
      await also(tx);
    });
    const subscription = openSubscription(topic.arn, document);
    topic.subscriptions.set(subscription.arn, subscription);
    return subscription;
  }

  /** Writes a subscription as `change` makes it of what is committed; throws NotFound when it went meanwhile. */
  async changeSubscription(
    topic: Topic,
    subscription: Subscription,
    change: (current: SubscriptionDocument) => SubscriptionDocument,
  ): Promise<void> {
    const key = subscriptionKey(subscription.document);
    const document = await this.#state.transact(async (tx) => {
      const current = await tx.documents.get(SUBSCRIPTIONS, topic, key);
      if (!current) throw subscriptionDoesNotExist();
      const next = change(current);
      await tx.documents.put(SUBSCRIPTIONS, topic, key, next);
      return next;
    });
    topic.subscriptions.set(subscription.arn, openSubscription(topic.arn, document));
  }

  async deleteSubscription(topic: Topic, subscription: Subscription): Promise<void> {
    const document = await this.#state.transact(async (tx) => {
      await tx.documents.delete(SUBSCRIPTIONS, topic, subscriptionKey(subscription.document));
      const current = await tx.documents.get(TOPICS, topic, topic.name);
      if (!current) return undefined;
      const next = { ...current, subscriptionsDeleted: current.subscriptionsDeleted + 1 };
      await tx.documents.put(TOPICS, topic, topic.name, next);
      return next;
    });
    topic.subscriptions.delete(subscription.arn);
    if (document) this.#topics.set(topic.arn, openTopic(topic, document, topic.subscriptions));
  }

  forget(): void {
    this.#topics.clear();
    this.#loading = undefined;
  }

  #loaded(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    for (const { account, region, value } of await this.#state.documents.scan(TOPICS)) {
      const topic = openTopic({ account, region }, value);
      this.#topics.set(topic.arn, topic);
    }
    for (const { account, region, value } of await this.#state.documents.scan(SUBSCRIPTIONS)) {
      const topic = this.#topics.get(topicArn({ account, region }, value.topicName));
      if (!topic) continue;
      const subscription = openSubscription(topic.arn, value);
      topic.subscriptions.set(subscription.arn, subscription);
    }
  }
}

export function checkArn(arn: string, parameter: string): void {
  const elements = arn.split(':').length;
  if (elements < 6) {
    throw invalidParameter(`${parameter} Reason: An ARN must have at least 6 elements, not ${elements}`);
  }
  if (parseArn(arn)?.service !== 'sns') throw invalidParameter(parameter);
}
