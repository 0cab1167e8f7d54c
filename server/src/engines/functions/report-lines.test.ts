import assert from 'node:assert/strict';
import test from 'node:test';
import {
  billedDurationMs,
  endLine,
  initReportLine,
  initStartLine,
  logStreamName,
  reportLine,
  startLine,
} from './report-lines.ts';

const report = { requestId: 'r', durationMs: 1.234, billedDurationMs: 2, memoryMb: 128, maxMemoryUsedMb: 36 };
const cases: [string, string][] = [
  [startLine('r', '$LATEST'), 'START RequestId: r Version: $LATEST\n'],
  [endLine('r'), 'END RequestId: r\n'],
  [
    reportLine(report),
    'REPORT RequestId: r\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\n',
  ],
  [
    reportLine({ ...report, initDurationMs: 100.5 }),
    'REPORT RequestId: r\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tInit Duration: 100.50 ms\t\n',
  ],
  [
    reportLine({ ...report, status: { state: 'timeout' } }),
    'REPORT RequestId: r\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\tStatus: timeout\t\n',
  ],
  [
    reportLine({
      ...report,
      traceHeader: 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1',
    }),
    'REPORT RequestId: r\tDuration: 1.23 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB\t\nXRAY TraceId: 1-5bef4de7-ad49b0e87f6ef6c87fc2e700\tSampled: true\t\n',
  ],
  [
    initReportLine(12.3, 'init', { state: 'error', errorType: 'Runtime.ImportModuleError' }),
    'INIT_REPORT Init Duration: 12.30 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n',
  ],
  [
    initReportLine(10_000, 'invoke', { state: 'timeout' }),
    'INIT_REPORT Init Duration: 10000.00 ms\tPhase: invoke\tStatus: timeout\n',
  ],
  [
    initStartLine('python:3.12.v1', 'arn:x'),
    'INIT_START Runtime Version: python:3.12.v1\tRuntime Version ARN: arn:x\n',
  ],
  [logStreamName(Date.UTC(2026, 0, 2), '$LATEST', 'ab'), '2026/01/02/[$LATEST]ab'],
];

test('the lines that Lambda writes', () => {
  for (const [got, wanted] of cases) assert.equal(got, wanted);
});

test('the initialization is billed, in whole milliseconds', () => {
  assert.equal(billedDurationMs(1), 1);
  assert.equal(billedDurationMs(1.01), 2);
  assert.equal(billedDurationMs(1.2, 99.9), 102);
});
