import assert from 'node:assert/strict';
import test from 'node:test';
import type { Entity } from '@aws-sdk/client-cloudwatch';
import { entityFailure } from './entity.ts';

const service = { Type: 'Service', Name: 'web', Environment: 'prod' };
const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']));

const ROWS: [Entity | undefined, string | undefined][] = [
  [undefined, 'InvalidEntity'],
  [{}, 'InvalidKeyAttributes'],
  [{ KeyAttributes: { Type: 'Service' } }, 'InvalidKeyAttributes'],
  [{ KeyAttributes: { ...service, Colour: 'red' } }, 'InvalidKeyAttributes'],
  [{ KeyAttributes: { ...service, Name: '' } }, 'InvalidKeyAttributes'],
  [{ KeyAttributes: { Name: 'web', Environment: 'prod' } }, 'MissingRequiredFields'],
  [{ KeyAttributes: { Type: 'Service', Name: 'web' } }, 'MissingRequiredFields'],
  [{ KeyAttributes: { Type: 'Planet', Name: 'web' } }, 'InvalidTypeValue'],
  [{ KeyAttributes: { Type: 'AWS::Resource', ResourceType: 'AWS::S3::Bucket', Identifier: 'b' } }, undefined],
  [{ KeyAttributes: service }, undefined],
  [{ KeyAttributes: service, Attributes: many(10) }, undefined],
  [{ KeyAttributes: service, Attributes: many(11) }, 'InvalidAttributes'],
  [{ KeyAttributes: service, Attributes: { k: 'v'.repeat(2049) } }, 'InvalidAttributes'],
];

test('entities', () => {
  for (const [entity, expected] of ROWS) assert.equal(entityFailure(entity), expected, JSON.stringify(entity));
});
