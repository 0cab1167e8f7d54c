// What names a metric: rules for namespaces, metric names and dimensions.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html

import type { Dimension as SdkDimension } from '@aws-sdk/client-cloudwatch';
import type { Dimension } from '#engines/metrics/metric-store.ts';
import { invalidParameter, missingParameter } from './errors.ts';

const LONGEST_NAME = 255;
const LONGEST_DIMENSION_VALUE = 1024;
export const MAX_DIMENSIONS = 30;

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

export function checkNamespace(namespace: string, parameter = 'Namespace'): void {
  checkLength(namespace, parameter, LONGEST_NAME);
  checkAscii(namespace, parameter);
  if (namespace.startsWith(':')) throw invalidParameter(`The parameter ${parameter} must not start with a colon.`);
}

export function checkMetricName(name: string, parameter: string): void {
  checkLength(name, parameter, LONGEST_NAME);
  checkAscii(name, parameter);
}

/** Checked dimensions; absent is none. */
export function checkDimensions(
  dimensions: readonly SdkDimension[] | undefined,
  parameter: string,
): readonly Dimension[] {
  if (dimensions === undefined) return [];
  if (dimensions.length > MAX_DIMENSIONS) {
    throw invalidParameter(`The collection ${parameter} must not have a size greater than ${MAX_DIMENSIONS}.`);
  }
  const names = new Set<string>();
  for (const [i, { Name, Value }] of dimensions.entries()) {
    const member = `${parameter}.member.${i + 1}`;
    if (Name === undefined) throw missingParameter(`${member}.Name`);
    if (Value === undefined) throw missingParameter(`${member}.Value`);
    checkDimensionName(Name, `${member}.Name`);
    checkDimensionValue(Value, `${member}.Value`);
    if (names.has(Name))
      throw invalidParameter(`The collection ${parameter} must not contain the dimension ${Name} twice.`);
    names.add(Name);
  }
  return dimensions as readonly Dimension[];
}

export function checkDimensionName(name: string, parameter: string): void {
  checkLength(name, parameter, LONGEST_NAME);
  checkAscii(name, parameter);
  checkVisible(name, parameter);
  if (name.startsWith(':')) throw invalidParameter(`The parameter ${parameter} must not start with a colon.`);
}

export function checkDimensionValue(value: string, parameter: string): void {
  checkLength(value, parameter, LONGEST_DIMENSION_VALUE);
  checkAscii(value, parameter);
  checkVisible(value, parameter);
}

function checkLength(text: string, parameter: string, longest: number): void {
  if (text.length === 0) throw missingParameter(parameter);
  if (text.length > longest)
    throw invalidParameter(`The parameter ${parameter} must be shorter than ${longest + 1} characters.`);
}

function checkAscii(text: string, parameter: string): void {
  if (!PRINTABLE_ASCII.test(text))
    throw invalidParameter(`The parameter ${parameter} must contain only ASCII characters.`);
}

function checkVisible(text: string, parameter: string): void {
  if (text.trim() === '') {
    throw invalidParameter(`The parameter ${parameter} must contain at least one non-whitespace character.`);
  }
}
