// Alarms: their documents, their evaluation on the clock, and what follows from a change of state. The service checks
// and shapes requests; this engine keeps the documents and decides states.
//
// Every minute (every 10 s for periods below a minute) all alarms due are evaluated over the periods that have ended,
// with few ClickHouse statements for all of them. Besides, new data of a watched metric cause an evaluation at once
// where a breach in the period under way is final already (alarm-state.ts): such an alarm does not wait for the minute.

import { formatArn, parseArn } from '#core/arn.ts';
import type { OperationCall } from '#core/caller.ts';
import type { Clock, Timer } from '#core/clock.ts';
import type { Logger } from '#core/log.ts';
import type { Delivery, DeliveryOutcome, DeliveryRequest } from '#engines/delivery/delivery.ts';
import type { MetricStore } from '#engines/metrics/metric-store.ts';
import type { Scope, StateStore, Transaction } from '#storage/state/state.ts';
import {
  actionRequest,
  actionsFor,
  LAMBDA_ACTION_SOURCE,
  SNS_ACTION_SOURCE,
  type StateChange,
} from './alarm-actions.ts';
import {
  ALARMS,
  type AlarmConfiguration,
  type AlarmDocument,
  type AlarmState,
  type AlarmStateValue,
} from './alarm-document.ts';
import { type Evaluation, evaluateAlarms, evaluationStepS } from './alarm-evaluation.ts';
import {
  actionItem,
  configurationItem,
  expireHistory,
  type HistoryFilter,
  type HistoryPage,
  readHistory,
  recordHistory,
  stateItem,
} from './alarm-history.ts';
import { INITIAL_REASON } from './state-reason.ts';

export interface AlarmEngine {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Forgets what is in memory after the stores were emptied. */
  reset(): Promise<void>;
  /** Creates the alarm, or replaces the configuration of the one of that name, whose state and tags stay. */
  put(scope: Scope, configuration: AlarmConfiguration, tags: Record<string, string>): Promise<void>;
  get(scope: Scope, name: string): Promise<AlarmDocument | undefined>;
  /** All of an account and region, by name. */
  list(scope: Scope): Promise<AlarmDocument[]>;
  /** Deletes those that exist; how many. */
  delete(scope: Scope, names: readonly string[]): Promise<number>;
  /** Sets the state by hand; actions follow as after an evaluation. False when there is no such alarm. */
  setState(scope: Scope, name: string, value: AlarmStateValue, reason: string, reasonData?: string): Promise<boolean>;
  /** Those that exist; unknown names are passed over. */
  setActionsEnabled(scope: Scope, names: readonly string[], enabled: boolean): Promise<void>;
  /** Replaces the tags by what `change` makes of them. False when there is no such alarm. */
  changeTags(
    scope: Scope,
    name: string,
    change: (tags: Record<string, string>) => Record<string, string>,
  ): Promise<boolean>;
  history(scope: Scope, filter: HistoryFilter): Promise<HistoryPage>;
}

export interface AlarmEngineOptions {
  state: StateStore;
  metrics: MetricStore;
  clock: Clock;
  call: OperationCall;
  delivery: Delivery;
  log: Logger;
}

/** After the full minute, so that what its last seconds sent has arrived. */
const EVALUATION_DELAY_MS = 3000;
/** From new data to the evaluation that they cause; what arrives meanwhile shares it. */
const REACTION_DELAY_MS = 200;
/** At most so often is one alarm evaluated because of new data. */
const REACTION_INTERVAL_MS = 5000;
const HISTORY_UPKEEP_INTERVAL_MS = 6 * 3_600_000;
/** State changes written at a time. */
const MAX_CONCURRENT_CHANGES = 100;
const MINUTE_S = 60;
const SHORTEST_STEP_S = 10;

