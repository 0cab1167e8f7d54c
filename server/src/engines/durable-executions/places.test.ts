import assert from 'node:assert/strict';
import test from 'node:test';
import { Places } from './places.ts';

test('so many at once for each key, in the order in which they came', async () => {
  const places = new Places(2);
  const entered: string[] = [];
  const enter = async (key: string, name: string) => {
    const leave = await places.enter(key);
    entered.push(name);
    return leave;
  };
  const a = await enter('k', 'a');
  const b = await enter('k', 'b');
  const c = enter('k', 'c');
  const d = enter('k', 'd');
  (await enter('other', 'e'))();
  assert.deepEqual(entered, ['a', 'b', 'e']);
  b();
  const leaveC = await c;
  assert.deepEqual(entered, ['a', 'b', 'e', 'c']);
  a();
  leaveC();
  (await d)();
  (await enter('k', 'f'))();
  assert.deepEqual(entered, ['a', 'b', 'e', 'c', 'd', 'f']);
});
