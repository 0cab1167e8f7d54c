// PutMetricData: the hot path. A datum of a known metric costs a lookup by its strings as they came and checks on
// numbers; names and dimensions are checked only when a metric is new. Nothing is stored before all is valid.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html

import type { MetricDatum, PutMetricDataInput } from '@aws-sdk/client-cloudwatch';
import { AwsError } from '#core/errors.ts';
import type { Metric, MetricBatch, NewMetric } from '#engines/metrics/metric-store.ts';
import { type Handler, RESPONSE_HEADERS, type RequestContext } from '#wire/service.ts';
import type { ServiceDependencies } from '../../dependencies.ts';
import { type EntityFailure, entityFailure, MAX_ENTITIES } from '../../entity.ts';
import { invalidParameter, invalidValue, missingParameter, mutuallyExclusive } from '../errors.ts';
import { checkDimensions, checkMetricName, checkNamespace } from '../metric-identity.ts';
import { checkUnit, isUnit } from '../unit.ts';

const MAX_DATA = 1000;
const MAX_VALUES = 150;
/** Of the body as sent, compressed or not. */
const MAX_REQUEST_BYTES = 1024 * 1024;
const OLDEST_MS = 14 * 24 * 3_600_000;
const NEWEST_MS = 2 * 3_600_000;
/** Values beyond ±2^360 are refused. */
const LARGEST_VALUE = 2 ** 360;

export function putMetricData({
  metrics,
  clock,
}: Pick<ServiceDependencies, 'metrics' | 'clock'>): Handler<PutMetricDataInput, object> {
  return async (input, context) => {
    checkSize(context);
    const namespace = input.Namespace!;
    checkNamespace(namespace);
    // The in-process callers are AWS services themselves.
    if (namespace.startsWith('AWS/') && context.sourceService === undefined) throw invalidValue('AWS/', 'Namespace');
    const { groups, failure } = collect(input);
    const batch = await metrics.batch(context, namespace);
    const nowMs = clock.now();
    for (const { path, data } of groups) {
      for (let i = 0; i < data.length; i++) addDatum(batch, data[i]!, nowMs, path, i);
    }
    await batch.commit();
    return failure ? { [RESPONSE_HEADERS]: { 'X-Amzn-Failure-Message': failure } } : {};
  };
}

interface Group {
  /** `MetricData`, `EntityMetricData.member.1.MetricData`. */
  path: string;
  data: readonly MetricDatum[];
}

function collect(input: PutMetricDataInput): { groups: Group[]; failure: EntityFailure | undefined } {
  const groups: Group[] = input.MetricData ? [{ path: 'MetricData', data: input.MetricData }] : [];
  let failure: EntityFailure | undefined;
  if (input.EntityMetricData) {
    if (input.StrictEntityValidation === undefined) throw missingParameter('StrictEntityValidation');
    if (input.EntityMetricData.length > MAX_ENTITIES) failure = 'EntitySizeTooLarge';
    for (const [i, { Entity, MetricData }] of input.EntityMetricData.entries()) {
      failure ??= entityFailure(Entity);
      groups.push({ path: `EntityMetricData.member.${i + 1}.MetricData`, data: MetricData ?? [] });
    }
    if (failure && input.StrictEntityValidation) throw invalidParameter(failure);
  }
  const count = groups.reduce((sum, { data }) => sum + data.length, 0);
  if (count === 0) throw missingParameter('MetricData');
  if (count > MAX_DATA)
    throw invalidParameter(`The collection MetricData must not have a size greater than ${MAX_DATA}.`);
  return { groups, failure };
}

function checkSize({ headers }: RequestContext): void {
  const bytes = Number(headers['content-length'] ?? 0);
  if (bytes <= MAX_REQUEST_BYTES) return;
  throw new AwsError('RequestEntityTooLarge', `The request must be no larger than ${MAX_REQUEST_BYTES} bytes.`, {
    status: 413,
  });
}

