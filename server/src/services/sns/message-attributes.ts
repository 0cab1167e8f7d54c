// The attributes of a notification: what SNS accepts.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html

import type { MessageAttributeValue } from '@aws-sdk/client-sns';
import { AwsError } from '#core/errors.ts';

export interface MessageAttribute {
  /** DataType. */
  t: string;
  /** StringValue. */
  s?: string;
  /** BinaryValue in base64. */
  b?: string;
}

export type MessageAttributes = Record<string, MessageAttribute>;

const MAX_NAME_CHARACTERS = 256;

/** Throws ParameterValueInvalid. */
export function acceptMessageAttributes(
  attributes: Readonly<Record<string, MessageAttributeValue>> | undefined,
): MessageAttributes {
  return Object.fromEntries(
    Object.entries(attributes ?? {}).map(([name, value]) => {
      checkName(name);
      return [name, accept(name, value)];
    }),
  );
}

/** Names, types and values, in UTF-8 bytes. */
export function sizeOfAttributes(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, { t, s, b }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(t);
    bytes += b === undefined ? Buffer.byteLength(s ?? '') : Buffer.byteLength(b, 'base64');
  }
  return bytes;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}

function checkName(name: string): void {
  if (name.length > MAX_NAME_CHARACTERS) {
    throw invalid(`Length of message attribute name must be less than ${MAX_NAME_CHARACTERS} bytes.`);
  }
  const bad = /[^A-Za-z0-9_.-]/u.exec(name);
  if (bad) {
    const code = bad[0].codePointAt(0)!.toString(16).toUpperCase();
    throw invalid(
      `Invalid non-alphanumeric character '#x${code}' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.`,
    );
  }
  if (name.startsWith('.')) throw invalid("Invalid message attribute name starting with character '.' was found.");
  if (name.endsWith('.')) throw invalid("Invalid message attribute name ending with character '.' was found.");
  if (name.includes('..')) throw invalid("Message attribute name can not have successive '.' character.");
}

function accept(name: string, value: MessageAttributeValue): MessageAttribute {
  const { DataType: type = '', StringValue: text, BinaryValue: bytes } = value;
  const base = type.split('.', 1)[0]!;
  if (base !== 'String' && base !== 'Number' && base !== 'Binary') {
    throw invalid(
      `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
    );
  }
  if (!text && !bytes?.length) {
    throw invalid(
      `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${type}'.`,
    );
  }
  if (base === 'Binary') {
    if (!bytes?.length) throw invalid(`The message attribute '${name}' with type 'Binary' must use field 'Binary'.`);
    return { t: type, b: Buffer.from(bytes).toString('base64') };
  }
  if (!text) throw invalid(`The message attribute '${name}' with type '${base}' must use field 'String'.`);
  if (base === 'Number' && !/^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/.test(text)) {
    throw invalid(`Could not cast message attribute '${name}' value to number.`);
  }
  return { t: type, s: text };
}
