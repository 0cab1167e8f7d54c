// Log anomaly detectors and the anomalies that they find. The engine runs them (engines/logs/anomalies).
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogAnomalyDetector.html

import type {
  Anomaly,
  AnomalyDetector,
  CreateLogAnomalyDetectorRequest,
  CreateLogAnomalyDetectorResponse,
  DeleteLogAnomalyDetectorRequest,
  GetLogAnomalyDetectorRequest,
  GetLogAnomalyDetectorResponse,
  ListAnomaliesRequest,
  ListAnomaliesResponse,
  ListLogAnomalyDetectorsRequest,
  ListLogAnomalyDetectorsResponse,
  UpdateAnomalyRequest,
  UpdateLogAnomalyDetectorRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { formatArn, parseArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import {
  ANOMALY_DETECTORS,
  type AnomalyDocument,
  type DetectorDocument,
  type EvaluationFrequency,
  FREQUENCY_MS,
  isSuppressed,
  LOG_ANOMALIES,
} from '#engines/logs/anomalies/anomaly-detector.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, FILTER_PATTERN, invalidParameter, LOG_GROUP_IDENTIFIER } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { nameOf, requireIdentifiedGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';
import { parsePattern } from '../pattern.ts';
import { checkTags } from '../tags.ts';

const MOST_DETECTORS = 500;
const DEFAULT_LIMIT = 50;
const DEFAULT_VISIBILITY_DAYS = 21;
const LIMIT = { min: 1, max: 50 };
const VISIBILITY = { min: 7, max: 90 };
const FREQUENCY = { values: Object.keys(FREQUENCY_MS) };
const DETECTOR_ARN = { min: 1, pattern: '[\\w#+=/:,.@-]*' };
const SUPPRESSION_UNIT_MS: Record<string, number> = { SECONDS: 1_000, MINUTES: 60_000, HOURS: 3_600_000 };

export function createLogAnomalyDetector(
  logs: Logs,
): Handler<CreateLogAnomalyDetectorRequest, CreateLogAnomalyDetectorResponse> {
  return async (input, context) => {
    const { logGroupArnList, detectorName, evaluationFrequency = 'FIVE_MIN', filterPattern, kmsKeyId, tags } = input;
    const { anomalyVisibilityTime } = input;
    new Constraints()
      .list('logGroupArnList', logGroupArnList!, { min: 1, max: 1 }, LOG_GROUP_IDENTIFIER)
      .text('detectorName', detectorName, { min: 1 })
      .text('evaluationFrequency', evaluationFrequency, FREQUENCY)
      .text('filterPattern', filterPattern, FILTER_PATTERN)
      .text('kmsKeyId', kmsKeyId, { max: 256, pattern: '^arn:aws[a-z\\-]*:kms:[-a-z0-9]*:[0-9]*:key/[-a-z0-9]*$' })
      .number('anomalyVisibilityTime', anomalyVisibilityTime, VISIBILITY)
      .check();
    if (tags) checkTags(tags);
    const arn = logGroupArnList![0]!;
    if (!arn.startsWith('arn:')) throw invalidParameter(`The specified log group ARN is invalid: ${arn}`);
    parsePattern(filterPattern, 'Invalid filter pattern');
    const group = await requireIdentifiedGroup(logs, context, arn);
    refuseInfrequentAccess(group, 'CreateLogAnomalyDetector');
    const existing = await logs.sharing.state.documents.range(ANOMALY_DETECTORS, context, {});
    if (existing.length >= MOST_DETECTORS) throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
    const nowMs = logs.clock.now();
    const document: DetectorDocument = {
      id: uuid(),
      name: detectorName ?? group.name,
      groupId: group.id,
      groupName: group.name,
      frequency: evaluationFrequency as EvaluationFrequency,
      ...(filterPattern && { filterPattern }),
      ...(kmsKeyId && { kmsKeyId }),
      visibilityDays: anomalyVisibilityTime ?? DEFAULT_VISIBILITY_DAYS,
      status: 'TRAINING',
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
      evaluatedToMs: nowMs,
      tags: tags ?? {},
    };
    await logs.anomalies.put(context, document);
    return { anomalyDetectorArn: arnOf(context, document.id) };
  };
}

export function getLogAnomalyDetector(
  logs: Logs,
): Handler<GetLogAnomalyDetectorRequest, GetLogAnomalyDetectorResponse> {
  return async ({ anomalyDetectorArn }, context) => {
    const document = await requireDetector(logs, context, anomalyDetectorArn!);
    const { anomalyDetectorArn: _, ...described } = describe(context, document);
    return described;
  };
}

export function listLogAnomalyDetectors(
  logs: Logs,
): Handler<ListLogAnomalyDetectorsRequest, ListLogAnomalyDetectorsResponse> {
  return async ({ filterLogGroupArn, limit = DEFAULT_LIMIT, nextToken }, context) => {
    new Constraints()
      .text('filterLogGroupArn', filterLogGroupArn, LOG_GROUP_IDENTIFIER)
      .number('limit', limit, LIMIT)
      .check();
    const groupName = filterLogGroupArn === undefined ? undefined : nameOf(filterLogGroupArn, context);
    const stored = await logs.sharing.state.documents.range(ANOMALY_DETECTORS, context, {});
    const found = stored.filter(({ value }) => filterLogGroupArn === undefined || value.groupName === groupName);
    const { page, nextToken: next } = pageByName(found, ({ key }) => key, limit, nextToken);
    return {
      anomalyDetectors: page.map(({ value }) => describe(context, value)),
      ...(next && { nextToken: next }),
    };
  };
}

/** `enabled: false` pauses the detector; it goes on with what it knew. */
export function updateLogAnomalyDetector(logs: Logs): Handler<UpdateLogAnomalyDetectorRequest, object> {
  return async (input, context) => {
    const { evaluationFrequency, filterPattern, anomalyVisibilityTime, enabled } = input;
    new Constraints()
      .text('evaluationFrequency', evaluationFrequency, FREQUENCY)
      .text('filterPattern', filterPattern, FILTER_PATTERN)
      .number('anomalyVisibilityTime', anomalyVisibilityTime, VISIBILITY)
      .check();
    parsePattern(filterPattern, 'Invalid filter pattern');
    const document = await requireDetector(logs, context, input.anomalyDetectorArn!);
    const nowMs = logs.clock.now();
    const resumed = document.status === 'PAUSED' && enabled;
    await logs.anomalies.put(context, {
      ...document,
      ...(evaluationFrequency && { frequency: evaluationFrequency as EvaluationFrequency }),
      ...(filterPattern !== undefined && { filterPattern }),
      ...(anomalyVisibilityTime !== undefined && { visibilityDays: anomalyVisibilityTime }),
      ...(!enabled && { status: 'PAUSED' as const }),
      // What it learned may be old: it is trained again.
      ...(resumed && { status: 'TRAINING' as const, evaluatedToMs: nowMs }),
      modifiedAtMs: nowMs,
    });
    return {};
  };
}

export function deleteLogAnomalyDetector(logs: Logs): Handler<DeleteLogAnomalyDetectorRequest, object> {
  return async ({ anomalyDetectorArn }, context) => {
    const { id } = await requireDetector(logs, context, anomalyDetectorArn!);
    await logs.anomalies.delete(context, id);
    return {};
  };
}

export function listAnomalies(logs: Logs): Handler<ListAnomaliesRequest, ListAnomaliesResponse> {
  return async ({ anomalyDetectorArn, suppressionState, limit = DEFAULT_LIMIT, nextToken }, context) => {
    new Constraints()
      .text('suppressionState', suppressionState, { values: ['SUPPRESSED', 'UNSUPPRESSED'] })
      .number('limit', limit, LIMIT)
      .check();
    const detector =
      anomalyDetectorArn === undefined ? undefined : await requireDetector(logs, context, anomalyDetectorArn);
    const { documents } = logs.sharing.state;
    const stored = await documents.range(LOG_ANOMALIES, context, detector ? { prefix: `${detector.id}/` } : {});
    const detectors = new Map(
      (await documents.range(ANOMALY_DETECTORS, context, {})).map(({ value }) => [value.id, value]),
    );
    const nowMs = logs.clock.now();
    const found = stored.filter(
      ({ value }) =>
        detectors.has(value.detectorId) &&
        (suppressionState === undefined || isSuppressed(value, nowMs) === (suppressionState === 'SUPPRESSED')),
    );
    const { page, nextToken: next } = pageByName(found, ({ key }) => key, limit, nextToken);
    return {
      anomalies: page.map(({ value }) => describeAnomaly(context, detectors.get(value.detectorId)!, value, nowMs)),
      ...(next && { nextToken: next }),
    };
  };
}

/** Suppresses, ends a suppression (without suppressionType), or makes what was found normal (baseline). */
export function updateAnomaly(logs: Logs): Handler<UpdateAnomalyRequest, object> {
  return async (input, context) => {
    const { anomalyId, patternId, suppressionType, suppressionPeriod, baseline } = input;
    new Constraints()
      .text('anomalyDetectorArn', input.anomalyDetectorArn, DETECTOR_ARN)
      .text('anomalyId', anomalyId, { min: 36, max: 36 })
      .text('patternId', patternId, { min: 32, max: 32 })
      .text('suppressionType', suppressionType, { values: ['LIMITED', 'INFINITE'] })
      .text('suppressionPeriod.suppressionUnit', suppressionPeriod?.suppressionUnit, {
        values: Object.keys(SUPPRESSION_UNIT_MS),
      })
      .check();
    if ((anomalyId === undefined) === (patternId === undefined)) {
      throw invalidParameter('Exactly one of anomalyId and patternId must be specified.');
    }
    const periodMs =
      (suppressionPeriod?.value ?? 0) * (SUPPRESSION_UNIT_MS[suppressionPeriod?.suppressionUnit ?? ''] ?? 0);
    if (suppressionType === 'LIMITED' && periodMs <= 0) {
      throw invalidParameter('suppressionPeriod must be specified when suppressionType is LIMITED.');
    }
    const detector = await requireDetector(logs, context, input.anomalyDetectorArn!);
    const nowMs = logs.clock.now();
    const changed = await logs.sharing.state.transact(async (tx) => {
      const stored = await tx.documents.range(LOG_ANOMALIES, context, { prefix: `${detector.id}/` });
      const chosen = stored.filter(({ value }) =>
        anomalyId === undefined ? value.patternId === patternId : value.id === anomalyId,
      );
      for (const { key, value } of chosen) {
        const { suppressedAtMs, suppressedUntilMs, patternSuppressed, ...rest } = value;
        const next: AnomalyDocument = {
          ...rest,
          ...(baseline && { baseline, active: false }),
          ...(suppressionType && { suppressedAtMs: nowMs }),
          ...(suppressionType === 'LIMITED' && { suppressedUntilMs: nowMs + periodMs }),
          ...(suppressionType && patternId !== undefined && { patternSuppressed: true }),
        };
        await tx.documents.put(LOG_ANOMALIES, context, key, next);
      }
      return chosen.length;
    });
    if (changed === 0) throw new AwsError('ResourceNotFoundException', 'The specified anomaly does not exist.');
    return {};
  };
}

async function requireDetector(logs: Logs, scope: LogScope, arn: string): Promise<DetectorDocument> {
  new Constraints().text('anomalyDetectorArn', arn, DETECTOR_ARN).check();
  const parsed = parseArn(arn);
  const id = /^anomaly-detector:([\w-]+)$/.exec(parsed?.resource ?? '')?.[1];
  if (parsed?.service !== 'logs' || id === undefined) {
    throw invalidParameter(`The specified anomaly detector ARN is invalid: ${arn}`);
  }
  const own = parsed.account === scope.account && parsed.region === scope.region;
  const document = own ? await logs.sharing.state.documents.get(ANOMALY_DETECTORS, scope, id) : undefined;
  if (!document) throw new AwsError('ResourceNotFoundException', 'The specified anomaly detector does not exist.');
  return document;
}

function arnOf({ account, region }: LogScope, id: string): string {
  return formatArn({ service: 'logs', account, region, resource: `anomaly-detector:${id}` });
}

function groupArn({ account, region }: LogScope, name: string): string {
  return formatArn({ service: 'logs', account, region, resource: `log-group:${name}` });
}

function describe(scope: LogScope, document: DetectorDocument): AnomalyDetector {
  return {
    anomalyDetectorArn: arnOf(scope, document.id),
    detectorName: document.name,
    logGroupArnList: [groupArn(scope, document.groupName)],
    evaluationFrequency: document.frequency,
    ...(document.filterPattern !== undefined && { filterPattern: document.filterPattern }),
    anomalyDetectorStatus: document.status,
    ...(document.kmsKeyId && { kmsKeyId: document.kmsKeyId }),
    creationTimeStamp: document.createdAtMs,
    lastModifiedTimeStamp: document.modifiedAtMs,
    anomalyVisibilityTime: document.visibilityDays,
  };
}

function describeAnomaly(
  scope: LogScope,
  detector: DetectorDocument,
  anomaly: AnomalyDocument,
  nowMs: number,
): Anomaly {
  const suppressed = isSuppressed(anomaly, nowMs);
  return {
    anomalyId: anomaly.id,
    patternId: anomaly.patternId,
    anomalyDetectorArn: arnOf(scope, anomaly.detectorId),
    patternString: anomaly.patternString,
    patternRegex: anomaly.patternRegex,
    priority: anomaly.priority,
    firstSeen: anomaly.firstSeenMs,
    lastSeen: anomaly.lastSeenMs,
    description: anomaly.description,
    active: anomaly.active,
    state: anomaly.baseline ? 'Baseline' : suppressed ? 'Suppressed' : 'Active',
    histogram: anomaly.histogram,
    logSamples: anomaly.samples,
    patternTokens: anomaly.tokens,
    logGroupArnList: [groupArn(scope, detector.groupName)],
    suppressed,
    ...(suppressed && { suppressedDate: anomaly.suppressedAtMs! }),
    ...(suppressed && anomaly.suppressedUntilMs !== undefined && { suppressedUntil: anomaly.suppressedUntilMs }),
    isPatternLevelSuppression: anomaly.patternSuppressed ?? false,
  };
}
