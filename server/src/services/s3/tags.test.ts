import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptTagging, acceptTaggingHeader, MAX_BUCKET_TAGS, MAX_OBJECT_TAGS } from './tags.ts';

test('the tagging header', () => {
  const many = Array.from({ length: 11 }, (_, i) => `k${i}=v`).join('&');
  const cases: [header: string | undefined, outcome: [string, string][] | undefined | string][] = [
    [undefined, undefined],
    ['', undefined],
    [
      'b=2&a=1',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'empty=&bare',
      [
        ['bare', ''],
        ['empty', ''],
      ],
    ],
    ['k%20e=v+w%3D', [['k e', 'v w=']]],
    ['gr%C3%BC%C3%9Fe=%E4%B8%96', [['grüße', '世']]],
    ['a=1&a=2', 'InvalidArgument'],
    ['a=%E4', 'InvalidArgument'],
    ['=v', 'InvalidTag'],
    ['a=!', 'InvalidTag'],
    ['aws:x=1', 'InvalidTag'],
    [`${'k'.repeat(129)}=v`, 'InvalidTag'],
    [`k=${'v'.repeat(257)}`, 'InvalidTag'],
    [many, 'BadRequest'],
  ];
  for (const [header, outcome] of cases) {
    if (typeof outcome === 'string') assert.throws(() => acceptTaggingHeader(header), { code: outcome }, header);
    else assert.deepEqual(acceptTaggingHeader(header), outcome, header);
  }
});

test('tagging documents', () => {
  const tags = (count: number) => ({ TagSet: Array.from({ length: count }, (_, i) => ({ Key: `k${i}`, Value: 'v' })) });
  assert.equal(acceptTagging(tags(10), MAX_OBJECT_TAGS).length, 10);
  assert.throws(() => acceptTagging(tags(11), MAX_OBJECT_TAGS), { code: 'BadRequest' });
  assert.equal(acceptTagging(tags(50), MAX_BUCKET_TAGS).length, 50);
  assert.throws(() => acceptTagging(tags(51), MAX_BUCKET_TAGS), { code: 'BadRequest' });
  assert.throws(() => acceptTagging(undefined, MAX_OBJECT_TAGS), { code: 'MalformedXML' });
  const twice = {
    TagSet: [
      { Key: 'a', Value: '1' },
      { Key: 'a', Value: '2' },
    ],
  };
  assert.throws(() => acceptTagging(twice, MAX_OBJECT_TAGS), { code: 'InvalidTag' });
});
