import assert from 'node:assert/strict';
import test from 'node:test';
import { discoverFields } from './discovered-fields.ts';

const ID = '11111111-2222-3333-4444-555555555555';

test('discovered fields', () => {
  const cases: [message: string, fields: Record<string, string>][] = [
    ['plain text', {}],
    ['{"a":1,"b":{"c":true,"d":[1,{"e":"x"}]},"n":null}', { a: '1', 'b.c': 'true', 'b.d.0': '1', 'b.d.1.e': 'x' }],
    ['INFO {"a":"b"}\n', { a: 'b' }],
    ['{"@timestamp":"x"}', { '@@timestamp': 'x' }],
    ['text {"a":"only functions write so"}', {}],
    [`2026-11-23T10:00:00.000Z\t${ID}\tINFO\thello`, { '@requestId': ID }],
    [
      '2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK',
      {
        version: '2',
        accountId: '123456789010',
        interfaceId: 'eni-1235b8ca',
        srcAddr: '172.31.16.139',
        dstAddr: '172.31.16.21',
        srcPort: '20641',
        dstPort: '22',
        protocol: '6',
        packets: '20',
        bytes: '4249',
        startTime: '1418530010',
        endTime: '1418530070',
        action: 'ACCEPT',
        logStatus: 'OK',
      },
    ],
    ['{"a":1', {}],
    ['{not json}', {}],
    [`START RequestId: ${ID} Version: $LATEST\n`, { '@type': 'START', '@requestId': ID }],
    [
      `REPORT RequestId: ${ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 65 MB\tInit Duration: 100.5 ms\t\nXRAY TraceId: 1-2-3\tSegmentId: 4\tSampled: true\t\n`,
      {
        '@type': 'REPORT',
        '@requestId': ID,
        '@duration': '12.34',
        '@billedDuration': '13',
        '@memorySize': '128000000',
        '@maxMemoryUsed': '65000000',
        '@initDuration': '100.5',
        '@xrayTraceId': '1-2-3',
        '@xraySegmentId': '4',
      },
    ],
  ];
  for (const [message, fields] of cases) {
    const group = message.startsWith('INFO') ? '/aws/lambda/f' : '/app';
    assert.deepEqual(Object.fromEntries(discoverFields(message, group)), fields, message);
  }
});
