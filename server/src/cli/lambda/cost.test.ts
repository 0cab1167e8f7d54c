import assert from 'node:assert/strict';
import test from 'node:test';
import { priced } from './cost.ts';

test('prices: tiers, ARM, storage', () => {
  const use = {
    name: 'f',
    memoryMb: 1_024,
    storageMb: 512,
    architecture: 'x86_64',
    requests: 0,
    seconds: 0,
    billed: true,
  } as const;
  const dollars = (more: object) => priced({ ...use, ...more }).dollars.toFixed(6);
  assert.deepEqual(
    [
      dollars({ requests: 1_000_000 }),
      dollars({ seconds: 1_000_000 }),
      dollars({ seconds: 1_000_000, architecture: 'arm64' }),
      dollars({ seconds: 1_000_000, memoryMb: 512 }),
      dollars({ seconds: 1_000_000, storageMb: 1_536 }),
      dollars({ seconds: 7e9 }),
    ],
    ['0.200000', '16.666700', '13.333400', '8.333350', '16.697600', (6e9 * 0.0000166667 + 1e9 * 0.000015).toFixed(6)],
  );
});
