// Log events through HTTP, with the official SDK: put, get, filter, tail.

import assert from 'node:assert/strict';
import test from 'node:test';
import * as sdk from '@aws-sdk/client-cloudwatch-logs';
import { ACCOUNT, advance, clientConfig, REGION, startBrume } from '#test/harness.ts';

const brume = await startBrume({ clock: 'virtual' });
const logs = new sdk.CloudWatchLogsClient(clientConfig(brume));
const call = (operation: string, input: object): Promise<any> =>
  logs.send(new (sdk as any)[`${operation}Command`](input));
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
let made = 0;

interface Stream {
  logGroupName: string;
  logStreamName: string;
}

async function newStream(more: object = {}, logStreamName = 's'): Promise<Stream> {
  const logGroupName = `group-${++made}`;
  await call('CreateLogGroup', { logGroupName, ...more });
  await call('CreateLogStream', { logGroupName, logStreamName });
  return { logGroupName, logStreamName };
}

async function clockNow(): Promise<number> {
  const response = await fetch(`${brume.endpoint}/_brume/clock`);
  return Date.parse(((await response.json()) as { now: string }).now);
}

const put = (stream: Stream, logEvents: object[]) => call('PutLogEvents', { ...stream, logEvents });
const messagesOf = (answer: { events: { message: string }[] }) => answer.events.map(({ message }) => message);

