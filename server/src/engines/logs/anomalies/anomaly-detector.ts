// Log anomaly detectors, what they found, and what they know, as they are kept.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/LogsAnomalyDetection.html

import type { PatternToken } from '#engines/log-patterns/log-patterns.ts';
import type { AnomalyPriority } from '#engines/log-patterns/pattern-anomalies.ts';
import { defineCollection } from '#storage/state/state.ts';
import type { LogEventInput } from '../log-store.ts';
import type { PatternBaseline } from './detector-model.ts';

export type EvaluationFrequency = 'ONE_MIN' | 'FIVE_MIN' | 'TEN_MIN' | 'FIFTEEN_MIN' | 'THIRTY_MIN' | 'ONE_HOUR';
export type DetectorStatus = 'INITIALIZING' | 'TRAINING' | 'ANALYZING' | 'FAILED' | 'PAUSED';

export interface DetectorDocument {
  id: string;
  name: string;
  groupId: number;
  groupName: string;
  frequency: EvaluationFrequency;
  filterPattern?: string;
  kmsKeyId?: string;
  visibilityDays: number;
  status: DetectorStatus;
  createdAtMs: number;
  modifiedAtMs: number;
  /** Events before it are evaluated. */
  evaluatedToMs: number;
  tags: Record<string, string>;
}

/** Keyed by the detector's id. */
export const ANOMALY_DETECTORS = defineCollection<DetectorDocument>('logs.anomaly-detectors');

/** Keyed by the detector's id. */
export const DETECTOR_MODELS = defineCollection<{ patterns: PatternBaseline[] }>('logs.anomaly-models');

export interface AnomalyDocument {
  id: string;
  detectorId: string;
  patternId: string;
  patternString: string;
  patternRegex: string;
  kind: string;
  priority: AnomalyPriority;
  description: string;
  firstSeenMs: number;
  lastSeenMs: number;
  active: boolean;
  /** Treated as normal from now on. */
  baseline?: boolean;
  suppressedAtMs?: number;
  /** Absent when suppressed for ever. */
  suppressedUntilMs?: number;
  patternSuppressed?: boolean;
  /** Time of an evaluation in milliseconds -> occurrences. */
  histogram: Record<string, number>;
  samples: LogEventInput[];
  tokens: PatternToken[];
}

/** Keyed by `DETECTOR/ANOMALY`. */
export const LOG_ANOMALIES = defineCollection<AnomalyDocument>('logs.anomalies');

const MINUTE_MS = 60_000;
export const FREQUENCY_MS: Readonly<Record<EvaluationFrequency, number>> = {
  ONE_MIN: MINUTE_MS,
  FIVE_MIN: 5 * MINUTE_MS,
  TEN_MIN: 10 * MINUTE_MS,
  FIFTEEN_MIN: 15 * MINUTE_MS,
  THIRTY_MIN: 30 * MINUTE_MS,
  ONE_HOUR: 60 * MINUTE_MS,
};

/** A limited suppression ends by itself. */
export function isSuppressed({ suppressedAtMs, suppressedUntilMs }: AnomalyDocument, nowMs: number): boolean {
  return suppressedAtMs !== undefined && (suppressedUntilMs === undefined || suppressedUntilMs > nowMs);
}
