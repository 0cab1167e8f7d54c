// Random values of official shapes, from a seed.

import type { Member, Shape, StructureShape } from '#wire/shapes.ts';
import type { Random } from './seeded-random.ts';

const DEEPEST = 9;
const PLAIN = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_';
const ANY = [...PLAIN, ...' !"#$%&\'()*+,./:;<=>?@[\\]^`{|}~', 'é', 'ß', '漢', '字', '🙂', '\u2028', ' '];

export interface GeneratorOptions {
  random: Random;
  /** Members that are left out, by `Structure.member` or `member`. */
  skip: (shape: StructureShape, member: Member) => boolean;
}

export function randomStructure(shape: StructureShape, options: GeneratorOptions, depth = 0): Record<string, unknown> {
  const { random, skip } = options;
  const usable = shape.members.filter((member) => !skip(shape, member) && !(depth >= DEEPEST && !member.required));
  const chosen = shape.isUnion
    ? usable
        .slice(0)
        .sort(() => random() - 0.5)
        .slice(0, 1)
    : usable.filter(
        (member) =>
          member.required ||
          member.traits.idempotencyToken ||
          member.traits.httpPayload ||
          random() < (depth === 0 ? 0.7 : 0.5 / depth),
      );
  // Some protocols have no form for an empty structure.
  if (chosen.length === 0 && usable.length > 0) chosen.push(usable[0]!);
  const output: Record<string, unknown> = {};
  for (const member of chosen) {
    const value = randomMember(member, options, depth);
    if (value !== undefined) output[member.name] = value;
  }
  return output;
}

function randomMember(member: Member, options: GeneratorOptions, depth: number): unknown {
  const { random } = options;
  const { traits, shape } = member;
  const isHeader = traits.httpHeader !== undefined || traits.httpPrefixHeaders !== undefined;
  if (member.name === 'Bucket' && traits.httpLabel) return `bucket-${randomText(random, PLAIN.slice(0, 26))}`;
  if (traits.httpLabel && shape.kind === 'string') return randomText(random, PLAIN);
  if (isHeader || traits.httpQueryParams || traits.httpPayload) return randomValue(shape, options, depth, 'header');
  return randomValue(shape, options, depth, traits.httpQuery !== undefined ? 'header' : 'body');
}

function randomValue(shape: Shape, options: GeneratorOptions, depth: number, place: 'header' | 'body'): unknown {
  const { random } = options;
  switch (shape.kind) {
    case 'string':
      return place === 'header' ? randomText(random, PLAIN) : randomText(random, ANY).trim() || 'x';
    case 'number':
      return place === 'header' || random() < 0.7 ? Math.floor(random() * 1000) + 1 : Math.round(random() * 1e6) / 64;
    case 'boolean':
      return random() < 0.5;
    case 'timestamp':
      return new Date(Math.floor(1.6e9 + random() * 2e8) * 1000);
    case 'blob':
      return Buffer.from(randomText(random, ANY));
    case 'structure':
      return shape.isEventStream ? undefined : randomStructure(shape, options, depth + 1);
    case 'list': {
      if (depth >= DEEPEST) return undefined;
      const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
        randomValue(shape.member.shape, options, depth + 1, place),
      );
      return items.some((item) => item === undefined || isEmpty(item)) ? undefined : items;
    }
    case 'map': {
      if (depth >= DEEPEST) return undefined;
      const count = 1 + Math.floor(random() * 3);
      const map: Record<string, unknown> = {};
      for (let i = 0; i < count; i++) {
        const value = randomValue(shape.value.shape, options, depth + 1, place);
        const key =
          place === 'header'
            ? `k${i}${randomText(random, PLAIN.slice(0, 26))}`
            : `${i}${randomText(random, ANY)}`.trim();
        if (value !== undefined && !isEmpty(value)) map[key] = value;
      }
      return map;
    }
    default:
      return undefined;
  }
}

function isEmpty(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Date) &&
    !(value instanceof Uint8Array) &&
    Object.keys(value).length === 0
  );
}

function randomText(random: Random, alphabet: string | string[]): string {
  return Array.from(
    { length: 1 + Math.floor(random() * 12) },
    () => alphabet[Math.floor(random() * alphabet.length)],
  ).join('');
}
