// The lengths, patterns, ranges and value sets that AWS declares for members, and its message for what breaks them:
// 1 validation error detected: Value 'x*' at 'logGroupName' failed to satisfy constraint: Member must …

import { AwsError } from '#core/errors.ts';

/** An unanchored pattern as AWS's models write it; the whole value must match. */
export interface TextConstraint {
  min?: number;
  max?: number;
  pattern?: string;
  values?: readonly string[];
}

export interface RangeConstraint {
  min?: number;
  max?: number;
}

/** The newer operations' models have a ValidationException in place of the InvalidParameterException of the others. */
export type InvalidInputCode = 'InvalidParameterException' | 'ValidationException';

const LONGEST_NAME = 512;
/** At most so many are listed in one error. */
const MOST_REPORTED = 10;

export class Constraints {
  readonly #failures: string[] = [];

  text(path: string, value: string | undefined, { min, max, pattern, values }: TextConstraint): this {
    if (value === undefined) return this;
    // The one length that AWS has words of its own for.
    if (max === LONGEST_NAME && value.length > max && (path === 'logGroupName' || path === 'logStreamName')) {
      throw invalidParameter('Invalid LogGroup or LogStream, both must have length less than or equal to 512.');
    }
    if (values && !values.includes(value)) {
      this.#fail(path, value, `Member must satisfy enum value set: [${values.join(', ')}]`);
    }
    this.#length(path, value, value.length, { min, max });
    if (pattern !== undefined && !matches(value, pattern)) {
      this.#fail(path, value, `Member must satisfy regular expression pattern: ${pattern}`);
    }
    return this;
  }

  number(path: string, value: number | undefined, { min, max }: RangeConstraint): this {
    if (value === undefined) return this;
    if (min !== undefined && value < min) {
      this.#fail(path, value, `Member must have value greater than or equal to ${min}`);
    }
    if (max !== undefined && value > max) {
      this.#fail(path, value, `Member must have value less than or equal to ${max}`);
    }
    return this;
  }

  /** AWS shows all of a list, and all that each of its texts must be, whichever breaks what. */
  list(path: string, value: readonly string[] | undefined, range: RangeConstraint, each?: TextConstraint): this {
    if (value === undefined) return this;
    const shown = `[${value.join(', ')}]`;
    this.#length(path, shown, value.length, range);
    if (each) this.#all(path, shown, value, 'Member', each);
    return this;
  }

  /** The same of a map's keys and values. */
  map(
    path: string,
    value: Record<string, string> | undefined,
    range: RangeConstraint,
    key: TextConstraint,
    each: TextConstraint,
  ): this {
    if (value === undefined) return this;
    const entries = Object.entries(value);
    const shown = `{${entries.map((entry) => entry.join('=')).join(', ')}}`;
    this.#length(path, shown, entries.length, range);
    this.#all(path, shown, Object.keys(value), 'Map keys', key);
    this.#all(path, shown, Object.values(value), 'Map value', each);
    return this;
  }

  /** Throws InvalidParameterException, or the error that the operation's model has for it, when anything failed. */
  check(code: InvalidInputCode = 'InvalidParameterException'): void {
    const { length } = this.#failures;
    if (length === 0) return;
    const what = `${length} validation error${length === 1 ? '' : 's'} detected`;
    throw new AwsError(code, `${what}: ${this.#failures.join('; ')}`);
  }

  #length(path: string, value: string, length: number, { min, max }: RangeConstraint): void {
    if (min !== undefined && length < min) {
      this.#fail(path, value, `Member must have length greater than or equal to ${min}`);
    }
    if (max !== undefined && length > max) {
      this.#fail(path, value, `Member must have length less than or equal to ${max}`);
    }
  }

  #all(path: string, shown: string, texts: readonly string[], what: string, constraint: TextConstraint): void {
    if (texts.every((text) => satisfies(text, constraint))) return;
    const { min, max, pattern, values } = constraint;
    const rules = [
      ...(max === undefined ? [] : [`Member must have length less than or equal to ${max}`]),
      ...(min === undefined ? [] : [`Member must have length greater than or equal to ${min}`]),
      ...(pattern === undefined ? [] : [`Member must satisfy regular expression pattern: ${pattern}`]),
      ...(values === undefined ? [] : [`Member must satisfy enum value set: [${values.join(', ')}]`]),
    ];
    this.#fail(path, shown, `${what} must satisfy constraint: [${rules.join(', ')}]`);
  }

  #fail(path: string, value: string | number, must: string): void {
    if (this.#failures.length === MOST_REPORTED) return;
    this.#failures.push(`Value '${value}' at '${path}' failed to satisfy constraint: ${must}`);
  }
}

function satisfies(
  text: string,
  { min = 0, max = Number.POSITIVE_INFINITY, pattern, values }: TextConstraint,
): boolean {
  return (
    text.length >= min &&
    text.length <= max &&
    (values === undefined || values.includes(text)) &&
    (pattern === undefined || matches(text, pattern))
  );
}

function matches(text: string, pattern: string): boolean {
  return new RegExp(`^(?:${pattern})$`, 'su').test(text);
}

export const LOG_GROUP_NAME: TextConstraint = { min: 1, max: LONGEST_NAME, pattern: '[\\.\\-_/#A-Za-z0-9]+' };
export const LOG_GROUP_IDENTIFIER: TextConstraint = { min: 1, max: 2048, pattern: '[\\w#+=/:,.@-]*' };
export const LOG_STREAM_NAME: TextConstraint = { min: 1, max: LONGEST_NAME, pattern: '[^:*]*' };
export const FILTER_NAME: TextConstraint = { min: 1, max: 512, pattern: '[^:*]*' };
export const FILTER_PATTERN: TextConstraint = { max: 1024 };
/** Brume has one account: whom they name changes nothing. */
export const ACCOUNT_IDENTIFIERS: RangeConstraint = { max: 20 };
export const ACCOUNT_ID: TextConstraint = { min: 12, max: 12, pattern: '\\d{12}' };
export const DESCRIBE_LIMIT: RangeConstraint = { min: 1, max: 50 };
export const EVENTS_LIMIT: RangeConstraint = { min: 1, max: 10_000 };
export const TIMESTAMP: RangeConstraint = { min: 0 };
export const QUERY_LANGUAGE: TextConstraint = { values: ['CWLI', 'SQL', 'PPL'] };
export const QUERY_ID: TextConstraint = { min: 1, max: 256 };
export const LOG_GROUP_CLASS: TextConstraint = { values: ['STANDARD', 'INFREQUENT_ACCESS', 'DELIVERY'] };

/** Of an operation whose handler is not asked: deliveries and scheduled queries came with the newer code. */
export function invalidInputCode(operation: string): InvalidInputCode {
  return /Deliver|ScheduledQuer/.test(operation) ? 'ValidationException' : 'InvalidParameterException';
}

export function invalidParameter(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
