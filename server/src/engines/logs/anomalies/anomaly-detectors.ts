// Runs the detectors: each at its frequency on the clock, first a training on the last two weeks, then the events since
// the last evaluation. What it finds becomes anomalies, in the state store together with what the detector has learned.

import type { Clock, Timer } from '#core/clock.ts';
import { uuid } from '#core/ids.ts';
import type { Logger } from '#core/log.ts';
import type { Meter } from '#core/meter.ts';
import { compileMatcher, LogLine, parseFilterPattern } from '#engines/filter-pattern/filter-pattern.ts';
import type { StateStore, Transaction } from '#storage/state/state.ts';
import type { EventPosition } from '../event-position.ts';
import type { LogGroup, LogScope } from '../log-group.ts';
import type { LogStore } from '../log-store.ts';
import { type PackedEvents, packEvents } from '../pattern-mining/mining-task.ts';
import type { PatternMining } from '../pattern-mining/pattern-mining.ts';
import { maskedMessage } from '../protected-events.ts';
import {
  ANOMALY_DETECTORS,
  type AnomalyDocument,
  DETECTOR_MODELS,
  type DetectorDocument,
  FREQUENCY_MS,
  isSuppressed,
  LOG_ANOMALIES,
} from './anomaly-detector.ts';
import type { AnomalyFinding, ModelEvent, PatternBaseline } from './detector-model.ts';

export interface AnomalyDetectorsOptions {
  state: StateStore;
  store: LogStore;
  clock: Clock;
  meter: Meter;
  log: Logger;
  patternMining: PatternMining;
}

const DAY_MS = 86_400_000;
const TRAINING_SPAN_MS = 14 * DAY_MS;
/** The newest of these; on more the counts say little that is new. */
const MOST_TRAINING_EVENTS = 50_000;
const MOST_EVALUATED_EVENTS = 100_000;
const PAGE = 10_000;
const MOST_HISTOGRAM_ENTRIES = 500;
/** Of one evaluation: the gravest. */
const MOST_FINDINGS = 100;
const PRIORITIES = ['HIGH', 'MEDIUM', 'LOW'] as const;

interface Running {
  scope: LogScope;
  document: DetectorDocument;
  timer?: Timer;
}

export class AnomalyDetectors {
  readonly #options: AnomalyDetectorsOptions;
  readonly #running = new Map<string, Running>();
  readonly #evaluations = new Set<Promise<void>>();
  #stopping = new AbortController();

  constructor(options: AnomalyDetectorsOptions) {
    this.#options = { ...options, log: options.log.with({ component: 'log-anomalies' }) };
  }

  async start(): Promise<void> {
    for (const { account, region, value } of await this.#options.state.documents.scan(ANOMALY_DETECTORS)) {
      this.#schedule({ account, region }, value);
    }
  }

  /** Waits for evaluations under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const { timer } of this.#running.values()) timer?.cancel();
    this.#running.clear();
    await Promise.all(this.#evaluations);
  }

  /** Forgets all after the stores were emptied. */
  async reset(): Promise<void> {
    await this.stop();
    this.#stopping = new AbortController();
  }

  async put(scope: LogScope, document: DetectorDocument): Promise<void> {
    await this.#options.state.transact((tx) => tx.documents.put(ANOMALY_DETECTORS, scope, document.id, document));
    this.#schedule(scope, document);
  }

