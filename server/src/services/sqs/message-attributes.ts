// Message attributes: what SQS accepts, how large it counts them, and the digest that clients compare.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html

import { createHash } from 'node:crypto';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { AwsError } from '#core/errors.ts';
import { invalidParameterValue } from './errors.ts';
import { ALLOWED_CHARACTERS, findForbiddenCharacter } from './message-body.ts';

/** As it is stored: plain JSON. */
export interface StoredAttribute {
  /** DataType. */
  t: string;
  /** StringValue. */
  s?: string;
  /** BinaryValue in base64. */
  b?: string;
}

export type StoredAttributes = Record<string, StoredAttribute>;

const MAX_ATTRIBUTES = 10;
const MAX_NAME_CHARACTERS = 256;
const MAX_TYPE_CHARACTERS = 256;

/** Checks the attributes of one message; throws InvalidParameterValue. */
export function acceptMessageAttributes(
  attributes: Record<string, MessageAttributeValue> | undefined,
): StoredAttributes | undefined {
  const entries = Object.entries(attributes ?? {});
  if (entries.length === 0) return undefined;
  if (entries.length > MAX_ATTRIBUTES) {
    throw invalidParameterValue(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`,
    );
  }
  return Object.fromEntries(
    entries.map(([name, value]) => {
      checkName(name);
      return [name, acceptAttribute(name, value, 'user')];
    }),
  );
}

/** The only system attribute that a sender may give is the X-Ray header. */
export function acceptSystemAttributes(
  attributes: Record<string, MessageAttributeValue> | undefined,
): StoredAttributes | undefined {
  const entries = Object.entries(attributes ?? {});
  if (entries.length === 0) return undefined;
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (name !== 'AWSTraceHeader') {
        throw invalidParameterValue(`Message system attribute name '${name}' is invalid.`);
      }
      const accepted = acceptAttribute(name, value, 'system');
      if (accepted.t !== 'String') {
        throw invalidParameterValue(`Message (system) attribute '${name}' must have type 'String'.`);
      }
      return [name, accepted];
    }),
  );
}

/** Names, types and values, in UTF-8 bytes: they count against the size of the message. */
export function sizeOfAttributes(attributes: StoredAttributes | undefined): number {
  let bytes = 0;
  for (const [name, { t, s, b }] of Object.entries(attributes ?? {})) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(t);
    bytes += b === undefined ? Buffer.byteLength(s ?? '') : Buffer.byteLength(b, 'base64');
  }
  return bytes;
}

/**
 * The digest of a set of attributes, sorted by name: of each the name, the type and the value, each behind its length
 * as four bytes, and before the value one byte, 1 for text and 2 for binary.
 */
export function md5OfAttributes(attributes: StoredAttributes | undefined): string | undefined {
  if (!attributes) return undefined;
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const add = (bytes: Buffer) => {
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of names) {
    const { t, s, b } = attributes[name]!;
    add(Buffer.from(name));
    add(Buffer.from(t));
    hash.update(b === undefined ? TEXT : BINARY);
    add(b === undefined ? Buffer.from(s ?? '') : Buffer.from(b, 'base64'));
  }
  return hash.digest('hex');
}

/** The attributes whose names were asked for: exact names, `prefix.*`, `.*` or `All`. */
export function selectAttributes(
  attributes: StoredAttributes | undefined,
  names: readonly string[] | undefined,
): StoredAttributes | undefined {
  if (!attributes || !names?.length) return undefined;
  if (names.includes('All') || names.includes('.*')) return attributes;
  const prefixes = names.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -2));
  const exact = new Set(names);
  const selected = Object.entries(attributes).filter(
    ([name]) => exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix)),
  );
  return selected.length > 0 ? Object.fromEntries(selected) : undefined;
}

/** The SDK's form. */
export function sdkAttributes(attributes: StoredAttributes): Record<string, MessageAttributeValue> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { t, s, b }]) => [
      name,
      b === undefined ? { StringValue: s, DataType: t } : { BinaryValue: Buffer.from(b, 'base64'), DataType: t },
    ]),
  );
}

const TEXT = Buffer.from([1]);
const BINARY = Buffer.from([2]);

function checkName(name: string): void {
  if (name.length === 0) throw invalidParameterValue('The message attribute name can not be empty.');
  if (name.length > MAX_NAME_CHARACTERS) {
    throw invalidParameterValue(`Length of message attribute name must be less than ${MAX_NAME_CHARACTERS} bytes.`);
  }
  const bad = /[^A-Za-z0-9_.-]/u.exec(name);
  if (bad) {
    const code = bad[0].codePointAt(0)!.toString(16).toUpperCase();
    throw invalidParameterValue(
      `Invalid non-alphanumeric character '#x${code}' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.`,
    );
  }
  if (/^(aws|amazon)\./i.test(name)) {
    throw invalidParameterValue(
      "Message attribute names starting with 'AWS.' or 'Amazon.' are reserved for use by Amazon.",
    );
  }
  if (name.startsWith('.')) {
    throw invalidParameterValue("Invalid message attribute name starting with character '.' was found.");
  }
  if (name.endsWith('.')) {
    throw invalidParameterValue("Invalid message attribute name ending with character '.' was found.");
  }
  if (name.includes('..')) throw invalidParameterValue("Message attribute name can not have successive '.' character.");
}

function acceptAttribute(name: string, value: MessageAttributeValue, kind: 'user' | 'system'): StoredAttribute {
  const what = `Message (${kind}) attribute '${name}'`;
  if (value.StringListValues?.length || value.BinaryListValues?.length) {
    throw new AwsError(
      'UnsupportedOperation',
      'Message attribute list values in SendMessage operation are not supported.',
    );
  }
  const type = value.DataType ?? '';
  if (type === '')
    throw invalidParameterValue(`The message attribute '${name}' must contain non-empty message attribute type.`);
  if (type.length > MAX_TYPE_CHARACTERS) {
    throw invalidParameterValue(`Length of message attribute type must be less than ${MAX_TYPE_CHARACTERS} bytes.`);
  }
  const base = type.split('.', 1)[0]!;
  if (base === 'Binary') {
    if (value.StringValue) {
      throw invalidParameterValue(`The message attribute '${name}' with type 'Binary' must use field 'Binary'.`);
    }
    if (!value.BinaryValue?.length)
      throw invalidParameterValue(`${what} must contain a non-empty value of type 'Binary'.`);
    return { t: type, b: Buffer.from(value.BinaryValue).toString('base64') };
  }
  if (base !== 'String' && base !== 'Number') {
    throw invalidParameterValue(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  if (value.BinaryValue?.length) {
    throw invalidParameterValue(`The message attribute '${name}' with type '${base}' must use field 'String'.`);
  }
  const text = value.StringValue ?? '';
  if (text === '') throw invalidParameterValue(`${what} must contain a non-empty value of type 'String'.`);
  const forbidden = findForbiddenCharacter(text);
  if (forbidden) {
    throw invalidParameterValue(
      `Invalid binary character '${forbidden}' was found in the message attribute '${name}' value, the set of allowed characters is ${ALLOWED_CHARACTERS}.`,
    );
  }
  if (base === 'Number' && !isNumber(text)) {
    throw invalidParameterValue(`Could not cast message attribute '${name}' value to number.`);
  }
  return { t: type, s: text };
}

function isNumber(text: string): boolean {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(text);
}
