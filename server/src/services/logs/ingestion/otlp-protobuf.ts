// ExportLogsServiceRequest from its Protocol Buffers encoding to the form that the JSON encoding gives, by the field numbers
// of opentelemetry/proto/{collector/logs,logs,common,resource}/v1. https://protobuf.dev/programming-guides/encoding/

import { invalidParameter } from '../constraints.ts';
import type { AnyValue, KeyValue, LogsRequest } from './otlp.ts';

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const DEEPEST_MESSAGE = 100;

/** How a field is read: its name, and what its bytes are. */
type Field =
  | { name: string; kind: 'message'; fields: Fields; list?: true }
  | { name: string; kind: 'text' | 'hex' | 'base64' | 'unsigned' | 'signed' | 'boolean' | 'fixed' | 'double' };
type Fields = () => Readonly<Record<number, Field>>;

const anyValue: Fields = () => ({
  1: { name: 'stringValue', kind: 'text' },
  2: { name: 'boolValue', kind: 'boolean' },
  3: { name: 'intValue', kind: 'signed' },
  4: { name: 'doubleValue', kind: 'double' },
  5: { name: 'arrayValue', kind: 'message', fields: arrayValue },
  6: { name: 'kvlistValue', kind: 'message', fields: keyValues },
  7: { name: 'bytesValue', kind: 'base64' },
});
const arrayValue: Fields = () => ({ 1: { name: 'values', kind: 'message', fields: anyValue, list: true } });
const keyValues: Fields = () => ({ 1: { name: 'values', kind: 'message', fields: keyValue, list: true } });
const keyValue: Fields = () => ({
  1: { name: 'key', kind: 'text' },
  2: { name: 'value', kind: 'message', fields: anyValue },
});
const resource: Fields = () => ({ 1: { name: 'attributes', kind: 'message', fields: keyValue, list: true } });
const scope: Fields = () => ({
  1: { name: 'name', kind: 'text' },
  2: { name: 'version', kind: 'text' },
  3: { name: 'attributes', kind: 'message', fields: keyValue, list: true },
});
const logRecord: Fields = () => ({
  1: { name: 'timeUnixNano', kind: 'fixed' },
  2: { name: 'severityNumber', kind: 'unsigned' },
  3: { name: 'severityText', kind: 'text' },
  5: { name: 'body', kind: 'message', fields: anyValue },
  6: { name: 'attributes', kind: 'message', fields: keyValue, list: true },
  7: { name: 'droppedAttributesCount', kind: 'unsigned' },
  8: { name: 'flags', kind: 'fixed' },
  9: { name: 'traceId', kind: 'hex' },
  10: { name: 'spanId', kind: 'hex' },
  11: { name: 'observedTimeUnixNano', kind: 'fixed' },
  12: { name: 'eventName', kind: 'text' },
});
const scopeLogs: Fields = () => ({
  1: { name: 'scope', kind: 'message', fields: scope },
  2: { name: 'logRecords', kind: 'message', fields: logRecord, list: true },
  3: { name: 'schemaUrl', kind: 'text' },
});
const resourceLogs: Fields = () => ({
  1: { name: 'resource', kind: 'message', fields: resource },
  2: { name: 'scopeLogs', kind: 'message', fields: scopeLogs, list: true },
  3: { name: 'schemaUrl', kind: 'text' },
});
const logsRequest: Fields = () => ({ 1: { name: 'resourceLogs', kind: 'message', fields: resourceLogs, list: true } });

/** Throws InvalidParameterException. */
export function decodeLogsRequest(bytes: Buffer): LogsRequest {
  try {
    return { resourceLogs: [], ...decode(bytes, logsRequest, 0) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalidParameter(`The request body is no OpenTelemetry logs request: ${error.message}`);
  }
}

/** An ExportLogsServiceResponse; nothing at all when every record was taken. */
export function encodeLogsResponse(partialSuccess: { rejected: number; message: string } | undefined): Buffer {
  if (!partialSuccess) return Buffer.alloc(0);
  const message = Buffer.from(partialSuccess.message);
  const inner = Buffer.concat([
    Buffer.from([(1 << 3) | VARINT, ...varint(partialSuccess.rejected)]),
    Buffer.from([(2 << 3) | BYTES, ...varint(message.length)]),
    message,
  ]);
  return Buffer.concat([Buffer.from([(1 << 3) | BYTES, ...varint(inner.length)]), inner]);
}

function decode(bytes: Buffer, fieldsOf: Fields, depth: number): Record<string, unknown> {
  if (depth > DEEPEST_MESSAGE) throw new RangeError('it is nested too deeply');
  const fields = fieldsOf();
  const message: Record<string, unknown> = {};
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const field = fields[tag >>> 3];
    const raw = reader.value(tag & 7);
    if (!field) continue;
    const value = meaning(field, raw, depth);
    if (field.kind === 'message' && field.list) {
      message[field.name] ??= [];
      (message[field.name] as unknown[]).push(value);
    } else message[field.name] = value;
  }
  return message;
}

function meaning(field: Field, raw: bigint | Buffer, depth: number): AnyValue | KeyValue | unknown {
  if (Buffer.isBuffer(raw)) {
    if (field.kind === 'message') return decode(raw, field.fields, depth + 1);
    if (field.kind === 'text') return raw.toString('utf8');
    if (field.kind === 'hex') return raw.toString('hex');
    if (field.kind === 'base64') return raw.toString('base64');
  } else {
    if (field.kind === 'boolean') return raw !== 0n;
    if (field.kind === 'unsigned') return Number(raw);
    if (field.kind === 'signed') return String(BigInt.asIntN(64, raw));
    if (field.kind === 'fixed') return raw <= Number.MAX_SAFE_INTEGER ? Number(raw) : String(raw);
    if (field.kind === 'double') return doubleOf(raw);
  }
  throw new RangeError(`the field ${field.name} has another type`);
}

/** JSON has no words for infinities and what is no number; OTLP's has these. */
function doubleOf(bits: bigint): number | string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(bits);
  const value = bytes.readDoubleLE();
  return Number.isFinite(value) ? value : String(value);
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number is too long');
  }

  value(type: number): bigint | Buffer {
    if (type === VARINT) return this.varint();
    if (type === FIXED64) return this.#take(8).readBigUInt64LE();
    if (type === FIXED32) return BigInt(this.#take(4).readUInt32LE());
    if (type === BYTES) return this.#take(Number(this.varint()));
    throw new RangeError(`unknown wire type ${type}`);
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('it ends within a field');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}
