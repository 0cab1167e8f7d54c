// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutMetricFilter.html

import { type MetricTransformation, type PutMetricFilterRequest, StandardUnit } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import {
  countRegexes,
  type FilterPattern,
  FilterPatternError,
  parseValueSelector,
  type ValueSelector,
} from '#engines/filter-pattern/filter-pattern.ts';
import type { LogGroup } from '#engines/logs/log-group.ts';
import type { MetricTransformation as StoredTransformation } from '#engines/logs/metric-filter.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, FILTER_NAME, FILTER_PATTERN, invalidParameter, LOG_GROUP_NAME } from '../constraints.ts';
import { refuseInfrequentAccess } from '../log-class.ts';
import { groupDoesNotExist, requireGroup } from '../log-group-reference.ts';
import type { Logs } from '../logs.ts';
import { parsePattern } from '../pattern.ts';
import { checkSystemFieldCriteria, checkSystemFields } from '../selection.ts';

const MOST_FILTERS = 100;
const MOST_FILTERS_WITH_REGEX = 5;
const MOST_DIMENSIONS = 3;
const METRIC_NAME = { max: 255, pattern: '[^:*$]*' };

export function putMetricFilter(logs: Logs): Handler<PutMetricFilterRequest, object> {
  return async (input, context) => {
    const filterName = input.filterName!;
    const filterPattern = input.filterPattern!;
    const transformations = input.metricTransformations!;
    const systemFields = input.emitSystemFieldDimensions ?? [];
    const constraints = new Constraints()
      .text('logGroupName', input.logGroupName, LOG_GROUP_NAME)
      .text('filterName', filterName, FILTER_NAME)
      .text('filterPattern', filterPattern, FILTER_PATTERN)
      .list('metricTransformations', transformations.map(textOf), { min: 1, max: 1 })
      .text('fieldSelectionCriteria', input.fieldSelectionCriteria, { max: 2000 });
    for (const [i, transformation] of transformations.entries()) {
      checkTransformation(constraints, `metricTransformations.${i + 1}.member`, transformation);
    }
    constraints.check();
    checkSystemFields(systemFields);
    const group = await requireGroup(logs, context, input.logGroupName!);
    refuseInfrequentAccess(group, 'PutMetricFilter', 'InvalidOperationException');
    const pattern = parsePattern(filterPattern, 'Invalid metric filter pattern');
    for (const transformation of transformations) checkMeaning(pattern, transformation, systemFields.length);
    checkSystemFieldCriteria(input.fieldSelectionCriteria);
    checkQuotas(logs, group, filterName, filterPattern);
    const stored = await logs.store.metricFilters.put(group, {
      name: filterName,
      pattern: filterPattern,
      createdAtMs: group.metricFilters.get(filterName)?.document.createdAtMs ?? logs.clock.now(),
      transformations: transformations.map(toStored),
      ...(systemFields.length > 0 && { systemFieldDimensions: systemFields }),
      ...(input.applyOnTransformedLogs && { applyOnTransformedLogs: true }),
      ...(input.fieldSelectionCriteria && { fieldSelectionCriteria: input.fieldSelectionCriteria }),
    });
    if (!stored) throw groupDoesNotExist();
    return {};
  };
}

function checkTransformation(constraints: Constraints, path: string, transformation: MetricTransformation): void {
  const { metricName, metricNamespace, metricValue, unit, dimensions } = transformation;
  constraints
    .text(`${path}.metricName`, metricName, METRIC_NAME)
    .text(`${path}.metricNamespace`, metricNamespace, METRIC_NAME)
    .text(`${path}.metricValue`, metricValue, { max: 100 })
    .text(`${path}.unit`, unit, { values: Object.values(StandardUnit) })
    .map(`${path}.dimensions`, dimensions, {}, { max: 255 }, { max: 255 });
}

/** As AWS's message has it. */
function textOf(transformation: MetricTransformation): string {
  const { metricName, metricNamespace, metricValue, defaultValue = null, unit = null, dimensions } = transformation;
  const pairs = dimensions ? `{${Object.entries(dimensions).map((pair) => pair.join('='))}}` : null;
  return (
    `MetricTransformation(metricName=${metricName}, metricNamespace=${metricNamespace}, metricValue=${metricValue}, ` +
    `defaultValue=${defaultValue}, unit=${unit}, dimensions=${pairs})`
  );
}

/** What a transformation may ask of a pattern of this kind. */
function checkMeaning(pattern: FilterPattern, transformation: MetricTransformation, systemDimensions: number): void {
  const { metricName, metricNamespace, metricValue, defaultValue, dimensions = {} } = transformation;
  if (!metricName || !metricNamespace) {
    throw invalidParameter('Invalid metric transformation: metric name and namespace must not be empty');
  }
  const selectors = Object.values(dimensions);
  const dimensionCount = selectors.length + systemDimensions;
  if (dimensionCount > 0 && defaultValue !== undefined) {
    throw invalidParameter(
      'Invalid metric transformation: dimensions and default value are mutually exclusive properties',
    );
  }
  if (dimensionCount > MOST_DIMENSIONS) {
    throw invalidParameter('Number of dimensions exceeds the maximum number of dimensions supported per metric filter');
  }
  if (selectors.length > 0 && pattern.kind !== 'json' && pattern.kind !== 'delimited') {
    throw invalidParameter('The specified filter pattern does not support dimensions');
  }
  if (defaultValue !== undefined && !Number.isFinite(defaultValue)) {
    throw invalidParameter('Invalid metric transformation: default value must be a finite number');
  }
  if (metricValue!.trim() === '' || !Number.isFinite(Number(metricValue))) {
    checkSelector(pattern, metricValue!, `metric value ${metricValue} must be a valid number`);
  }
  for (const selector of selectors) checkSelector(pattern, selector, 'dimension value must be valid selector');
}

/** A field that a space-delimited pattern does not name is none of its events': AWS takes it all the same. */
function checkSelector(pattern: FilterPattern, text: string, reason: string): void {
  const wanted = parseSelector(text)?.kind;
  const fits = wanted === 'json' ? pattern.kind === 'json' : wanted === 'field' && pattern.kind === 'delimited';
  if (!fits) throw invalidParameter(`Invalid metric transformation: ${reason}`);
}

function parseSelector(text: string): ValueSelector | undefined {
  try {
    return parseValueSelector(text);
  } catch (error) {
    if (error instanceof FilterPatternError) return undefined;
    throw error;
  }
}

/** Filters of both kinds share the quota of those with regular expressions. */
function checkQuotas({ sharing }: Logs, group: LogGroup, name: string, pattern: string): void {
  const others = [...group.metricFilters.values()].map(({ document }) => document).filter((it) => it.name !== name);
  const withRegex = [...others, ...sharing.subscriptions.list(group)].filter((it) => countRegexes(it.pattern) > 0);
  const exceeded =
    others.length >= MOST_FILTERS || (countRegexes(pattern) > 0 && withRegex.length >= MOST_FILTERS_WITH_REGEX);
  if (exceeded) throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
}

function toStored(transformation: MetricTransformation): StoredTransformation {
  const { metricName, metricNamespace, metricValue, defaultValue, unit, dimensions } = transformation;
  return {
    namespace: metricNamespace!,
    name: metricName!,
    value: metricValue!,
    ...(defaultValue !== undefined && { defaultValue }),
    ...(unit !== undefined && { unit }),
    ...(dimensions && Object.keys(dimensions).length > 0 && { dimensions }),
  };
}
