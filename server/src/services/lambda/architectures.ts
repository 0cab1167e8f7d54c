import type { Architecture } from '@aws-sdk/client-lambda';
import { checkConstraints } from './constraints.ts';

const ARCHITECTURES: readonly string[] = ['x86_64', 'arm64'];

/** A function has one architecture, though the member is a list. */
export function checkArchitectures(given: readonly Architecture[] | undefined): void {
  checkConstraints([{ at: 'architectures', values: given, min: 1, max: 1, each: { oneOf: ARCHITECTURES } }]);
}
