import { createHash } from 'node:crypto';

/** Which of a partition's lanes a key belongs to: always the same one, so that its records stay in order. */
export function laneOf(key: string, lanes: number): number {
  return lanes === 1 ? 0 : createHash('md5').update(key).digest().readUInt32BE(0) % lanes;
}
