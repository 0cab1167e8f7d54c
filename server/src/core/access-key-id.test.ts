import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountOfAccessKeyId, newAccessKeyId, newSecretAccessKey } from './access-key-id.ts';

test('an id carries its account', () => {
  for (const account of ['000000000000', '000000000001', '123456789012', '999999999999']) {
    for (const prefix of ['AKIA', 'ASIA'] as const) {
      const id = newAccessKeyId(prefix, account);
      assert.match(id, /^A[KS]IA[A-Z2-7]{16}$/);
      assert.equal(accountOfAccessKeyId(id), account);
    }
  }
  assert.notEqual(newAccessKeyId('AKIA', '123456789012'), newAccessKeyId('AKIA', '123456789012'));
});

test('reads the account that AWS put into a real id, and nothing from others', () => {
  const cases: [string, string | undefined][] = [
    // The worked example of published write-ups of the form.
    ['ASIAQNZGKIQY56JQ7WML', '029608264753'],
    ['AKIAIOSFODNN7EXAMPLE', undefined],
    ['test', undefined],
    ['123456789012', undefined],
    ['AKIAQ000000000000000', undefined],
    ['XXXXQNZGKIQY56JQ7WML', undefined],
  ];
  for (const [id, account] of cases) assert.equal(accountOfAccessKeyId(id), account, id);
});

test('secrets have the length of AWS secrets', () => {
  assert.match(newSecretAccessKey(), /^[A-Za-z0-9+/]{40}$/);
});