function addDatum(batch: MetricBatch, datum: MetricDatum, nowMs: number, path: string, i: number): void {
  const metric = batch.find(datum.MetricName!, datum.Dimensions) ?? createMetric(batch, datum, member(path, i));
  const timestampMs = datum.Timestamp === undefined ? nowMs : checkTimestamp(datum.Timestamp, nowMs, path, i);
  const unit = datum.Unit ?? 'None';
  if (!isUnit(unit)) checkUnit(unit, `${member(path, i)}.Unit`);
  const resolution = datum.StorageResolution ?? 60;
  if (resolution !== 60 && resolution !== 1) throw invalidValue(resolution, `${member(path, i)}.StorageResolution`);

  const { Value: value, Values: values, StatisticValues: statistics } = datum;
  if (value !== undefined && values === undefined && statistics === undefined) {
    if (!isStorable(value)) throw invalidNumber(value, `${member(path, i)}.Value`);
    batch.addValue(metric, timestampMs, unit, resolution, value, 1);
  } else addSeveral(batch, metric, datum, timestampMs, unit, resolution, member(path, i));
}

/** Values with counts, or a statistic set; not both, and not none. */
function addSeveral(
  batch: MetricBatch,
  metric: Metric | NewMetric,
  { Value: value, Values: values, Counts: counts, StatisticValues: statistics }: MetricDatum,
  timestampMs: number,
  unit: string,
  resolution: number,
  path: string,
): void {
  if (value !== undefined)
    throw mutuallyExclusive(`${path}.Value`, values ? `${path}.Values` : `${path}.StatisticValues`);
  if (values && statistics) throw mutuallyExclusive(`${path}.Values`, `${path}.StatisticValues`);
  if (statistics) {
    const { SampleCount = Number.NaN, Sum = Number.NaN, Minimum = Number.NaN, Maximum = Number.NaN } = statistics;
    for (const [name, number] of Object.entries({ SampleCount, Sum, Minimum, Maximum })) {
      if (!isStorable(number)) throw invalidNumber(number, `${path}.StatisticValues.${name}`);
    }
    if (SampleCount <= 0) throw invalidValue(SampleCount, `${path}.StatisticValues.SampleCount`);
    if (Minimum > Maximum) {
      throw invalidParameter(
        `The parameter ${path}.StatisticValues.Maximum must be greater than ${path}.StatisticValues.Minimum.`,
      );
    }
    batch.addStatistics(metric, timestampMs, unit, resolution, {
      sampleCount: SampleCount,
      sum: Sum,
      minimum: Minimum,
      maximum: Maximum,
    });
    return;
  }
  if (!values || values.length === 0) {
    throw missingParameter(`${path}.Value`);
  }
  if (values.length > MAX_VALUES) {
    throw invalidParameter(`The collection ${path}.Values must not have a size greater than ${MAX_VALUES}.`);
  }
  if (counts && counts.length !== values.length) {
    throw invalidParameter(`The parameters ${path}.Values and ${path}.Counts must be of the same size.`);
  }
  let idle = false;
  for (let i = 0; i < values.length; i++) {
    const number = values[i]!;
    if (!isStorable(number)) throw invalidNumber(number, `${path}.Values.member.${i + 1}`);
    const count = counts === undefined ? 1 : counts[i]!;
    if (!(count >= 0) || !isStorable(count)) throw invalidNumber(count, `${path}.Counts.member.${i + 1}`);
    if (count === 0) idle = true;
  }
  // A value that did not occur says nothing.
  const occurred = (_: number, i: number) => counts![i]! > 0;
  const kept = idle ? values.filter(occurred) : values;
  if (kept.length > 0)
    batch.addValues(metric, timestampMs, unit, resolution, kept, idle ? counts!.filter(occurred) : counts);
}

function createMetric(batch: MetricBatch, { MetricName, Dimensions }: MetricDatum, path: string): NewMetric {
  checkMetricName(MetricName!, `${path}.MetricName`);
  return batch.create(MetricName!, checkDimensions(Dimensions, `${path}.Dimensions`));
}

function checkTimestamp(timestamp: Date, nowMs: number, path: string, i: number): number {
  const ms = timestamp.getTime();
  const parameter = () => `The parameter ${member(path, i)}.Timestamp`;
  if (ms > nowMs + NEWEST_MS)
    throw invalidParameter(`${parameter()} must specify a time no more than two hours in the future.`);
  if (!(ms >= nowMs - OLDEST_MS))
    throw invalidParameter(`${parameter()} must specify a time within the past two weeks.`);
  return ms;
}

function isStorable(number: number): boolean {
  // NaN fails both comparisons.
  return number <= LARGEST_VALUE && number >= -LARGEST_VALUE;
}

function invalidNumber(number: number, parameter: string): AwsError {
  return invalidValue(Number.isFinite(number) ? number : String(number).replace('Infinity', '∞'), parameter);
}

function member(path: string, i: number): string {
  return `${path}.member.${i + 1}`;
}
