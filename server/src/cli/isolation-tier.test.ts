import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isolationTier } from './isolation-tier.ts';

test('what functions will run in', () => {
  const cases: [Parameters<typeof isolationTier>[0], NodeJS.Platform, string[], RegExp][] = [
    ['auto', 'linux', ['bwrap', 'unshare'], /^sandbox \(bubblewrap\)$/],
    ['sandbox', 'linux', ['bwrap'], /^sandbox \(bubblewrap\)$/],
    ['auto', 'linux', ['unshare'], /^sandbox \(namespaces; /],
    ['auto', 'linux', [], /^plain processes; install bubblewrap/],
    ['sandbox', 'linux', [], /^none: install bubblewrap$/],
    ['auto', 'darwin', ['unshare'], /^plain processes: a sandbox needs Linux$/],
    ['sandbox', 'darwin', [], /^none: a sandbox needs Linux$/],
    ['namespaces', 'linux', ['bwrap', 'unshare'], /^sandbox \(namespaces, as configured\)$/],
    ['namespaces', 'linux', [], /^none: install util-linux$/],
    ['namespaces', 'darwin', [], /^none: a sandbox needs Linux$/],
    ['process', 'linux', ['bwrap'], /^plain processes, as configured$/],
  ];
  for (const [wanted, platform, programs, expected] of cases) {
    assert.match(isolationTier(wanted, { platform, has: (program) => programs.includes(program) }), expected);
  }
});
