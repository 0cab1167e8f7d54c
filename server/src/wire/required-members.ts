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
  visit(shape, input, '', missing);
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
      for (let i = 0; i < value.length; i++) visitItem(shape.member.shape, value[i], path, i, missing);
      return;
    case 'map':
      if (!needsVisit(shape.value.shape)) return;
      for (const key of Object.keys(value)) visit(shape.value.shape, value[key], `${path}${key}.member.`, missing);
      return;
  }
}

/** The path text is built only for items that lack something: this runs over every event of a large batch. */
function visitItem(shape: Shape, item: any, path: string, index: number, missing: MissingMember[]): void {
  if (shape.kind === 'structure') {
    let complete = true;
    for (const member of shape.members) {
      const given = item?.[member.name];
      if (given === undefined || given === null) complete &&= !member.required;
      else if (needsVisit(member.shape)) complete = false;
    }
    if (complete) return;
  }
  visit(shape, item, `${path}${index + 1}.member.`, missing);
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
