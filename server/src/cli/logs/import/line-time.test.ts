import assert from 'node:assert/strict';
import test from 'node:test';
import { detectFormat, type ImportFormat, timeReader } from './line-time.ts';

const NOW = Date.UTC(2026, 10, 23, 12);

test('the time of a line', () => {
  const cases: [format: ImportFormat, line: string, iso: string | undefined][] = [
    ['json', '{"timestamp":1763892000,"m":1}', '2025-11-23T10:00:00.000Z'],
    ['json', '{"ts":1763892000123}', '2025-11-23T10:00:00.123Z'],
    ['json', '{"time":1763892000123456}', '2025-11-23T10:00:00.123Z'],
    ['json', '{"time":"1763892000123456789"}', '2025-11-23T10:00:00.123Z'],
    ['json', '{"@timestamp":"2026-11-23T10:00:00.5+01:00"}', '2026-11-23T09:00:00.500Z'],
    ['json', '{"time":"soon","date":"2026-11-23 10:00:00"}', '2026-11-23T10:00:00.000Z'],
    ['json', '{"message":"none"}', undefined],
    ['json', 'no json', undefined],
    ['apache', '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 1', '2000-10-10T20:55:36.000Z'],
    ['apache', '[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok', '2005-12-04T04:47:44.000Z'],
    ['apache', '[Fri Sep 09 10:42:29.902022 2011] [core:error] no', '2011-09-09T10:42:29.902Z'],
    ['nginx', '2026/11/23 10:00:00 [error] 1#1: *1 open() failed', '2026-11-23T10:00:00.000Z'],
    ['syslog', '<34>1 2026-11-23T10:00:00.003Z host app - - - hi', '2026-11-23T10:00:00.003Z'],
    ['syslog', 'Nov  3 15:16:01 combo sshd(pam_unix)[19939]: no', '2026-11-03T15:16:01.000Z'],
    ['syslog', '<13>Dec 24 15:16:01 combo sshd: last year', '2025-12-24T15:16:01.000Z'],
    ['text', '2026-11-23 10:00:00,123 INFO here', '2026-11-23T10:00:00.123Z'],
    ['text', '[INFO] [2026-11-23T10:00:00.1234Z] here', '2026-11-23T10:00:00.123Z'],
    ['text', '[2026-11-23 10:00:00 +0100] here', '2026-11-23T09:00:00.000Z'],
    ['text', '17/06/09 20:10:40 INFO executor', '2017-06-09T20:10:40.000Z'],
    ['text', '081109 203615 148 INFO dfs', '2008-11-09T20:36:15.000Z'],
    ['text', '- 1117838570 2005.06.03 R02 2005-06-03-15.42.50.675872 RAS', '2005-06-03T15:42:50.675Z'],
    ['text', '1763892000 started', '2025-11-23T10:00:00.000Z'],
    ['text', 'no time at all', undefined],
    ['text', '2026-99-99 10:00:00 no month', undefined],
  ];
  for (const [format, line, iso] of cases) {
    const timeMs = timeReader(format, NOW)(line);
    assert.equal(timeMs === undefined ? undefined : new Date(timeMs).toISOString(), iso, line);
  }
});

test('the format of a file', () => {
  const cases: [lines: string[], format: ImportFormat][] = [
    [['{"a":1}', '{"a":2}'], 'json'],
    [['{"a":1}', 'text', 'more', 'lines'], 'text'],
    [['1.2.3.4 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 1'], 'apache'],
    [['2026/11/23 10:00:00 [error] 1#1: no'], 'nginx'],
    [['Nov  3 15:16:01 combo sshd: no', '', 'Nov  3 15:16:02 combo sshd: no'], 'syslog'],
    [['2026-11-23 10:00:00 INFO here', '  at there'], 'text'],
    [[], 'text'],
  ];
  for (const [lines, format] of cases) assert.equal(detectFormat(lines, NOW), format, lines[0]);
});
