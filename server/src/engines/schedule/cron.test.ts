import assert from 'node:assert/strict';
import test from 'node:test';
import { CronError, nextCronTime, parseCron } from './cron.ts';

/** A Monday. */
const START = '2026-11-23T10:07:30Z';

test('the next times of a schedule', () => {
  const cases: [fields: string, zone: string, times: string[]][] = [
    ['* * * * ? *', 'UTC', ['2026-11-23T10:08', '2026-11-23T10:09']],
    ['0/5 * * * ? *', 'UTC', ['2026-11-23T10:10', '2026-11-23T10:15']],
    ['0 9 * * ? *', 'UTC', ['2026-11-24T09:00', '2026-11-25T09:00']],
    ['0 9 * * ? *', 'Europe/Berlin', ['2026-11-24T08:00']],
    ['0 18 ? * MON-FRI *', 'UTC', ['2026-11-23T18:00', '2026-11-24T18:00']],
    [
      '15,45 10-11 ? * 2 *',
      'UTC',
      ['2026-11-23T10:15', '2026-11-23T10:45', '2026-11-23T11:15', '2026-11-23T11:45', '2026-11-30T10:15'],
    ],
    ['0 0 L * ? *', 'UTC', ['2026-11-30T00:00', '2026-12-31T00:00']],
    ['0 0 LW * ? *', 'UTC', ['2026-11-30T00:00', '2026-12-31T00:00', '2027-01-29T00:00']],
    [
      '0 0 1W * ? *',
      'UTC',
      [
        '2026-12-01T00:00',
        '2027-01-01T00:00',
        '2027-02-01T00:00',
        '2027-03-01T00:00',
        '2027-04-01T00:00',
        '2027-05-03T00:00',
      ],
    ],
    [
      '0 0 15W * ? *',
      'UTC',
      [
        '2026-12-15T00:00',
        '2027-01-15T00:00',
        '2027-02-15T00:00',
        '2027-03-15T00:00',
        '2027-04-15T00:00',
        '2027-05-14T00:00',
      ],
    ],
    ['0 0 ? * 6L *', 'UTC', ['2026-11-27T00:00', '2026-12-25T00:00']],
    ['0 0 ? * TUE#1 *', 'UTC', ['2026-12-01T00:00', '2027-01-05T00:00']],
    ['0 0 29 2 ? *', 'UTC', ['2028-02-29T00:00']],
    ['0 0 ? * FRI-SUN *', 'UTC', ['2026-11-27T00:00', '2026-11-28T00:00', '2026-11-29T00:00', '2026-12-04T00:00']],
    ['0 0 1 JAN ? 2026-2028/2', 'UTC', ['2028-01-01T00:00']],
    ['0 0 1 1 ? 2026', 'UTC', []],
    // 02:30 does not exist on 28 March 2027 in Berlin.
    ['30 2 27-29 3 ? 2027', 'Europe/Berlin', ['2027-03-27T01:30', '2027-03-29T00:30']],
  ];
  for (const [fields, zone, times] of cases) {
    const schedule = parseCron(`cron(${fields})`);
    let afterMs = Date.parse(START);
    const found = times.map(() => {
      afterMs = nextCronTime(schedule, afterMs, zone)!;
      return new Date(afterMs).toISOString().slice(0, 16);
    });
    assert.deepEqual(found, times, fields);
    if (times.length === 0) assert.equal(nextCronTime(schedule, afterMs, zone), undefined, fields);
  }
});

test('what is no schedule', () => {
  const cases = [
    'rate(5 minutes)',
    'cron(* * * * *)',
    'cron(* * * * * *)',
    'cron(* * ? * ? *)',
    'cron(60 * * * ? *)',
    'cron(* * * FOO ? *)',
    'cron(*/0 * * * ? *)',
    'cron(* * 32W * ? *)',
    'cron(* * ? * 8 *)',
    'cron(5- * * * ? *)',
  ];
  for (const expression of cases) assert.throws(() => parseCron(expression), CronError, expression);
});
