import assert from 'node:assert/strict';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { GroupSync, NOT_DURABLE } from './group-sync.ts';

const dir = mkdtempSync(join(tmpdir(), 'brume-group-sync-'));
after(() => rmSync(dir, { recursive: true, force: true }));

/** A group whose fsyncs end when the test says so, and the order of what happens in it. */
function controlled() {
  const events: string[] = [];
  const running: ((error: Error | null) => void)[] = [];
  const group = new GroupSync(openSync(join(dir, 'file'), 'w'), (_descriptor, done) => {
    events.push('start');
    running.push(done);
  });
  return {
    group,
    events,
    write: (name: string) => group.whenDurable((error) => events.push(error ? `${name} failed` : name)),
    read: (name: string) => group.whenRead((error) => events.push(error ? `${name} failed` : name)),
    finish: (error: Error | null = null) => running.shift()!(error),
    inFlight: () => running.length,
  };
}

test('all who write in one turn share one fsync, and none is acknowledged before it ends', async () => {
  const { events, write, finish } = controlled();
  for (const name of ['a', 'b', 'c']) write(name);
  assert.deepEqual(events, []);
  await turn();
  assert.deepEqual(events, ['start']);
  finish();
  assert.deepEqual(events, ['start', 'a', 'b', 'c']);
});

test('who writes while an fsync runs waits for the next one', async () => {
  const { events, write, finish, inFlight } = controlled();
  write('a');
  await turn();
  write('b');
  write('c');
  await turn();
  assert.equal(inFlight(), 1);
  finish();
  assert.deepEqual(events, ['start', 'a', 'start']);
  finish();
  assert.deepEqual(events, ['start', 'a', 'start', 'b', 'c']);
  assert.equal(inFlight(), 0);
});

test('what a settled one writes at once is not acknowledged by the fsync that is over', async () => {
  const { group, events, write, finish } = controlled();
  group.whenDurable(() => write('second'));
  write('first');
  await turn();
  finish();
  assert.deepEqual(events, ['start', 'first']);
  await turn();
  assert.deepEqual(events, ['start', 'first', 'start']);
  finish();
  assert.deepEqual(events, ['start', 'first', 'start', 'second']);
});

test('a reader waits for the writes before it, and starts no fsync', async () => {
  const { events, write, read, finish, inFlight } = controlled();
  read('idle');
  assert.deepEqual(events, ['idle']);
  write('a');
  read('after a');
  await turn();
  read('during');
  assert.deepEqual(events, ['idle', 'start']);
  finish();
  assert.deepEqual(events, ['idle', 'start', 'a', 'after a', 'during']);
  assert.equal(inFlight(), 0);
});

test('a failed fsync fails all who wait, and everybody after', async () => {
  const { events, write, read, finish } = controlled();
  write('a');
  await turn();
  write('b');
  finish(new Error('EIO'));
  write('c');
  read('d');
  await turn();
  assert.deepEqual(events.slice(1).sort(), ['a failed', 'b failed', 'c failed', 'd failed']);
  assert.equal(events.filter((event) => event === 'start').length, 1);
});

test('close waits for what is under way', async () => {
  const { group, events, write, finish } = controlled();
  write('a');
  await turn();
  const closed = group.close().then(() => events.push('closed'));
  await turn();
  finish();
  await closed;
  assert.deepEqual(events, ['start', 'a', 'closed']);
});

test('without durability nobody waits', () => {
  const events: string[] = [];
  NOT_DURABLE.whenDurable(() => events.push('written'));
  NOT_DURABLE.whenRead(() => events.push('read'));
  assert.deepEqual(events, ['written', 'read']);
});
