// Shapes: the official schemas (arrays that the SDK's client packages export) in the form that the codecs walk.
// Layout of the arrays: @smithy/types, StaticStructureSchema and its siblings: [kind, namespace, name, traits, …].

import { assert } from '#core/errors.ts';

export type Shape =
  | StructureShape
  | ListShape
  | MapShape
  | { kind: 'string' | 'number' | 'boolean' | 'document' | 'bigInteger' | 'bigDecimal' }
  | { kind: 'blob'; streaming: boolean }
  | { kind: 'timestamp'; format: TimestampFormat | undefined }
  | { kind: 'unit' };

export type TimestampFormat = 'dateTime' | 'httpDate' | 'epochSeconds';

export interface StructureShape {
  kind: 'structure';
  /** `com.amazonaws.sqs`. */
  namespace: string;
  name: string;
  traits: Traits;
  isUnion: boolean;
  /** An event stream: a union whose values come one after another. */
  isEventStream: boolean;
  members: Member[];
  memberByName: Map<string, Member>;
}

export interface ListShape {
  kind: 'list';
  member: Member;
}

export interface MapShape {
  kind: 'map';
  key: Member;
  value: Member;
}

export interface Member {
  name: string;
  traits: Traits;
  required: boolean;
  /** Resolved on first use, since shapes may be recursive. */
  readonly shape: Shape;
}

export interface Traits {
  http?: [method: string, path: string, status: number];
  httpLabel?: 1;
  httpPayload?: 1;
  httpQuery?: string;
  httpQueryParams?: 1;
  httpHeader?: string;
  httpPrefixHeaders?: string;
  httpResponseCode?: 1;
  httpError?: number;
  error?: 'client' | 'server';
  awsQueryError?: [code: string, status: number];
  xmlName?: string;
  xmlFlattened?: 1;
  xmlAttribute?: 1;
  xmlNamespace?: [prefix: string, uri: string];
  jsonName?: string;
  streaming?: 1;
  sparse?: 1;
  idempotencyToken?: 1;
  eventPayload?: 1;
  eventHeader?: 1;
}

export interface OperationShape {
  name: string;
  traits: Traits;
  input: StructureShape;
  output: StructureShape;
}

type Schema = unknown;
type SchemaArray = [kind: number, namespace: string, name: string, traits: RawTraits, ...rest: unknown[]];
type RawTraits = number | Record<string, unknown>;

const KIND = { simple: 0, list: 1, map: 2, structure: 3, error: -3, union: 4, operation: 9 } as const;

/** Traits that the schemas pack in bits, in the order of the bits. */
const BIT_TRAITS = [
  'httpLabel',
  'idempotent',
  'idempotencyToken',
  'sensitive',
  'httpPayload',
  'httpResponseCode',
  'httpQueryParams',
] as const;

const compiled = new WeakMap<object, Shape>();
const UNIT: StructureShape = {
  kind: 'structure',
  namespace: 'smithy.api',
  name: 'Unit',
  traits: {},
  isUnion: false,
  isEventStream: false,
  members: [],
  memberByName: new Map(),
};

/** All operations and errors of a client package, by their names. */
export function readSchemas(exports: Record<string, unknown>): {
  operations: Map<string, OperationShape>;
  errors: Map<string, StructureShape>;
} {
  const operations = new Map<string, OperationShape>();
  const errors = new Map<string, StructureShape>();
  for (const [exportName, schema] of Object.entries(exports)) {
    if (!exportName.endsWith('$') || !Array.isArray(schema)) continue;
    const [kind, , name] = schema as SchemaArray;
    if (kind === KIND.operation) operations.set(name, compileOperation(schema as SchemaArray));
    else if (kind === KIND.error) errors.set(name, shapeOf(schema) as StructureShape);
  }
  return { operations, errors };
}

function compileOperation(schema: SchemaArray): OperationShape {
  const [, , name, traits, input, output] = schema;
  return { name, traits: readTraits(traits), input: structureOf(input), output: structureOf(output) };
}