/** An alarm in memory. */
export interface LiveAlarm {
  readonly scope: Scope;
  document: AlarmDocument;
  unwatch: () => void;
  /** When new data last caused an evaluation. */
  reactedMs: number;
  /** The instant of the last evaluation on the clock. */
  evaluatedS: number;
}

export function createAlarmEngine(options: AlarmEngineOptions): AlarmEngine {
  return new ClockedAlarmEngine(options);
}

class ClockedAlarmEngine implements AlarmEngine {
  readonly #state: StateStore;
  readonly #metrics: MetricStore;
  readonly #clock: Clock;
  readonly #delivery: Delivery;
  readonly #log: Logger;
  #alarms = new Map<string, LiveAlarm>();
  #loading: Promise<void> | undefined;
  #running = false;
  #tick: Timer | undefined;
  #tickStepS = MINUTE_S;
  #upkeep: Timer | undefined;
  /** Alarms whose metric got data, and the timer that will look at them. */
  #touched = new Set<LiveAlarm>();
  #reaction: Timer | undefined;
  #reactionAtMs = Number.POSITIVE_INFINITY;
  /** Evaluations run one after another. */
  #evaluating: Promise<void> = Promise.resolve();
  /** Action outcomes on their way into the history. */
  #recording: Promise<void> = Promise.resolve();

  constructor({ state, metrics, clock, delivery, log }: AlarmEngineOptions) {
    this.#state = state;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#delivery = delivery;
    this.#log = log.with({ component: 'alarms' });
    for (const source of [SNS_ACTION_SOURCE, LAMBDA_ACTION_SOURCE]) {
      this.#delivery.onOutcome(source, (outcome) => this.#recordOutcome(outcome));
    }
  }

  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await this.#load();
    this.#scheduleTick();
    this.#scheduleUpkeep();
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of [this.#tick, this.#upkeep, this.#reaction]) timer?.cancel();
    await this.#evaluating;
    await this.#recording;
  }

