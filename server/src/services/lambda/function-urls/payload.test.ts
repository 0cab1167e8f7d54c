import assert from 'node:assert/strict';
import test from 'node:test';
import { responseOf } from './payload.ts';

test('an answer without a status is the body, as compact JSON', () => {
  const cases: [answer: string, body: string][] = [
    ['{"hello": "world"}', '{"hello":"world"}'],
    ['["hello", 3, true]', '["hello",3,true]'],
    ['"hello"', 'hello'],
    ['3', '3'],
    ['3.10', '3.10'],
    ['12345678901234567890', '12345678901234567890'],
    ['true', 'true'],
    ['{ "a \\" : b" :\n[ 1.0, "c , d\\\\" ] }', '{"a \\" : b":[1.0,"c , d\\\\"]}'],
  ];
  for (const [answer, body] of cases) {
    const headers = { 'content-type': 'application/json' };
    assert.deepEqual(responseOf(Buffer.from(answer)), { status: 200, headers, body });
  }
  const long = `{"text": "${'x"'.replace('"', '\\"').repeat(1_000_000)}"}`;
  assert.equal(responseOf(Buffer.from(long))!.body.length, long.length - 1);
});