function structureOf(schema: Schema): StructureShape {
  const shape = shapeOf(schema);
  if (shape.kind === 'unit') return UNIT;
  assert(shape.kind === 'structure', 'an operation takes and gives structures');
  return shape;
}

function shapeOf(reference: Schema): Shape {
  const schema = typeof reference === 'function' ? reference() : reference;
  if (schema === 'unit') return { kind: 'unit' };
  if (typeof schema === 'number') return simpleShape(schema);
  assert(Array.isArray(schema), `a schema is a number or an array, not ${typeof schema}`);
  const known = compiled.get(schema);
  if (known) return known;
  const shape = compile(schema as SchemaArray);
  compiled.set(schema, shape);
  return shape;
}

function compile(schema: SchemaArray): Shape {
  const [kind, namespace, name, rawTraits] = schema;
  switch (kind) {
    case KIND.simple:
      return shapeOf(schema[4]);
    case KIND.list:
      return { kind: 'list', member: compileMember('member', schema[4], false) };
    case KIND.map:
      return {
        kind: 'map',
        key: compileMember('key', schema[4], true),
        value: compileMember('value', schema[5], false),
      };
    case KIND.structure:
    case KIND.error:
    case KIND.union: {
      const traits = readTraits(rawTraits);
      const names = schema[4] as string[];
      const references = schema[5] as Schema[];
      const requiredCount = (schema[6] as number | undefined) ?? 0;
      const members = names.map((memberName, i) => compileMember(memberName, references[i], i < requiredCount));
      return {
        kind: 'structure',
        namespace,
        name,
        traits,
        isUnion: kind === KIND.union,
        isEventStream: kind === KIND.union && traits.streaming === 1,
        members,
        memberByName: new Map(members.map((member) => [member.name, member])),
      };
    }
    default:
      throw new Error(`BUG: unknown schema kind ${kind} of ${name}`);
  }
}

function compileMember(name: string, reference: Schema, required: boolean): Member {
  let target = reference;
  let traits: Traits = {};
  // [schema, traits] pairs may be nested; the outer one is the member's own.
  while (Array.isArray(target) && target.length === 2) {
    traits = { ...readTraits(target[1] as RawTraits), ...traits };
    target = target[0];
  }
  return {
    name,
    traits,
    required,
    get shape() {
      const shape = shapeOf(target);
      // From now on a plain property: the codecs read it for every value.
      Object.defineProperty(this, 'shape', { value: shape, enumerable: true });
      return shape;
    },
  };
}

function readTraits(raw: RawTraits | undefined): Traits {
  if (typeof raw === 'object' && raw !== null) return raw as Traits;
  const traits: Record<string, 1> = {};
  BIT_TRAITS.forEach((trait, bit) => {
    if ((((raw as number | undefined) ?? 0) >> bit) & 1) traits[trait] = 1;
  });
  return traits as Traits;
}

function simpleShape(schema: number): Shape {
  if (schema >= 128) {
    return { kind: 'map', key: plainMember('key', 0), value: plainMember('value', schema - 128) };
  }
  if (schema >= 64) return { kind: 'list', member: plainMember('member', schema - 64) };
  switch (schema) {
    case 0:
      return { kind: 'string' };
    case 1:
      return { kind: 'number' };
    case 2:
      return { kind: 'boolean' };
    case 4:
      return { kind: 'timestamp', format: undefined };
    case 5:
      return { kind: 'timestamp', format: 'dateTime' };
    case 6:
      return { kind: 'timestamp', format: 'httpDate' };
    case 7:
      return { kind: 'timestamp', format: 'epochSeconds' };
    case 15:
      return { kind: 'document' };
    case 17:
      return { kind: 'bigInteger' };
    case 19:
      return { kind: 'bigDecimal' };
    case 21:
      return { kind: 'blob', streaming: false };
    case 42:
      return { kind: 'blob', streaming: true };
    default:
      throw new Error(`BUG: unknown simple schema ${schema}`);
  }
}

function plainMember(name: string, schema: number): Member {
  return compileMember(name, schema, name === 'key');
}
