// Tables of handlers and what their invocations must answer, for the tests of runtimes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ParsedResult, TestEngine, TestFunction } from './lambda-engine.ts';

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
