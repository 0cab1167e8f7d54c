// Members that the official schema requires. AWS names each missing one by its path, in the way of its validators:
// `Value null at 'metricData.1.member.metricName' failed to satisfy constraint: Member must not be null`.

import type { Shape, StructureShape } from './shapes.ts';

export interface MissingMember {
  /** `logGroupName`, `metricData.1.member.metricName`: lower camel case. */
  path: string;
  /** The member's name as modelled. */
  name: string;
}

/** At most so many are listed in one error. */
const MOST_REPORTED = 10;

export function findMissingMembers(shape: StructureShape, input: Record<string, unknown>): MissingMember[] {
  const missing: MissingMember[] = [];
  if (!isComplete(shape, input)) visit(shape, input, '', missing);
  return missing;
}

export function constraintMessage(missing: readonly MissingMember[]): string {
  const details = missing.map(
    ({ path }) => `Value null at '${path}' failed to satisfy constraint: Member must not be null`,
  );
  return `${missing.length} validation error${missing.length === 1 ? '' : 's'} detected: ${details.join('; ')}`;
}

function visit(shape: Shape, value: any, path: string, missing: MissingMember[]): void {
  if (missing.length >= MOST_REPORTED || value === undefined || value === null) return;
  switch (shape.kind) {
    case 'structure':
      for (const member of shape.members) {
        const given = value[member.name];
        if (given === undefined || given === null) {
          if (member.required) missing.push({ path: path + lowerFirst(member.name), name: member.name });
        } else if (needsVisit(member.shape)) {
          visit(member.shape, given, `${path}${lowerFirst(member.name)}.`, missing);
        }
      }
      return;
    case 'list':
      if (!needsVisit(shape.member.shape)) return;
      for (let i = 0; i < value.length; i++) visit(shape.member.shape, value[i], `${path}${i + 1}.member.`, missing);
      return;
    case 'map':
      if (!needsVisit(shape.value.shape)) return;
      for (const key of Object.keys(value)) visit(shape.value.shape, value[key], `${path}${key}.member.`, missing);
      return;
  }
}

/** The first pass builds no paths: it runs over every datum of a large batch, and nearly always finds nothing. */
function isComplete(shape: Shape, value: any): boolean {
  if (value === undefined || value === null) return true;
  switch (shape.kind) {
    case 'structure': {
      const { members } = shape;
      for (let i = 0; i < members.length; i++) {
        const member = members[i]!;
        const given = value[member.name];
        if (given === undefined || given === null) {
          if (member.required) return false;
        } else if (needsVisit(member.shape) && !isComplete(member.shape, given)) return false;
      }
      return true;
    }
    case 'list': {
      const { shape: itemShape } = shape.member;
      if (!needsVisit(itemShape)) return true;
      for (let i = 0; i < value.length; i++) if (!isComplete(itemShape, value[i])) return false;
      return true;
    }
    case 'map':
      return (
        !needsVisit(shape.value.shape) || Object.values(value).every((item) => isComplete(shape.value.shape, item))
      );
    default:
      return true;
  }
}

const visited = new WeakMap<Shape, boolean>();

/** Whether a required member can stand anywhere below. */
function needsVisit(shape: Shape): boolean {
  if (shape.kind !== 'structure' && shape.kind !== 'list' && shape.kind !== 'map') return false;
  const known = visited.get(shape);
  if (known !== undefined) return known;
  visited.set(shape, true);
  const needs =
    shape.kind === 'structure'
      ? shape.members.some((member) => member.required || needsVisit(member.shape))
      : needsVisit(shape.kind === 'list' ? shape.member.shape : shape.value.shape);
  visited.set(shape, needs);
  return needs;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
