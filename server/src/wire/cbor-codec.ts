// CBOR bodies (smithy-rpc-v2-cbor): https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html

import { cbor, tag } from '@smithy/core/cbor';
import { SerializationError } from './serialization-error.ts';
import type { Shape, StructureShape } from './shapes.ts';

/** CBOR tag of an epoch timestamp, in seconds. */
const EPOCH_TAG = 1;

export function decodeCborBody(shape: StructureShape, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let parsed: unknown;
  try {
    parsed = cbor.deserialize(body);
  } catch (cause) {
    throw new SerializationError(`Could not parse request body into CBOR: ${(cause as Error).message}`);
  }
  if (parsed === null || parsed === undefined) return {};
  return decode(shape, parsed) as Record<string, unknown>;
}

function decode(shape: Shape, value: any): unknown {
  switch (shape.kind) {
    case 'structure':
      if (!isPlainMap(value)) throw unexpected('a structure', value);
      for (const member of shape.members) {
        const given = value[member.name];
        if (given === undefined) continue;
        value[member.name] = given === null ? undefined : decode(member.shape, given);
      }
      return value;
    case 'list':
      if (!Array.isArray(value)) throw unexpected('a list', value);
      decodeList(shape.member.shape, value);
      return value;
    case 'map':
      if (!isPlainMap(value)) throw unexpected('a map', value);
      for (const key of Object.keys(value)) {
        if (value[key] === null) delete value[key];
        else value[key] = decode(shape.value.shape, value[key]);
      }
      return value;
    case 'string':
      if (typeof value !== 'string') throw unexpected('a string', value);
      return value;
    case 'number':
      if (typeof value === 'bigint') return Number(value);
      if (typeof value !== 'number') throw unexpected('a number', value);
      return value;
    case 'boolean':
      if (typeof value !== 'boolean') throw unexpected('a boolean', value);
      return value;
    case 'blob':
      if (!(value instanceof Uint8Array)) throw unexpected('a byte string', value);
      return value;
    case 'timestamp':
      return decodeTimestamp(value);
    default:
      return value;
  }
}

function decodeList(memberShape: Shape, list: any[]): void {
  // As in JSON: numbers in place, without an object for each.
  let i = 0;
  if (memberShape.kind === 'number') while (i < list.length && typeof list[i] === 'number') i++;
  for (; i < list.length; i++) {
    const given = list[i];
    if (given === null) throw new SerializationError('A list must not hold null.');
    const decoded = decode(memberShape, given);
    if (decoded !== given) list[i] = decoded;
  }
}

function decodeTimestamp(value: unknown): Date {
  const tagged = value as { tag?: number | bigint; value?: number | bigint };
  const seconds =
    typeof value === 'object' && value !== null && Number(tagged.tag) === EPOCH_TAG ? tagged.value : value;
  if (typeof seconds !== 'number' && typeof seconds !== 'bigint') throw unexpected('a timestamp', value);
  const date = new Date(Math.round(Number(seconds) * 1000));
  if (Number.isNaN(date.getTime())) throw unexpected('a timestamp', value);
  return date;
}

function isPlainMap(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function unexpected(wanted: string, value: unknown): SerializationError {
  const found = Array.isArray(value) ? 'list' : value instanceof Uint8Array ? 'byte string' : typeof value;
  return new SerializationError(`Expected ${wanted}, found ${found}.`);
}

export function encodeCborBody(shape: StructureShape, value: unknown): Uint8Array {
  return serializeCbor(encode(shape, value));
}

export function serializeCbor(value: unknown): Uint8Array {
  return cbor.serialize(value);
}

function encode(shape: Shape, value: any): unknown {
  switch (shape.kind) {
    case 'structure': {
      const output: Record<string, unknown> = {};
      for (const member of shape.members) {
        const given = value[member.name];
        if (given !== undefined && given !== null) output[member.name] = encode(member.shape, given);
      }
      return output;
    }
    case 'list':
      return value.map((item: unknown) =>
        item === null || item === undefined ? null : encode(shape.member.shape, item),
      );
    case 'map': {
      const output: Record<string, unknown> = {};
      for (const [key, item] of Object.entries(value)) {
        if (item !== undefined) output[key] = item === null ? null : encode(shape.value.shape, item);
      }
      return output;
    }
    case 'timestamp':
      return tag({ tag: EPOCH_TAG, value: value.getTime() / 1000 });
    case 'blob':
      return typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    default:
      return value;
  }
}
