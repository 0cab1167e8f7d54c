import assert from 'node:assert/strict';
import { test } from 'node:test';
import { furthest, traced } from './recursion.ts';

const [A, B, S] = ['a', 'b', 's'].map((name) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`) as [
  string,
  string,
  string,
];

/** How often the loop turned before it was stopped; undefined when it never was. */
function turns(start: string[], loop: string[]): number | undefined {
  let header: string | undefined;
  for (const arn of start) header = traced(header, arn, 0).traceHeader;
  for (let turn = 0; turn < 100; turn++) {
    for (const arn of loop) {
      const next = traced(header, arn, 0);
      if (next.isRunaway) return turn;
      header = next.traceHeader;
    }
  }
  return undefined;
}

test('a function that invokes itself is stopped after sixteen invocations', () => {
  assert.equal(turns([], [A]), 16);
  assert.equal(turns([], [A, B]), 16, 'and so is one that comes back through another');
});

test('a loop that another function began is stopped, a little later', () => {
  const stopped = turns([S], [A]);
  assert.ok(stopped !== undefined && stopped > 16 && stopped <= 33, String(stopped));
});

test('the other fields stay as they are; without a header there is a new one', () => {
  const { traceHeader } = traced('Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1', A, 0);
  assert.match(
    traceHeader,
    /^Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1;Lineage=0:[0-9a-f]{8}:0$/,
  );
  assert.match(
    traced(undefined, A, 0).traceHeader,
    /^Root=1-[0-9a-f]+-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=/,
  );
});

test('of a batch, what has gone round most often counts', () => {
  const header = (lineage: string) => `Root=1-0-0;Lineage=${lineage}`;
  assert.equal(furthest([undefined]), undefined);
  assert.equal(furthest([undefined, 'Root=1-0-0']), 'Root=1-0-0');
  const headers = [header('3:aaaaaaaa:2'), 'Root=1-1-1', header('0:bbbbbbbb:9'), header('16:aaaaaaaa:8')];
  assert.equal(furthest(headers), headers[2]);
});
