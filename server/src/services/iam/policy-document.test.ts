import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPolicyDocument, encodePolicyDocument, type PolicyKind, policySize } from './policy-document.ts';

const identity = (statement: object, rest: object = { Version: '2012-10-17' }) =>
  JSON.stringify({ ...rest, Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...statement }] });
const trust = (statement: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: 'sts:AssumeRole',
      ...statement,
    },
  });

test('valid documents pass', () => {
  const cases: [PolicyKind, string][] = [
    ['managed', identity({})],
    ['inline', identity({}, {})],
    ['inline', identity({}, { Version: '2008-10-17', Id: 'x' })],
    ['managed', identity({ Action: ['s3:*', '*'], Resource: ['arn:aws:s3:::b/*', 'arn:aws:sqs:*:123456789012:q'] })],
    ['managed', identity({ Resource: 'arn:aws:s3:*' })],
    ['managed', identity({ Action: undefined, NotAction: 'iam:*', Resource: undefined, NotResource: '*', Sid: 'A1' })],
    ['managed', identity({ Condition: { StringEqualsIfExists: { 'aws:SourceAccount': ['123456789012'] } } })],
    [
      'managed',
      identity({ Condition: { 'ForAnyValue:StringLike': { 'aws:TagKeys': 'a*' }, Null: { 'aws:x': true } } }),
    ],
    ['trust', trust({})],
    ['trust', trust({ Principal: '*' })],
    ['trust', trust({ Principal: { AWS: ['123456789012', 'arn:aws:iam::123456789012:root'] } })],
    ['trust', trust({ Principal: { Federated: 'cognito-identity.amazonaws.com' }, Action: ['sts:TagSession'] })],
    ['trust', trust({ Condition: { StringEquals: { 'sts:ExternalId': 'x' } } })],
  ];
  for (const [kind, text] of cases) assert.doesNotThrow(() => checkPolicyDocument(text, kind), text);
});

test('invalid documents are refused in the words of IAM', () => {
  const cases: [PolicyKind, string, string][] = [
    ['trust', '{"Version": "2012-10-17",}', 'This policy contains invalid Json'],
    ['managed', 'not json', 'Syntax errors in policy.'],
    ['managed', '', 'Syntax errors in policy.'],
    ['managed', '[]', 'Syntax errors in policy.'],
    ['managed', '{"Version":"2012-10-17","Statement":[]}', 'Syntax errors in policy.'],
    ['managed', '{"Version":"2012-10-17"}', 'Syntax errors in policy.'],
    ['managed', '{"Version":"2012-10-17","Statement":[{}],"Extra":1}', 'Syntax errors in policy.'],
    ['managed', identity({}, {}), 'Policy document must be version 2012-10-17 or greater.'],
    ['inline', identity({}, { Version: '2020-01-01' }), 'Syntax errors in policy.'],
    ['managed', identity({ Effect: 'allow' }), 'Syntax errors in policy.'],
    ['managed', identity({ Effect: undefined }), 'Missing required field Effect'],
    ['managed', identity({ Action: undefined }), 'Policy statement must contain actions.'],
    ['managed', identity({ Action: [] }), 'Policy statement must contain actions.'],
    ['managed', identity({ Action: [1] }), 'Syntax errors in policy.'],
    ['managed', identity({ NotAction: '*' }), 'Syntax errors in policy.'],
    [
      'managed',
      identity({ Action: 'GetObject' }),
      'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
    ],
    ['managed', identity({ Action: 'a:b:c' }), 'Actions/Condition can contain only one colon.'],
    ['managed', identity({ Action: 's 3:x' }), 'Vendor s 3 is not valid'],
    ['managed', identity({ Resource: undefined }), 'Policy statement must contain resources.'],
    ['managed', identity({ Resource: 'my-bucket' }), 'Resource my-bucket must be in ARN format or "*".'],
    ['managed', identity({ Resource: 'arn:aws:s3' }), 'The policy failed legacy parsing'],
    [
      'managed',
      identity({ Resource: 'arn:mars:s3:::b' }),
      'Partition "mars" is not valid for resource "arn:mars:s3:::b".',
    ],
    ['managed', identity({ Principal: '*' }), 'Policy document should not specify a principal.'],
    [
      'managed',
      identity({ Sid: 'a b' }),
      'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
    ],
    ['managed', identity({ Condition: { Equals: { 'aws:x': 'y' } } }), 'Invalid Condition type : Equals.'],
    ['managed', identity({ Condition: { StringEquals: 'y' } }), 'Syntax errors in policy.'],
    ['trust', trust({ Resource: '*' }), 'Has prohibited field Resource'],
    ['trust', trust({ Principal: undefined }), 'Missing required field Principal'],
    ['trust', trust({ Principal: {} }), 'Missing required field Principal'],
    ['trust', trust({ Action: undefined }), 'Missing required field Action'],
    ['trust', trust({ Action: 's3:GetObject' }), 'AssumeRole policy may only specify STS AssumeRole actions.'],
    ['trust', trust({ Principal: { Service: 'lambda' } }), 'Invalid principal in policy: "SERVICE":"lambda"'],
    ['trust', trust({ Principal: { AWS: 'bob' } }), 'Invalid principal in policy: "AWS":"bob"'],
  ];
  for (const [kind, text, message] of cases) {
    assert.throws(() => checkPolicyDocument(text, kind), { code: 'MalformedPolicyDocumentException', message }, text);
  }
  const twice = { Effect: 'Allow', Action: '*', Resource: '*', Sid: 'A' };
  assert.throws(
    () => checkPolicyDocument(JSON.stringify({ Version: '2012-10-17', Statement: [twice, twice] }), 'managed'),
    {
      message: 'Statement IDs (SID) in a single policy must be unique.',
    },
  );
});

test('documents come back in RFC 3986 encoding, and white space is free', () => {
  assert.equal(encodePolicyDocument(`{"a": "b*(c)!'~"}`), '%7B%22a%22%3A%20%22b%2A%28c%29%21%27~%22%7D');
  assert.equal(policySize('{ "a":\n\t"b c" }'), 10);
});
