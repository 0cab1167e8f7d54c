import type { Architecture } from '@aws-sdk/client-lambda';
import { constraintViolated } from './constraints.ts';

const ARCHITECTURES: readonly string[] = ['x86_64', 'arm64'];

/** A function has one architecture, though the member is a list. */
export function checkArchitectures(given: readonly Architecture[] | undefined): void {
  if (given === undefined) return;
  const shown = `[${given.join(', ')}]`;
  if (given.some((name) => !ARCHITECTURES.includes(name))) {
    throw constraintViolated(
      'architectures',
      shown,
      `Member must satisfy constraint: [Member must satisfy enum value set: [${ARCHITECTURES.join(', ')}], Member must not be null]`,
    );
  }
  if (given.length > 1) {
    throw constraintViolated('architectures', shown, 'Member must have length less than or equal to 1');
  }
}