  async delete(scope: LogScope, id: string): Promise<void> {
    this.#running.get(id)?.timer?.cancel();
    this.#running.delete(id);
    await this.#options.state.transact(async (tx) => {
      await tx.documents.delete(ANOMALY_DETECTORS, scope, id);
      await tx.documents.delete(DETECTOR_MODELS, scope, id);
      await tx.documents.deleteRange(LOG_ANOMALIES, scope, { prefix: `${id}/` });
    });
  }

  #schedule({ account, region }: LogScope, document: DetectorDocument): void {
    this.#running.get(document.id)?.timer?.cancel();
    const running: Running = { scope: { account, region }, document };
    this.#running.set(document.id, running);
    if (document.status === 'PAUSED' || document.status === 'FAILED') return;
    const everyMs = FREQUENCY_MS[document.frequency];
    const atMs = Math.max(this.#options.clock.now(), document.evaluatedToMs + everyMs);
    running.timer = this.#options.clock.at(atMs, () => {
      const evaluation = this.#run(running).finally(() => this.#evaluations.delete(evaluation));
      this.#evaluations.add(evaluation);
      return evaluation;
    });
  }

  async #run(running: Running): Promise<void> {
    const { scope, document } = running;
    try {
      const next = await this.#evaluate(scope, document);
      if (this.#running.get(document.id) === running) this.#schedule(scope, next);
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#options.log.warn('a log anomaly detector could not evaluate', { detector: document.name, error });
      const skipped = { ...document, evaluatedToMs: this.#options.clock.now() };
      if (this.#running.get(document.id) === running) this.#schedule(scope, skipped);
    }
  }

  async #evaluate(scope: LogScope, document: DetectorDocument): Promise<DetectorDocument> {
    const { state, store, clock, patternMining } = this.#options;
    const { signal } = this.#stopping;
    const nowMs = clock.now();
    const group = await store.groups.find(scope, document.groupName);
    if (group?.id !== document.groupId) return this.#save(scope, { ...document, status: 'FAILED' });
    const everyMs = FREQUENCY_MS[document.frequency];
    if (document.status !== 'ANALYZING') {
      const events = await this.#events(group, document, nowMs - TRAINING_SPAN_MS, nowMs, MOST_TRAINING_EVENTS);
      const { patterns } = await patternMining.run({ kind: 'train', events, intervalMs: everyMs }, signal);
      return this.#save(scope, { ...document, status: 'ANALYZING', evaluatedToMs: nowMs }, patterns);
    }
    const stored = await state.documents.get(DETECTOR_MODELS, scope, document.id);
    // Counts are held against those of one interval, also after Brume was down for longer.
    const fromMs = Math.max(document.evaluatedToMs, nowMs - everyMs);
    const events = await this.#events(group, document, fromMs, nowMs, MOST_EVALUATED_EVENTS);
    const task = { kind: 'evaluate', patterns: stored?.patterns, events } as const;
    const { findings, patterns } = await patternMining.run(task, signal);
    const gravest = findings
      .sort((a, b) => PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority))
      .slice(0, MOST_FINDINGS);
    return this.#save(scope, { ...document, evaluatedToMs: nowMs }, patterns, gravest);
  }

  /** What was learned, found and done so far, together. */
  async #save(
    scope: LogScope,
    document: DetectorDocument,
    patterns?: PatternBaseline[],
    findings?: readonly AnomalyFinding[],
  ): Promise<DetectorDocument> {
    const { state } = this.#options;
    const saved = await state.transact(async (tx) => {
      const current = await tx.documents.get(ANOMALY_DETECTORS, scope, document.id);
      if (!current) return { document, counted: undefined };
      // What was changed while the evaluation ran stays.
      const paused = current.status === 'PAUSED' ? { status: current.status } : {};
      const { evaluatedToMs, status } = document;
      const next: DetectorDocument = { ...current, evaluatedToMs, status, ...paused };
      await tx.documents.put(ANOMALY_DETECTORS, scope, document.id, next);
      if (patterns) await tx.documents.put(DETECTOR_MODELS, scope, document.id, { patterns });
      const counted = findings && (await this.#saveFindings(tx, scope, next, findings));
      return { document: next, counted };
    });
    if (saved.counted) this.#measure(scope, document.name, saved.counted);
    return saved.document;
  }

  /** Anomalies by priority that are seen now and not suppressed. */
  async #saveFindings(
    tx: Transaction,
    scope: LogScope,
    document: DetectorDocument,
    findings: readonly AnomalyFinding[],
  ): Promise<Map<string, number>> {
    const nowMs = document.evaluatedToMs;
    const counted = new Map<string, number>();
    const stored = await tx.documents.range(LOG_ANOMALIES, scope, { prefix: `${document.id}/` });
    const known = new Map(stored.map(({ value }) => [`${value.kind}/${value.patternId}`, value]));
    const suppressedPatterns = new Set(
      stored.flatMap(({ value }) => (value.patternSuppressed && isSuppressed(value, nowMs) ? value.patternId : [])),
    );
    const put = (anomaly: AnomalyDocument) =>
      tx.documents.put(LOG_ANOMALIES, scope, `${document.id}/${anomaly.id}`, anomaly);
    const seen = new Set<string>();
    for (const finding of findings) {
      const key = `${finding.kind}/${finding.pattern.patternId}`;
      const before = known.get(key);
      if (before?.baseline) continue;
      seen.add(key);
      const anomaly = merge(document, before, finding, nowMs);
      await put(anomaly);
      const suppressed = isSuppressed(anomaly, nowMs) || suppressedPatterns.has(finding.pattern.patternId);
      if (!suppressed) counted.set(finding.priority, (counted.get(finding.priority) ?? 0) + 1);
    }
    for (const [key, anomaly] of known) {
      if (seen.has(key) || anomaly.baseline) continue;
      const old = nowMs - anomaly.firstSeenMs > document.visibilityDays * DAY_MS;
      if (anomaly.active || old) await put({ ...anomaly, active: false, ...(old && { baseline: true }) });
    }
    return counted;
  }

  #measure(scope: LogScope, detector: string, counted: ReadonlyMap<string, number>): void {
    for (const priority of PRIORITIES) {
      this.#options.meter.record(scope, {
        namespace: 'AWS/Logs',
        metricName: 'AnomalyCount',
        dimensions: [{ LogAnomalyDetector: detector, LogAnomalyPriority: priority }],
        value: counted.get(priority) ?? 0,
        unit: 'Count',
      });
    }
  }

  /** The newest events of a time span that the detector's pattern matches, oldest first. */
  async #events(
    group: LogGroup,
    { filterPattern }: DetectorDocument,
    fromMs: number,
    toMs: number,
    most: number,
  ): Promise<PackedEvents[]> {
    const matches = filterPattern ? compileMatcher(parseFilterPattern(filterPattern)) : undefined;
    const pages: PackedEvents[] = [];
    let left = most;
    let before: EventPosition | undefined;
    while (left > 0) {
      const { signal } = this.#stopping;
      const range = { group, fromMs, toMs };
      const page = await this.#options.store.events.backward(range, before, Math.min(left, PAGE), signal);
      const events: ModelEvent[] = [];
      for (const { timestamp, message, ingestion_time } of page.events) {
        // Masked data are not scanned for anomalies.
        const visible = maskedMessage(group, message, ingestion_time);
        if (!matches || matches(new LogLine(visible))) events.push({ timestamp, message: visible });
      }
      pages.push(packEvents(events));
      left -= page.events.length;
      before = page.events[0];
      if (!page.more || !before) break;
    }
    return pages.reverse();
  }
}

function merge(
  document: DetectorDocument,
  before: AnomalyDocument | undefined,
  { kind, priority, description, pattern, count, samples }: AnomalyFinding,
  nowMs: number,
): AnomalyDocument {
  const occurrences: Record<string, number> = { ...before?.histogram, [nowMs]: count };
  const histogram = Object.entries(occurrences).slice(-MOST_HISTOGRAM_ENTRIES);
  return {
    ...(before ?? { id: uuid(), detectorId: document.id, firstSeenMs: nowMs }),
    patternId: pattern.patternId,
    patternString: pattern.patternString,
    patternRegex: pattern.patternRegex,
    kind,
    priority,
    description,
    lastSeenMs: nowMs,
    active: true,
    histogram: Object.fromEntries(histogram),
    samples: samples.map(({ timestamp, message }) => ({ timestamp, message })),
    tokens: pattern.tokens,
  };
}
