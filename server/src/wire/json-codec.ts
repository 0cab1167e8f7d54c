// JSON bodies (awsJson, restJson1). Decoding checks types in place on what JSON.parse gave, so a large body costs
// little more than JSON.parse; messages are those of AWS's own parser.

import { isUtf8 } from 'node:buffer';
import { SerializationError } from './serialization-error.ts';
import type { Member, Shape, StructureShape } from './shapes.ts';
import { parseTimestamp } from './timestamps.ts';

export interface JsonCodec {
  /** A member's name on the wire: restJson1 honours jsonName. */
  useJsonName: boolean;
  /** Set by the decoder when a required member is missing somewhere, so that nobody needs to look again when not. */
  incomplete?: boolean;
}

/** Parses a body that holds a structure; an empty body is an empty structure. */
export function decodeJsonBody(shape: StructureShape, body: Buffer, codec: JsonCodec): Record<string, unknown> {
  const parsed = body.length === 0 ? {} : parseJson(body);
  if (parsed === null) return {};
  return decode(shape, parsed, codec) as Record<string, unknown>;
}

export function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new SerializationError('Invalid UTF-8 in the request body');
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (cause) {
    throw new SerializationError(`Could not parse request body into json: ${(cause as Error).message}`);
  }
}

/** Checks and converts one parsed value; structures, lists and maps are changed in place. */
export function decodeJson(shape: Shape, value: unknown, codec: JsonCodec): unknown {
  return decode(shape, value, codec);
}

function decode(shape: Shape, value: any, codec: JsonCodec): unknown {
  switch (shape.kind) {
    case 'string':
      if (typeof value === 'string') return value;
      throw mismatch(value, 'a String');
    case 'number':
      if (typeof value === 'number') return value;
      return decodeNumberText(value);
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw mismatch(value, 'a Boolean');
    case 'structure':
      return decodeStructure(shape, value, codec);
    case 'list': {
      if (!Array.isArray(value)) throw notA('list', value);
      decodeList(shape.member.shape, value, codec);
      return value;
    }
    case 'map': {
      if (typeof value !== 'object' || Array.isArray(value)) throw notA('map', value);
      const { shape: valueShape } = shape.value;
      for (const key in value) {
        if (value[key] === null) delete value[key];
        else value[key] = decode(valueShape, value[key], codec);
      }
      return value;
    }
    case 'timestamp':
      if (typeof value === 'number' || typeof value === 'string') return parseTimestamp(value);
      throw mismatch(value, 'a Timestamp');
    case 'blob':
      if (typeof value === 'string') return decodeBase64(value);
      throw mismatch(value, 'a Blob');
    case 'bigInteger':
      return typeof value === 'number' ? BigInt(value) : value;
    default:
      return value;
  }
}

function decodeList(memberShape: Shape, list: any[], codec: JsonCodec): void {
  // A list of numbers is most of a large PutMetricData: read in place, V8 makes no object of each.
  let i = 0;
  if (memberShape.kind === 'number') while (i < list.length && typeof list[i] === 'number') i++;
  for (; i < list.length; i++) {
    const given = list[i];
    if (given === null) throw new SerializationError('A list must not hold null.');
    const decoded = decode(memberShape, given, codec);
    if (decoded !== given) list[i] = decoded;
  }
}

function decodeStructure(shape: StructureShape, value: any, codec: JsonCodec): unknown {
  if (typeof value !== 'object' || Array.isArray(value)) throw notA('structure', value);
  const { members } = shape;
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!;
    const wireName = codec.useJsonName ? (member.traits.jsonName ?? member.name) : member.name;
    const given = value[wireName];
    if (given === undefined) {
      if (member.required) codec.incomplete = true;
      continue;
    }
    if (given === null) {
      value[member.name] = undefined;
      if (member.required) codec.incomplete = true;
      continue;
    }
    const decoded = decode(member.shape, given, codec);
    if (decoded !== given || wireName !== member.name) value[member.name] = decoded;
  }
  return value;
}

/** Doubles that JSON has no number for travel as text. */
function decodeNumberText(value: unknown): number {
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Number.POSITIVE_INFINITY;
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return Number(value);
  throw mismatch(value, 'a Number');
}

export function decodeBase64(text: string): Buffer {
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) throw new SerializationError('Invalid base64 in a binary member');
  return Buffer.from(text, 'base64');
}

function mismatch(value: unknown, wanted: string): SerializationError {
  if (typeof value === 'object') {
    return new SerializationError(
      `Start of ${Array.isArray(value) ? 'list' : 'structure or map'} found where not expected.`,
    );
  }
  return new SerializationError(`${tokenName(value)} can not be converted to ${wanted}`);
}

function notA(wanted: 'list' | 'map' | 'structure', value: unknown): SerializationError {
  if (Array.isArray(value)) return new SerializationError('Start of list found where not expected.');
  if (typeof value === 'object') return new SerializationError('Start of structure or map found where not expected.');
  const expected = wanted === 'list' ? 'list' : 'structure or map';
  return new SerializationError(`Unexpected token ${tokenName(value)}: expected the start of a ${expected}.`);
}

function tokenName(value: unknown): string {
  if (typeof value === 'string') return 'STRING_VALUE';
  if (typeof value === 'number') return 'NUMBER_VALUE';
  return value ? 'TRUE_VALUE' : 'FALSE_VALUE';
}

/** A plain JSON value of an output; only modelled members, undefined and null ones left out. */
export function encodeJson(shape: Shape, value: any, codec: JsonCodec, skip?: (member: Member) => boolean): unknown {
  switch (shape.kind) {
    case 'structure': {
      const output: Record<string, unknown> = {};
      for (const member of shape.members) {
        const given = value[member.name];
        if (given === undefined || given === null || skip?.(member)) continue;
        const wireName = codec.useJsonName ? (member.traits.jsonName ?? member.name) : member.name;
        output[wireName] = encodeJson(member.shape, given, codec);
      }
      return output;
    }
    case 'list':
      return value.map((item: unknown) =>
        item === null || item === undefined ? null : encodeJson(shape.member.shape, item, codec),
      );
    case 'map': {
      const output: Record<string, unknown> = Object.create(null);
      for (const [key, item] of Object.entries(value)) {
        if (item !== undefined) output[key] = item === null ? null : encodeJson(shape.value.shape, item, codec);
      }
      return output;
    }
    case 'number':
      if (Number.isFinite(value)) return value;
      return String(value);
    case 'timestamp':
      return value instanceof Date ? value.getTime() / 1000 : value;
    case 'blob':
      return toBase64(value);
    case 'bigInteger':
      return Number(value);
    default:
      return value;
  }
}

export function toBase64(value: Uint8Array | string): string {
  if (typeof value === 'string') return Buffer.from(value, 'utf8').toString('base64');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}