  async reset(): Promise<void> {
    await this.#evaluating;
    for (const alarm of this.#alarms.values()) alarm.unwatch();
    this.#alarms = new Map();
    this.#touched.clear();
    this.#loading = undefined;
    await this.#load();
  }

  // ---- documents ----

  async put(scope: Scope, configuration: AlarmConfiguration, tags: Record<string, string>): Promise<void> {
    await this.#load();
    const nowMs = this.#clock.now();
    const document = await this.#state.transact(async (tx) => {
      const existing = await tx.documents.get(ALARMS, scope, configuration.alarmName);
      const updated: AlarmDocument = existing
        ? { ...existing, configuration, configurationUpdatedMs: nowMs, revision: existing.revision + 1 }
        : {
            arn: alarmArn(scope, configuration.alarmName),
            configuration,
            configurationUpdatedMs: nowMs,
            state: { value: 'INSUFFICIENT_DATA', reason: INITIAL_REASON, updatedMs: nowMs, transitionedMs: nowMs },
            tags,
            revision: 1,
          };
      await tx.documents.put(ALARMS, scope, configuration.alarmName, updated);
      await recordHistory(tx, scope, configurationItem(existing ? 'Update' : 'Create', updated, nowMs));
      return updated;
    });
    const alarm = this.#adopt(scope, document);
    this.#touch(alarm);
    this.#scheduleTick();
  }

  async get(scope: Scope, name: string): Promise<AlarmDocument | undefined> {
    await this.#load();
    return this.#alarms.get(alarmKey(scope, name))?.document;
  }

  async list(scope: Scope): Promise<AlarmDocument[]> {
    await this.#load();
    const listed: AlarmDocument[] = [];
    for (const {
      scope: { account, region },
      document,
    } of this.#alarms.values()) {
      if (account === scope.account && region === scope.region) listed.push(document);
    }
    return listed.sort((a, b) => (a.configuration.alarmName < b.configuration.alarmName ? -1 : 1));
  }

  async delete(scope: Scope, names: readonly string[]): Promise<number> {
    await this.#load();
    const nowMs = this.#clock.now();
    const deleted = await this.#state.transact(async (tx) => {
      const gone: string[] = [];
      for (const name of new Set(names)) {
        const document = await tx.documents.get(ALARMS, scope, name);
        if (!document) continue;
        await tx.documents.delete(ALARMS, scope, name);
        await recordHistory(tx, scope, configurationItem('Delete', document, nowMs));
        gone.push(name);
      }
      return gone;
    });
    for (const name of deleted) {
      const key = alarmKey(scope, name);
      const alarm = this.#alarms.get(key);
      alarm?.unwatch();
      if (alarm) this.#touched.delete(alarm);
      this.#alarms.delete(key);
    }
    return deleted.length;
  }

  async setState(
    scope: Scope,
    name: string,
    value: AlarmStateValue,
    reason: string,
    reasonData?: string,
  ): Promise<boolean> {
    await this.#load();
    const alarm = this.#alarms.get(alarmKey(scope, name));
    if (!alarm) return false;
    await this.#change(alarm, undefined, { value, reason, ...(reasonData === undefined ? {} : { reasonData }) });
    return true;
  }

  async setActionsEnabled(scope: Scope, names: readonly string[], enabled: boolean): Promise<void> {
    for (const name of new Set(names)) {
      await this.#update(scope, name, async (tx, document) => {
        if (document.configuration.actionsEnabled === enabled) return document;
        const nowMs = this.#clock.now();
        const configuration = { ...document.configuration, actionsEnabled: enabled };
        const updated = { ...document, configuration, configurationUpdatedMs: nowMs, revision: document.revision + 1 };
        await recordHistory(tx, scope, configurationItem('Update', updated, nowMs));
        return updated;
      });
    }
  }

  changeTags(
    scope: Scope,
    name: string,
    change: (tags: Record<string, string>) => Record<string, string>,
  ): Promise<boolean> {
    return this.#update(scope, name, async (_, document) => ({ ...document, tags: change(document.tags) }));
  }

  async history(scope: Scope, filter: HistoryFilter): Promise<HistoryPage> {
    await this.#recording;
    return readHistory(this.#state.documents, scope, filter);
  }

  async #update(
    scope: Scope,
    name: string,
    change: (tx: Transaction, document: AlarmDocument) => Promise<AlarmDocument>,
  ): Promise<boolean> {
    await this.#load();
    const updated = await this.#state.transact(async (tx) => {
      const document = await tx.documents.get(ALARMS, scope, name);
      if (!document) return undefined;
      const changed = await change(tx, document);
      if (changed !== document) await tx.documents.put(ALARMS, scope, name, changed);
      return changed;
    });
    const alarm = this.#alarms.get(alarmKey(scope, name));
    if (updated && alarm) alarm.document = updated;
    return updated !== undefined;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#readAll().catch((error) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #readAll(): Promise<void> {
    for await (const page of this.#state.documents.scanPages(ALARMS)) {
      for (const { account, region, value } of page) this.#adopt({ account, region }, value);
    }
  }

  #adopt(scope: Scope, document: AlarmDocument): LiveAlarm {
    const key = alarmKey(scope, document.configuration.alarmName);
    let alarm = this.#alarms.get(key);
    alarm?.unwatch();
    if (alarm) alarm.document = document;
    else
      alarm = { scope: { ...scope }, document, unwatch: () => {}, reactedMs: Number.NEGATIVE_INFINITY, evaluatedS: 0 };
    this.#alarms.set(key, alarm);
    const { namespace, metricName: name, dimensions } = document.configuration.metric;
    const watching = alarm;
    alarm.unwatch = this.#metrics.watch({ scope: alarm.scope, namespace, name, dimensions }, () =>
      this.#touch(watching),
    );
    return alarm;
  }

  // ---- evaluation ----

  /** One timer for all: at the next full minute, or 10 seconds when some alarm is that quick. */
  #scheduleTick(): void {
    if (!this.#running) return;
    const stepS = this.#shortestStepS();
    if (this.#tick && this.#tickStepS === stepS) return;
    this.#tick?.cancel();
    this.#tickStepS = stepS;
    const stepMs = stepS * 1000;
    const dueMs = Math.floor((this.#clock.now() - EVALUATION_DELAY_MS) / stepMs + 1) * stepMs + EVALUATION_DELAY_MS;
    this.#tick = this.#clock.at(dueMs, async () => {
      this.#tick = undefined;
      const instantS = Math.floor((this.#clock.now() - EVALUATION_DELAY_MS) / stepMs) * stepS;
      await this.#evaluate(this.#due(instantS), false);
      this.#scheduleTick();
    });
  }

  /** Those whose step has gone by since they were last looked at; a step that a pause or a restart skipped counts too. */
  #due(instantS: number): LiveAlarm[] {
    const due: LiveAlarm[] = [];
    for (const alarm of this.#alarms.values()) {
      const alarmStepS = evaluationStepS(alarm.document.configuration);
      const endS = Math.floor(instantS / alarmStepS) * alarmStepS;
      if (endS <= alarm.evaluatedS) continue;
      alarm.evaluatedS = endS;
      due.push(alarm);
    }
    return due;
  }

  #shortestStepS(): number {
    for (const { document } of this.#alarms.values()) {
      if (evaluationStepS(document.configuration) < MINUTE_S) return SHORTEST_STEP_S;
    }
    return MINUTE_S;
  }

  #touch(alarm: LiveAlarm): void {
    if (!this.#running) return;
    this.#touched.add(alarm);
    this.#reactAt(Math.max(this.#clock.now() + REACTION_DELAY_MS, alarm.reactedMs + REACTION_INTERVAL_MS));
  }

  #reactAt(atMs: number): void {
    if (atMs >= this.#reactionAtMs) return;
    this.#reaction?.cancel();
    this.#reactionAtMs = atMs;
    this.#reaction = this.#clock.at(atMs, () => this.#react());
  }

  async #react(): Promise<void> {
    this.#reactionAtMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.now();
    const due: LiveAlarm[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const alarm of this.#touched) {
      const dueMs = alarm.reactedMs + REACTION_INTERVAL_MS;
      if (dueMs <= nowMs) due.push(alarm);
      else nextMs = Math.min(nextMs, dueMs);
    }
    for (const alarm of due) {
      this.#touched.delete(alarm);
      alarm.reactedMs = nowMs;
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#reactAt(nextMs);
    await this.#evaluate(due, true);
  }

  /** @param onData caused by new data: a state that rests on missing data alone is left to the clock */
  #evaluate(alarms: readonly LiveAlarm[], onData: boolean): Promise<void> {
    if (alarms.length === 0) return Promise.resolve();
    this.#evaluating = this.#evaluating.then(async () => {
      try {
        // New data too leave a period that just ended the time that it needs to be whole.
        const nowS = (this.#clock.now() - EVALUATION_DELAY_MS) / 1000;
        const evaluations = await evaluateAlarms(this.#metrics, alarms, nowS, this.#clock.now());
        await this.#apply(evaluations.filter(({ decision }) => !onData || decision.evaluated.length > 0));
      } catch (error) {
        // The states stay; the next evaluation reads the same periods again.
        this.#log.error('alarms could not be evaluated', { alarms: alarms.length, error });
      }
    });
    return this.#evaluating;
  }

  async #apply(evaluations: readonly Evaluation[]): Promise<void> {
    const changed = evaluations.filter(({ alarm, state }) => state.value !== alarm.document.state.value);
    for (let i = 0; i < changed.length; i += MAX_CONCURRENT_CHANGES) {
      const batch = changed.slice(i, i + MAX_CONCURRENT_CHANGES);
      await Promise.all(batch.map(({ alarm, revision, state }) => this.#change(alarm, revision, state)));
    }
  }

  /**
   * The new state, its history and its actions in one transaction. With a revision (an evaluation's) nothing happens
   * when the configuration moved on or the state is the same.
   */
  async #change(
    { scope, document: { configuration } }: LiveAlarm,
    revision: number | undefined,
    next: { value: AlarmStateValue; reason: string; reasonData?: string },
  ): Promise<void> {
    const nowMs = this.#clock.now();
    const name = configuration.alarmName;
    const changed = await this.#state.transact(async (tx) => {
      const document = await tx.documents.get(ALARMS, scope, name);
      if (!document) return undefined;
      const previous = document.state;
      const same = previous.value === next.value;
      if (revision !== undefined && (document.revision !== revision || same)) return undefined;
      const state: AlarmState = { ...next, updatedMs: nowMs, transitionedMs: same ? previous.transitionedMs : nowMs };
      const alarm = { ...document, state };
      await tx.documents.put(ALARMS, scope, name, alarm);
      if (!same) {
        await recordHistory(tx, scope, stateItem(alarm, previous));
        if (alarm.configuration.actionsEnabled) await this.#act(tx, { scope, alarm, previous });
      }
      return alarm;
    });
    const live = this.#alarms.get(alarmKey(scope, name));
    if (changed && live) live.document = changed;
  }

  async #act(tx: Transaction, change: StateChange): Promise<void> {
    const { configuration, state } = change.alarm;
    const requests: DeliveryRequest[] = [];
    for (const action of actionsFor(configuration, state.value)) {
      const request = actionRequest(action, change);
      if ('targetArn' in request) {
        requests.push(request);
        continue;
      }
      const executed = {
        alarmName: configuration.alarmName,
        action,
        stateUpdatedMs: state.updatedMs,
        error: request.failure,
      };
      await recordHistory(tx, change.scope, actionItem(executed, state.updatedMs));
    }
    await this.#delivery.enqueue(tx, requests);
  }

  #recordOutcome({ request, delivered, error }: DeliveryOutcome): void {
    const arn = parseArn(request.sourceArn);
    const alarmName = arn?.resource.replace(/^alarm:/, '');
    if (!arn || alarmName === undefined) return;
    const scope = { account: arn.account, region: arn.region };
    const executed = {
      alarmName,
      action: request.targetArn,
      stateUpdatedMs: stateTime(request.payload),
      published: request.payload,
      ...(delivered ? {} : { error: error?.message ?? 'unknown' }),
    };
    this.#recording = this.#recording
      .then(() => this.#state.transact((tx) => recordHistory(tx, scope, actionItem(executed, this.#clock.now()))))
      .catch((failure) =>
        this.#log.error('an alarm action could not be recorded', { alarm: request.sourceArn, error: failure }),
      );
  }

  // ---- upkeep ----

  #scheduleUpkeep(): void {
    this.#upkeep = this.#clock.at(this.#clock.now() + HISTORY_UPKEEP_INTERVAL_MS, async () => {
      try {
        const scopes = new Map([...this.#alarms.values()].map(({ scope }) => [alarmKey(scope, ''), scope]));
        for (const scope of scopes.values()) await expireHistory(this.#state, scope, this.#clock.now());
      } catch (error) {
        this.#log.error('old alarm history could not be removed', { error });
      }
      if (this.#running) this.#scheduleUpkeep();
    });
  }
}

function alarmArn({ account, region }: Scope, name: string): string {
  return formatArn({ service: 'cloudwatch', region, account, resource: `alarm:${name}` });
}

function alarmKey({ account, region }: Scope, name: string): string {
  return `${account}/${region}/${name}`;
}

/** Both payloads say when the state changed. */
function stateTime(payload: string): number {
  const { StateChangeTime, time } = JSON.parse(payload) as { StateChangeTime?: string; time?: string };
  return Date.parse(StateChangeTime ?? time ?? '');
}