async function fails(operation: string, input: object, code: string, message: string | RegExp): Promise<void> {
  await assert.rejects(call(operation, input), (error: Error) => {
    assert.equal(error.name, code, `${operation}: ${error.message}`);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

test('events come back as they were put', async () => {
  const stream = await newStream();
  const now = await clockNow();
  const messages = ['plain', 'Grüße, 世界 🌫️', 'tab\t quote " backslash \\ newline\n', '{"json": [1, 2, null]}', ' '];
  const answer = await put(
    stream,
    messages.map((message, i) => ({ timestamp: now + i, message })),
  );
  assert.match(answer.nextSequenceToken, /^\d{56}$/);
  assert.equal(answer.rejectedLogEventsInfo, undefined);
  const { events } = await call('GetLogEvents', { ...stream, startFromHead: true });
  assert.deepEqual(
    events,
    messages.map((message, i) => ({ timestamp: now + i, message, ingestionTime: now })),
  );
  const filtered = await call('FilterLogEvents', { logGroupName: stream.logGroupName });
  assert.deepEqual(messagesOf(filtered), messages);
  assert.deepEqual(filtered.searchedLogStreams, []);
  const ids = filtered.events.map(({ eventId }: any) => eventId);
  for (const id of ids) assert.match(id, /^\d{56}$/);
  assert.equal(new Set(ids).size, messages.length);
});

test('what a batch is refused for, as a whole', async () => {
  const stream = await newStream();
  const now = await clockNow();
  const event = (timestamp: number, message = 'x') => ({ timestamp, message });
  const cases: [object, string, string | RegExp][] = [
    [{ logGroupName: 'none' }, 'ResourceNotFoundException', 'The specified log group does not exist.'],
    [{ logStreamName: 'none' }, 'ResourceNotFoundException', 'The specified log stream does not exist.'],
    [{ logGroupName: 'a b' }, 'InvalidParameterException', /at 'logGroupName'/],
    [
      { logEvents: [event(now), event(now - 1)] },
      'InvalidParameterException',
      'Log events in a single PutLogEvents request must be in chronological order.',
    ],
    [
      { logEvents: [event(now - DAY_MS - 1), event(now)] },
      'InvalidParameterException',
      'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.',
    ],
    [
      { logEvents: [event(now, 'x'.repeat(1_048_576 - 25))] },
      'InvalidParameterException',
      'Upload too large: 1048577 bytes exceeds limit of 1048576',
    ],
    [
      { logEvents: [event(now, 'é'.repeat(524_276))] },
      'InvalidParameterException',
      'Upload too large: 1048578 bytes exceeds limit of 1048576',
    ],
    [{ logEvents: [] }, 'InvalidParameterException', /at 'logEvents' .* length greater than or equal to 1$/],
    [
      { logEvents: Array.from({ length: 10_001 }, () => event(now)) },
      'InvalidParameterException',
      /length less than or equal to 10000$/,
    ],
    [
      { logEvents: [event(now), event(now, '')] },
      'InvalidParameterException',
      /Value '' at 'logEvents\.2\.member\.message' .* greater than or equal to 1$/,
    ],
    [{ logEvents: [event(-1)] }, 'InvalidParameterException', /Value '-1' at 'logEvents\.1\.member\.timestamp'/],
    [{ logEvents: [event(1.5)] }, 'SerializationException', /Long/],
    [{ logEvents: [{ timestamp: now }] }, 'InvalidParameterException', /Value null at 'logEvents\.1\.member\.message'/],
  ];
  for (const [more, code, message] of cases) {
    await fails('PutLogEvents', { ...stream, logEvents: [event(now)], ...more }, code, message);
  }
  assert.deepEqual(messagesOf(await call('GetLogEvents', stream)), []);
  await put(stream, [event(now - DAY_MS), event(now, 'x'.repeat(1_048_576 - 26 - 27))]);
  await put(
    stream,
    Array.from({ length: 10_000 }, () => event(now)),
  );
});

test('events too old, expired or too new are rejected alone', async () => {
  const now = await clockNow();
  const ages = [-15 * DAY_MS, -14 * DAY_MS - 1, -2 * DAY_MS, -HOUR_MS, 0, 2 * HOUR_MS, 2 * HOUR_MS + 1];
  const events = ages.map((age) => ({ timestamp: now + age, message: `${age / HOUR_MS}` }));
  const unlimited = await newStream();
  const first = await put(
    unlimited,
    events.filter((_, i) => i !== 2),
  );
  assert.deepEqual(first.rejectedLogEventsInfo, { tooOldLogEventEndIndex: 2, tooNewLogEventStartIndex: 5 });
  assert.deepEqual(messagesOf(await call('GetLogEvents', unlimited)), ['-1', '0', '2']);
  const limited = await newStream();
  await call('PutRetentionPolicy', { logGroupName: limited.logGroupName, retentionInDays: 1 });
  const second = await put(limited, events);
  assert.deepEqual(second.rejectedLogEventsInfo, {
    tooOldLogEventEndIndex: 2,
    expiredLogEventEndIndex: 3,
    tooNewLogEventStartIndex: 6,
  });
  assert.deepEqual(messagesOf(await call('GetLogEvents', limited)), ['-1', '0', '2']);
  const third = await put(limited, events.slice(6));
  assert.deepEqual(third.rejectedLogEventsInfo, { tooNewLogEventStartIndex: 0 });
});

test('GetLogEvents pages both ways, and its tokens stay at the ends', async () => {
  const stream = await newStream();
  const now = await clockNow();
  await put(
    stream,
    Array.from({ length: 10 }, (_, i) => ({ timestamp: now + i, message: `${i}` })),
  );
  const get = (input: object) => call('GetLogEvents', { ...stream, ...input });

  const newest = await get({ limit: 3 });
  assert.deepEqual(messagesOf(newest), ['7', '8', '9']);
  const older = await get({ limit: 3, nextToken: newest.nextBackwardToken });
  assert.deepEqual(messagesOf(older), ['4', '5', '6']);
  const back = await get({ limit: 3, nextToken: older.nextForwardToken, startFromHead: true });
  assert.deepEqual(messagesOf(back), ['7', '8', '9']);

  let page = await get({ limit: 4, startFromHead: true });
  const seen = messagesOf(page);
  for (;;) {
    const next = await get({ limit: 4, startFromHead: true, nextToken: page.nextForwardToken });
    seen.push(...messagesOf(next));
    if (next.nextForwardToken === page.nextForwardToken) {
      const last = await get({ limit: 4, nextToken: next.nextBackwardToken });
      assert.deepEqual(messagesOf(last), ['6', '7', '8', '9']);
      break;
    }
    page = next;
  }
  assert.deepEqual(seen, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  let token = newest.nextBackwardToken;
  for (let steps = 0; steps < 5; steps++) {
    const next = await get({ limit: 4, nextToken: token });
    if (next.nextBackwardToken === token) break;
    token = next.nextBackwardToken;
    assert.ok(steps < 4);
  }
  await put(stream, [{ timestamp: now + 20, message: 'later' }]);
  const follow = await get({ startFromHead: true, nextToken: page.nextForwardToken });
  assert.deepEqual(messagesOf(follow), ['later']);

  const bounds: [object, string[]][] = [
    [{ startTime: now + 8 }, ['8', '9', 'later']],
    [{ endTime: now + 2 }, ['0', '1']],
    [{ startTime: now + 3, endTime: now + 5, startFromHead: true }, ['3', '4']],
    [{ startTime: now + 5, endTime: now + 3 }, []],
    [
      {
        logGroupName: undefined,
        logGroupIdentifier: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${stream.logGroupName}`,
        limit: 1,
      },
      ['later'],
    ],
  ];
  for (const [input, expected] of bounds) assert.deepEqual(messagesOf(await get(input)), expected);
  const empty = await call('GetLogEvents', { ...(await newStream()), startFromHead: true });
  assert.deepEqual(empty.events, []);
  assert.match(empty.nextForwardToken, /^f\/\d{56}\/s$/);
  assert.match(empty.nextBackwardToken, /^b\/\d{56}\/s$/);
  for (const nextToken of ['x', 'f/1/s', `g/${'3'.repeat(56)}/s`]) {
    await fails(
      'GetLogEvents',
      { ...stream, nextToken },
      'InvalidParameterException',
      'The specified nextToken is invalid.',
    );
  }
  await fails('GetLogEvents', { ...stream, limit: 10_001 }, 'InvalidParameterException', /at 'limit'/);
});

test('a page of GetLogEvents holds no more than 1 MB', async () => {
  const stream = await newStream();
  const now = await clockNow();
  for (let i = 0; i < 4; i++) {
    await put(
      stream,
      Array.from({ length: 10 }, () => ({ timestamp: now + i, message: `${i}`.repeat(90_000) })),
    );
  }
  let count = 0;
  for await (const page of sdk.paginateGetLogEvents(
    { client: logs, stopOnSameToken: true },
    { ...stream, startFromHead: true },
  )) {
    assert.ok(page.events!.reduce((bytes, { message }) => bytes + message!.length, 0) <= 1_048_576);
    count += page.events!.length;
  }
  assert.equal(count, 40);
});

test('FilterLogEvents searches streams, times and patterns, interleaved and in pages', async () => {
  const a = await newStream({}, 'a/1');
  const { logGroupName } = a;
  const b = { logGroupName, logStreamName: 'b/1' };
  await call('CreateLogStream', b);
  const now = await clockNow();
  const message = (i: number) => JSON.stringify({ level: i % 3 === 0 ? 'ERROR' : 'info', i, ms: i * 10 });
  for (let i = 0; i < 30; i += 2) {
    await put(a, [{ timestamp: now + i, message: message(i) }]);
    await put(b, [{ timestamp: now + i + 1, message: message(i + 1) }]);
  }
  const found = async (input: object) => {
    const numbers: number[] = [];
    for await (const page of sdk.paginateFilterLogEvents({ client: logs }, { logGroupName, ...input })) {
      numbers.push(...page.events!.map((event) => JSON.parse(event.message!).i));
    }
    return numbers;
  };
  const all = Array.from({ length: 30 }, (_, i) => i);
  const where = (holds: (i: number) => boolean) => all.filter(holds);
  const cases: [object, number[]][] = [
    [{}, all],
    [{ interleaved: true, limit: 7 }, all],
    [{ logStreamNames: ['a/1'] }, where((i) => i % 2 === 0)],
    [{ logStreamNamePrefix: 'b/' }, where((i) => i % 2 === 1)],
    [{ startTime: now + 10, endTime: now + 12 }, [10, 11, 12]],
    [{ filterPattern: 'ERROR' }, where((i) => i % 3 === 0)],
    [{ filterPattern: 'ERROR', limit: 4 }, where((i) => i % 3 === 0)],
    [{ filterPattern: '{ $.ms >= 100 && $.level = "ERROR" }', limit: 2 }, where((i) => i >= 10 && i % 3 === 0)],
    [{ filterPattern: '%i\\x22:2\\d%' }, where((i) => i >= 20)],
    [{ filterPattern: 'nothing' }, []],
    [
      {
        logGroupName: undefined,
        logGroupIdentifier: `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${logGroupName}`,
        limit: 10_000,
      },
      all,
    ],
  ];
  for (const [input, expected] of cases) assert.deepEqual(await found(input), expected, JSON.stringify(input));
  const errors: [object, string, string | RegExp][] = [
    [{ logStreamNames: ['a/1'], logStreamNamePrefix: 'a' }, 'InvalidParameterException', /mutually exclusive/],
    [{ logStreamNames: ['none'] }, 'ResourceNotFoundException', 'The specified log stream does not exist.'],
    [{ logGroupName: 'none' }, 'ResourceNotFoundException', 'The specified log group does not exist.'],
    [
      { filterPattern: '{ $.a' },
      'InvalidParameterException',
      "If a filter pattern starts with '{' it must end with '}'",
    ],
    [{ filterPattern: 'a&b' }, 'InvalidParameterException', "Invalid character(s) in term 'a&b'"],
    [{ filterPattern: '{ $.a ~ 1 }' }, 'InvalidParameterException', /^Invalid filter pattern: expected one of/],
    [{ filterPattern: 'x'.repeat(1025) }, 'InvalidParameterException', /at 'filterPattern'/],
    [{ nextToken: 'x' }, 'InvalidParameterException', 'The specified nextToken is invalid.'],
  ];
  for (const [input, code, text] of errors) await fails('FilterLogEvents', { logGroupName, ...input }, code, text);
  const infrequent = await newStream({ logGroupClass: 'INFREQUENT_ACCESS' });
  await fails('FilterLogEvents', { logGroupName: infrequent.logGroupName }, 'InvalidParameterException', /INFREQUENT/);
});

test('following a log by polling, as the CLI does, misses nothing and repeats nothing', async () => {
  const stream = await newStream();
  const { logGroupName } = stream;
  const seen: string[] = [];
  let startTime = await clockNow();
  let atStart = new Set<string>();
  const poll = async () => {
    for await (const page of sdk.paginateFilterLogEvents(
      { client: logs },
      { logGroupName, startTime, interleaved: true },
    )) {
      for (const { eventId, message, timestamp } of page.events!) {
        if (atStart.has(eventId!)) continue;
        seen.push(message!);
        if (timestamp! > startTime) atStart = new Set();
        startTime = timestamp!;
        atStart.add(eventId!);
      }
    }
  };
  for (let i = 0; i < 4; i++) {
    const now = await clockNow();
    await put(stream, [
      { timestamp: now, message: `${i}a` },
      { timestamp: now, message: `${i}b` },
    ]);
    await poll();
    await advance(brume, 500 * i);
  }
  assert.deepEqual(seen, ['0a', '0b', '1a', '1b', '2a', '2b', '3a', '3b']);
});

test('live tail streams what matches, each second', async () => {
  const stream = await newStream();
  const arn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${stream.logGroupName}`;
  const abort = new AbortController();
  const { responseStream } = await logs.send(
    new sdk.StartLiveTailCommand({ logGroupIdentifiers: [arn], logEventFilterPattern: '{ $.level = "error" }' }),
    { abortSignal: abort.signal },
  );
  const events = responseStream![Symbol.asyncIterator]();
  const { sessionStart } = (await events.next()).value!;
  assert.deepEqual(sessionStart!.logGroupIdentifiers, [arn]);
  assert.equal(sessionStart!.logEventFilterPattern, '{ $.level = "error" }');
  assert.match(sessionStart!.sessionId!, /^[0-9a-f-]{36}$/);
  const now = await clockNow();
  await put(stream, [
    { timestamp: now, message: '{"level":"error","n":1}' },
    { timestamp: now, message: '{"level":"info"}' },
  ]);
  await advance(brume, 1_000);
  const { sessionUpdate } = (await events.next()).value!;
  assert.deepEqual(sessionUpdate!.sessionMetadata, { sampled: false });
  assert.deepEqual(sessionUpdate!.sessionResults, [
    {
      logStreamName: 's',
      logGroupIdentifier: `${ACCOUNT}:${stream.logGroupName}`,
      message: '{"level":"error","n":1}',
      timestamp: now,
      ingestionTime: now,
    },
  ]);
  await put(
    stream,
    Array.from({ length: 700 }, () => ({ timestamp: now, message: '{"level":"error"}' })),
  );
  await advance(brume, 1_000);
  const busy = (await events.next()).value!.sessionUpdate!;
  assert.deepEqual([busy.sessionResults!.length, busy.sessionMetadata!.sampled], [500, true]);
  await advance(brume, 3 * HOUR_MS);
  await assert.rejects(
    async () => {
      for (;;) if ((await events.next()).done) throw new Error('ended without an exception');
    },
    { name: 'SessionTimeoutException' },
  );
  abort.abort();
});

test('what a live tail is refused for', async () => {
  const { logGroupName } = await newStream();
  const arn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${logGroupName}`;
  const cases: [object, string, string | RegExp][] = [
    [{ logGroupIdentifiers: [] }, 'InvalidParameterException', /at 'logGroupIdentifiers'/],
    [
      { logGroupIdentifiers: Array.from({ length: 11 }, () => arn) },
      'InvalidParameterException',
      /less than or equal to 10$/,
    ],
    [{ logGroupIdentifiers: [`${arn}:*`] }, 'InvalidParameterException', /must not end with an asterisk/],
    [{ logGroupIdentifiers: [`${arn}x`] }, 'ResourceNotFoundException', 'The specified log group does not exist.'],
    [{ logStreamNames: ['a'], logStreamNamePrefixes: ['a'] }, 'InvalidParameterException', /mutually exclusive/],
    [{ logGroupIdentifiers: [arn, `${arn}x`], logStreamNames: ['a'] }, 'InvalidParameterException', /single log group/],
    [
      { logEventFilterPattern: '""' },
      'InvalidParameterException',
      `Invalid filter pattern: Invalid character(s) in term '""'`,
    ],
  ];
  for (const [more, code, message] of cases) {
    await fails('StartLiveTail', { logGroupIdentifiers: [arn], ...more }, code, message);
  }
});

test('retention erases for real as the clock moves on', async () => {
  const stream = await newStream();
  const { logGroupName } = stream;
  await put(stream, [{ timestamp: await clockNow(), message: 'short-lived' }]);
  await call('PutRetentionPolicy', { logGroupName, retentionInDays: 1 });
  await advance(brume, DAY_MS + HOUR_MS);
  await put(stream, [{ timestamp: await clockNow(), message: 'new' }]);
  await call('DeleteRetentionPolicy', { logGroupName });
  assert.deepEqual(messagesOf(await call('FilterLogEvents', { logGroupName })), ['new']);
  const { logGroups } = await call('DescribeLogGroups', { logGroupNamePrefix: logGroupName });
  assert.equal(logGroups.find((group: any) => group.logGroupName === logGroupName).storedBytes, 3);
});

test('entities are checked, and what they come with is taken all the same', async () => {
  const stream = await newStream();
  const infrequent = await newStream({ logGroupClass: 'INFREQUENT_ACCESS' });
  const timestamp = await clockNow();
  const keyAttributes = { Type: 'Service', Name: 'etl', Environment: 'prod' };
  const rows: [Stream, object, string | undefined][] = [
    [stream, { keyAttributes }, undefined],
    [stream, { keyAttributes, attributes: { team: 'data' } }, undefined],
    [stream, { keyAttributes: { ...keyAttributes, Type: 'Planet' } }, 'InvalidTypeValue'],
    [stream, { keyAttributes: { Type: 'Service', Name: 'etl' } }, 'MissingRequiredFields'],
    [stream, {}, 'InvalidKeyAttributes'],
    [infrequent, { keyAttributes }, 'UnsupportedLogGroupType'],
  ];
  for (const [to, entity, errorType] of rows) {
    const answer = await call('PutLogEvents', { ...to, entity, logEvents: [{ timestamp, message: 'm' }] });
    assert.deepEqual(answer.rejectedEntityInfo, errorType && { errorType }, JSON.stringify(entity));
  }
  assert.equal((await call('GetLogEvents', stream)).events.length, 5);
});
