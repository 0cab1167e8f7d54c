import assert from 'node:assert/strict';
import test from 'node:test';
import { compileRecordFilter } from './record-filter.ts';

for (const { patterns, body, kept } of [
  { patterns: ['{"body":{"n":[1]}}'], body: '{"n":1}', kept: true },
  { patterns: ['{"body":{"n":[1]}}'], body: '{"n":2}', kept: false },
  { patterns: ['{"body":{"n":[2]}}', '{"body":{"n":[1]}}'], body: '{"n":1}', kept: true },
  { patterns: ['{"body":{"n":[{"numeric":[">",5]}]}}'], body: '{"n":6}', kept: true },
  { patterns: ['{"body":{"n":[1]}}'], body: 'plain', kept: false },
  { patterns: ['{"body":{"n":[{"exists":false}]}}'], body: 'plain', kept: false },
  { patterns: ['{"body":{"n":[{"exists":false}]}}'], body: '{"m":1}', kept: true },
  { patterns: ['{"body":["plain"]}'], body: 'plain', kept: true },
  { patterns: ['{"body":["plain"]}'], body: 'other', kept: false },
  { patterns: ['{"body":[{"prefix":"{"}]}'], body: '{"n":1}', kept: false },
  { patterns: ['{"body":[{"prefix":"{"}]}'], body: '{"n":1', kept: true },
  { patterns: ['{"awsRegion":["r"]}'], body: 'plain', kept: true },
  { patterns: ['{"awsRegion":["r"]}'], body: '{"n":1}', kept: true },
  { patterns: ['{"awsRegion":["elsewhere"]}'], body: '{"n":1}', kept: false },
  { patterns: ['{"$or":[{"body":{"n":[7]}},{"body":{"m":[1]}}]}'], body: '{"m":1}', kept: true },
]) {
  test(`${patterns} ${kept ? 'keeps' : 'drops'} ${body}`, () => {
    assert.equal(compileRecordFilter(patterns, 'body').matches({ body, awsRegion: 'r' }), kept);
  });
}
