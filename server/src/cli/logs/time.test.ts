import assert from 'node:assert/strict';
import test from 'node:test';
import { parseTime } from './time.ts';
import { UsageError } from './usage-error.ts';

const NOW = Date.UTC(2026, 10, 23, 12);

test('times', () => {
  const cases: [text: string, iso: string][] = [
    ['1h', '2026-11-23T11:00:00.000Z'],
    ['1.5h', '2026-11-23T10:30:00.000Z'],
    ['90s', '2026-11-23T11:58:30.000Z'],
    ['2d', '2026-11-21T12:00:00.000Z'],
    ['1w', '2026-11-16T12:00:00.000Z'],
    ['now', '2026-11-23T12:00:00.000Z'],
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01 10:30', '2026-11-01T10:30:00.000Z'],
    ['2026-11-01T10:30:05.5Z', '2026-11-01T10:30:05.500Z'],
    ['2026-11-01T10:30:00+02:00', '2026-11-01T08:30:00.000Z'],
    ['1000000000', '2001-09-09T01:46:40.000Z'],
    ['1000000000123', '2001-09-09T01:46:40.123Z'],
  ];
  for (const [text, iso] of cases) assert.equal(new Date(parseTime(text, NOW)).toISOString(), iso, text);
  for (const text of ['', 'yesterday', '5 parsecs', '2026-13-01', '12']) {
    assert.throws(() => parseTime(text, NOW), UsageError, text);
  }
});
