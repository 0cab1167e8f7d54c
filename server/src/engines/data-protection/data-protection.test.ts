import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DataProtectionPolicyError, parseDataProtectionPolicy, UnsupportedProtectionError } from './data-protection.ts';

function policy(identifiers: string[], custom?: { Name: string; Regex: string }[]): string {
  const DataIdentifier = identifiers.map((name) =>
    custom?.some((it) => it.Name === name) ? name : `arn:aws:dataprotection::aws:data-identifier/${name}`,
  );
  return JSON.stringify({
    Name: 'test',
    Version: '2021-06-01',
    Statement: [
      { DataIdentifier, Operation: { Audit: { FindingsDestination: {} } } },
      { DataIdentifier, Operation: { Deidentify: { MaskConfig: {} } } },
    ],
    ...(custom && { Configuration: { CustomDataIdentifier: custom } }),
  });
}

const TABLE: [identifier: string, message: string, masked: string][] = [
  ['EmailAddress', 'mail from jane.doe+x@mail.example.com!', 'mail from ***************************!'],
  ['EmailAddress', 'no address @ all', 'no address @ all'],
  ['IpAddress', 'from 10.1.2.3:80 to 999.1.2.3', 'from ********:80 to 999.1.2.3'],
  ['IpAddress', 'v6 2001:db8::ff00:42:8329 end', 'v6 ********************** end'],
  ['CreditCardNumber', 'card 4111 1111 1111 1111, ok', 'card *******************, ok'],
  ['CreditCardNumber', 'card 4111 1111 1111 1112, no', 'card 4111 1111 1111 1112, no'],
  ['Ssn-US', 'ssn 123-45-6789 000-12-3456', 'ssn *********** 000-12-3456'],
  [
    'AwsSecretKey',
    'aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    `aws_secret_access_key=${'*'.repeat(40)}`,
  ],
  ['AwsSecretKey', 'hash wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'hash wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
  ['PhoneNumber-US', 'phone: (425) 555-0123', 'phone: **************'],
  ['PhoneNumber-US', 'order 4255550123', 'order 4255550123'],
  ['BankAccountNumber-DE', 'IBAN DE89 3704 0044 0532 0130 00', 'IBAN ***************************'],
  ['BankAccountNumber-DE', 'IBAN DE88 3704 0044 0532 0130 00', 'IBAN DE88 3704 0044 0532 0130 00'],
  ['DateOfBirth', 'dob=1980-02-03 at=2020-01-01T', 'dob=********** at=2020-01-01T'],
  [
    'PkcsPrivateKey',
    'x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y',
    `x ${'*'.repeat(65)} y`,
  ],
];

for (const [identifier, message, masked] of TABLE) {
  test(`${identifier} in ${message.slice(0, 40)}`, () => {
    assert.equal(parseDataProtectionPolicy(policy([identifier])).mask(message), masked);
  });
}

test('own identifiers, and overlapping findings', () => {
  const custom = [
    { Name: 'EmployeeId', Regex: 'EmployeeId-\\d{9}' },
    { Name: 'Nine', Regex: '\\d{9}' },
  ];
  const protection = parseDataProtectionPolicy(policy(['EmployeeId', 'Nine'], custom));
  assert.equal(protection.mask('of EmployeeId-123456789 and 987654321'), 'of ******************** and *********');
  assert.deepEqual(
    protection.find('EmployeeId-123456789').map(({ identifier, start, end }) => [identifier, start, end]),
    [
      ['EmployeeId', 0, 20],
      ['Nine', 11, 20],
    ],
  );
});

test('what is refused', () => {
  const statement = JSON.parse(policy(['EmailAddress'])).Statement;
  const refused: unknown[] = [
    'no JSON',
    [],
    {},
    { Statement: [] },
    { Statement: [statement[0]] },
    { Statement: [statement[1], statement[1]] },
    {
      Statement: [
        statement[0],
        { ...statement[1], DataIdentifier: ['arn:aws:dataprotection::aws:data-identifier/IpAddress'] },
      ],
    },
    { Statement: [statement[0], { ...statement[1], Operation: { Deidentify: { MaskConfig: { a: 1 } } } }] },
    JSON.parse(
      policy(['Unknown'], [{ Name: 'Other', Regex: 'x' }]).replaceAll(
        'arn:aws:dataprotection::aws:data-identifier/',
        '',
      ),
    ),
    JSON.parse(policy(['Bad'], [{ Name: 'Bad', Regex: '(' }])),
    JSON.parse(policy(['Long'], [{ Name: 'Long', Regex: 'x'.repeat(201) }])),
  ];
  for (const document of refused) {
    const text = typeof document === 'string' ? document : JSON.stringify(document);
    assert.throws(() => parseDataProtectionPolicy(text), DataProtectionPolicyError, text);
  }
  assert.throws(() => parseDataProtectionPolicy(policy(['DriversLicense-US'])), UnsupportedProtectionError);
});

test('expressions that would take a backtracking engine for ever', () => {
  const protection = parseDataProtectionPolicy(policy(['Slow', 'EmailAddress'], [{ Name: 'Slow', Regex: '(a+)+$' }]));
  const message = `${'a'.repeat(50_000)}@!`;
  assert.equal(protection.mask(message), message);
});
