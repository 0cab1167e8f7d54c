// Tables of handlers and what their invocations must answer, for the tests of runtimes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParsedResult, TestEngine, TestFunction } from './lambda-engine.ts';
import type { Random } from './seeded-random.ts';

export interface Case {
  name: string;
  function: TestFunction;
  event?: unknown;
  /** What the handler returns. */
  returns?: unknown;
  /** Or the error, as far as it is given here. */
  fails?: { errorType: string; errorMessage?: string | RegExp };
  check?: (result: ParsedResult) => void;
}

/** A test for each. */
export function runCases({ deploy }: TestEngine, cases: readonly Case[]): void {
  for (const { name, function: spec, event = {}, returns, fails, check } of cases) {
    test(name, async () => {
      const result = await deploy(spec).invoke(event);
      if (fails) {
        assert.equal(result.functionError, 'Unhandled', JSON.stringify(result.value));
        assert.equal(result.value.errorType, fails.errorType, JSON.stringify(result.value));
        if (fails.errorMessage instanceof RegExp) assert.match(result.value.errorMessage, fails.errorMessage);
        else if (fails.errorMessage !== undefined) assert.equal(result.value.errorMessage, fails.errorMessage);
      } else {
        assert.equal(result.functionError, undefined, JSON.stringify(result.value));
        if (returns !== undefined) assert.deepEqual(result.value, returns);
      }
      check?.(result);
    });
  }
}

/** The messages of one invocation's stream between its START and END. */
export async function linesOf({ engine, log }: TestEngine, result: ParsedResult): Promise<string[]> {
  await engine.flushLogs();
  const start = log.findIndex(({ message }) => message.startsWith(`START RequestId: ${result.requestId}`));
  const { stream } = log[start]!;
  const rest = log.slice(start + 1).filter((line) => line.stream === stream);
  const end = rest.findIndex(({ message }) => message.startsWith(`END RequestId: ${result.requestId}`));
  return rest.slice(0, end).map(({ message }) => message);
}

/** The function's own messages of one invocation with the JSON log format, those that are JSON parsed. */
export async function jsonLinesOf({ engine, log }: TestEngine, { requestId }: ParsedResult): Promise<any[]> {
  await engine.flushLogs();
  const stream = log.find(({ message }) => message.includes(requestId))?.stream;
  const lines = log.filter((line) => line.stream === stream).map(({ message }) => parsed(message));
  return lines.filter((line) => !String(line.type).startsWith('platform.'));
}

function parsed(message: string): any {
  try {
    return JSON.parse(message);
  } catch {
    return message;
  }
}

/** A JSON value of any kind, not too large: for what a runtime reads and writes again. */
export function randomJson(random: Random, depth = 4): unknown {
  const below = (limit: number) => Math.floor(random() * limit);
  const text = () =>
    Array.from(
      { length: below(8) },
      () => ['a', '"', '\\', '\n', '\u0001', 'ü', '€', '😀', '/', ' ', '\u2028'][below(11)],
    ).join('');
  const numbers = [
    () => below(2000) - 1000,
    () => (random() - 0.5) * 10 ** (below(600) - 300),
    () => Number.MAX_SAFE_INTEGER - below(10),
    () => [0.1, 1e21, 5e-324, Number.MAX_VALUE, 2 ** 31, -(2 ** 31), 2 ** 53, 1e18, 123456789.125][below(9)],
  ];
  const plain = [() => null, () => random() < 0.5, text, text, ...numbers];
  const list = () => Array.from({ length: below(5) }, () => randomJson(random, depth - 1));
  // Without backslashes: after the key `w\\`, V8 13.6 (Node.js 24) reads the key `w"` as that one.
  const name = (index: number) => `${index}${text().replaceAll('\\', '')}`;
  const object = () => Object.fromEntries(list().map((value, index) => [name(index), value]));
  const kinds = depth > 0 ? [...plain, list, list, object, object] : plain;
  return kinds[below(kinds.length)]!();
}
