import assert from 'node:assert/strict';
import test from 'node:test';
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { acceptMessageAttributes, md5OfAttributes, selectAttributes, sizeOfAttributes } from './message-attributes.ts';

const text = (value: string, type = 'String'): MessageAttributeValue => ({ DataType: type, StringValue: value });
const binary = (value: string, type = 'Binary'): MessageAttributeValue => ({
  DataType: type,
  BinaryValue: Buffer.from(value, 'latin1'),
});

// Digests that AWS answered for these attributes.
const DIGESTS: [string, Record<string, MessageAttributeValue>, string][] = [
  ['one string', { Foo: text('Bar') }, 'ae7155c6026991b6d54b11589678bf9c'],
  [
    'several, whatever their order',
    { 'Help.Me': text('Me'), Hello: text('There'), General: text('Kenobi') },
    '4c360f3fdafd970e05fae2f149d997f5',
  ],
  ['a number', { attr1: text('99.12', 'Number') }, 'd302007e9aa062660afc85fd0a482472'],
  [
    'two numbers',
    { attr2: text('109.12', 'Number'), attr1: text('99.12', 'Number') },
    '9b720b3af309c1c4b0d395c53b08c502',
  ],
  [
    'binary',
    { attr1: binary('traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01') },
    '8cbe4db156db8a94db8b801b7addb984',
  ],
];

for (const [name, attributes, digest] of DIGESTS) {
  test(`the digest of ${name}`, () => {
    assert.equal(md5OfAttributes(acceptMessageAttributes(attributes)), digest);
  });
}

const REFUSED: [string, Record<string, MessageAttributeValue>, RegExp][] = [
  [
    'an empty string',
    { a: text('') },
    /^Message \(user\) attribute 'a' must contain a non-empty value of type 'String'\.$/,
  ],
  ['empty binary', { a: binary('') }, /non-empty value of type 'Binary'/],
  ['an unknown type', { a: text('x', 'Bool') }, /the set of supported type prefixes is Binary, Number, and String\.$/],
  ['a prefix without its dot', { a: text('x', 'Stringy') }, /supported type prefixes/],
  ['no type', { a: text('x', '') }, /non-empty message attribute type/],
  ['text that is no number', { a: text('1x', 'Number') }, /^Could not cast message attribute 'a' value to number\.$/],
  ['binary in a string', { a: { DataType: 'String', BinaryValue: Buffer.from('x') } }, /must use field 'String'/],
  ['text in a binary', { a: { DataType: 'Binary', StringValue: 'x' } }, /must use field 'Binary'/],
  [
    'a control character',
    { a: text('\u0001') },
    /^Invalid binary character '#x1' was found in the message attribute 'a' value/,
  ],
  ['a forbidden character in the name', { 'a^': text('x') }, /^Invalid non-alphanumeric character '#x5E'/],
  ['a reserved name', { 'aws.x': text('x') }, /reserved/],
  ['a leading dot', { '.a': text('x') }, /starting with character '\.'/],
  ['a closing dot', { 'a.': text('x') }, /ending with character '\.'/],
  ['successive dots', { 'a..b': text('x') }, /successive '\.'/],
  ['a name of 257', { ['a'.repeat(257)]: text('x') }, /less than 256/],
  [
    'eleven',
    Object.fromEntries([...'abcdefghijk'].map((name) => [name, text('x')])),
    /^Number of message attributes \[11\] exceeds the allowed maximum \[10\]\.$/,
  ],
];

for (const [name, attributes, message] of REFUSED) {
  test(`refuses ${name}`, () => {
    assert.throws(() => acceptMessageAttributes(attributes), { code: 'InvalidParameterValue', message });
  });
}

test('accepts custom types and counts names, types and values', () => {
  const accepted = acceptMessageAttributes({ n: text('-1.5e3', 'Number.float'), b: binary('\xff\x00', 'Binary.png') });
  assert.deepEqual(accepted, { n: { t: 'Number.float', s: '-1.5e3' }, b: { t: 'Binary.png', b: '/wA=' } });
  assert.equal(sizeOfAttributes(accepted), 1 + 12 + 6 + 1 + 10 + 2);
});

const SELECTIONS: [string[] | undefined, string[]][] = [
  [undefined, []],
  [[], []],
  [['All'], ['General', 'Hello', 'Help.Me']],
  [['.*'], ['General', 'Hello', 'Help.Me']],
  [['Hel.*'], ['Hello', 'Help.Me']],
  [['Hello', 'Nope'], ['Hello']],
  [['hello'], []],
  [['Hel'], []],
];

for (const [names, selected] of SELECTIONS) {
  test(`names ${JSON.stringify(names)} select ${selected}`, () => {
    const stored = acceptMessageAttributes({ General: text('Kenobi'), Hello: text('There'), 'Help.Me': text('Me') });
    assert.deepEqual(Object.keys(selectAttributes(stored, names) ?? {}).sort(), selected);
  });
}
