import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkCopySourceConditions,
  checkReadConditions,
  checkWriteConditions,
  type ReadConditions,
} from './conditions.ts';

const MODIFIED_MS = Date.parse('2026-01-02T03:04:05.678Z');
const NOW_MS = MODIFIED_MS + 60_000;
const OBJECT = { etag: 'abc', modifiedAtMs: MODIFIED_MS };
const BEFORE = new Date(MODIFIED_MS - 5_000);
const SAME_SECOND = new Date('2026-01-02T03:04:05Z');
const AFTER = new Date(MODIFIED_MS + 5_000);
const FUTURE = new Date(NOW_MS + 5_000);

test('conditions of a GET', () => {
  const cases: [conditions: ReadConditions, outcome: 200 | 304 | 412][] = [
    [{}, 200],
    [{ IfMatch: '"abc"' }, 200],
    [{ IfMatch: 'abc' }, 200],
    [{ IfMatch: '*' }, 200],
    [{ IfMatch: '"x", W/"abc"' }, 200],
    [{ IfMatch: '"x"' }, 412],
    [{ IfNoneMatch: '"abc"' }, 304],
    [{ IfNoneMatch: '*' }, 304],
    [{ IfNoneMatch: '"x"' }, 200],
    [{ IfModifiedSince: BEFORE }, 200],
    [{ IfModifiedSince: SAME_SECOND }, 304],
    [{ IfModifiedSince: AFTER }, 304],
    [{ IfModifiedSince: FUTURE }, 200],
    [{ IfUnmodifiedSince: BEFORE }, 412],
    [{ IfUnmodifiedSince: SAME_SECOND }, 200],
    [{ IfUnmodifiedSince: AFTER }, 200],
    // The two pairs that AWS documents: the ETag decides.
    [{ IfMatch: '"abc"', IfUnmodifiedSince: BEFORE }, 200],
    [{ IfNoneMatch: '"abc"', IfModifiedSince: BEFORE }, 304],
    [{ IfNoneMatch: '"x"', IfModifiedSince: AFTER }, 200],
    [{ IfMatch: '"x"', IfNoneMatch: '"abc"' }, 412],
  ];
  for (const [conditions, outcome] of cases) {
    const label = JSON.stringify(conditions);
    if (outcome === 412) {
      assert.throws(
        () => checkReadConditions(OBJECT, conditions, NOW_MS),
        { code: 'PreconditionFailed', status: 412 },
        label,
      );
    } else {
      assert.equal(
        checkReadConditions(OBJECT, conditions, NOW_MS),
        outcome === 304 ? 'not-modified' : 'proceed',
        label,
      );
    }
    const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
    const check = () =>
      checkCopySourceConditions(
        OBJECT,
        {
          CopySourceIfMatch: IfMatch,
          CopySourceIfNoneMatch: IfNoneMatch,
          CopySourceIfModifiedSince: IfModifiedSince,
          CopySourceIfUnmodifiedSince: IfUnmodifiedSince,
        },
        NOW_MS,
      );
    if (outcome === 200) check();
    else assert.throws(check, { code: 'PreconditionFailed', status: 412 }, `copy ${label}`);
  }
});

test('conditions of a write', () => {
  const cases: [existing: typeof OBJECT | undefined, conditions: object, code: string | undefined][] = [
    [undefined, {}, undefined],
    [OBJECT, {}, undefined],
    [undefined, { IfNoneMatch: '*' }, undefined],
    [OBJECT, { IfNoneMatch: '*' }, 'PreconditionFailed'],
    [OBJECT, { IfNoneMatch: '"x"' }, 'NotImplemented'],
    [OBJECT, { IfMatch: '"abc"' }, undefined],
    [OBJECT, { IfMatch: '*' }, undefined],
    [OBJECT, { IfMatch: '"x"' }, 'PreconditionFailed'],
    [undefined, { IfMatch: '"abc"' }, 'NoSuchKey'],
  ];
  for (const [existing, conditions, code] of cases) {
    const check = () => checkWriteConditions('k', existing, conditions);
    if (code === undefined) check();
    else assert.throws(check, { code }, JSON.stringify(conditions));
  }
});
