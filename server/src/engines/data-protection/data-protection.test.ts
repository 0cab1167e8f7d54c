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
  ['CpfCode-BR', 'CPF: 111.444.777-35', 'CPF: **************'],
  ['CpfCode-BR', 'CPF: 111.444.777-36', 'CPF: 111.444.777-36'],
  ['CpfCode-BR', 'order 111.444.777-35', 'order 111.444.777-35'],
  ['Cnpj-BR', 'cnpj=11.222.333/0001-81', 'cnpj=******************'],
  ['CepCode-BR', 'cep 01310-100', 'cep *********'],
  ['RgNumber-BR', 'RG 24.678.131-4', 'RG ************'],
  ['RgNumber-BR', 'large 24.678.131-4', 'large 24.678.131-4'],
  ['PhoneNumber-BR', 'telefone (11) 98765-4321', 'telefone (**************'],
  ['DriversLicense-DE', 'Führerschein B072RRE2I55', 'Führerschein ***********'],
  ['DriversLicense-GB', 'driving licence MORGA657054SM9IJ', 'driving licence ****************'],
  ['DriversLicense-PL', 'prawo jazdy 12345/06/7890', 'prawo jazdy *************'],
  ['DriversLicense-US', 'drivers_license: F255-921-50-094-0', 'drivers_license: *****************'],
  ['DriversLicense-FR', 'no words 123456789012', 'no words 123456789012'],
  ['PassportNumber-DE', 'Reisepass C01X00T47', 'Reisepass *********'],
  ['PassportNumber-US', 'passport no. 340020013', 'passport no. *********'],
  ['PassportNumber-FR', 'passeport 09AB12345', 'passeport *********'],
  ['SocialInsuranceNumber-CA', 'SIN 130-692-544', 'SIN ***********'],
  ['SocialInsuranceNumber-CA', 'SIN 130-692-545', 'SIN 130-692-545'],
  ['SocialInsuranceNumber-CA', 'business 130-692-544', 'business 130-692-544'],
  ['PostalCode-CA', 'to K1A 0B1, ON', 'to *******, ON'],
  ['PersonalHealthNumber-CA', 'PHN 9123 456 789', 'PHN ************'],
  ['PermanentResidenceNumber-CA', 'permanent resident AB1234567', 'permanent resident *********'],
  ['NhsNumber-GB', 'NHS 943 476 5919', 'NHS ************'],
  ['NhsNumber-GB', 'NHS 943 476 5918', 'NHS 943 476 5918'],
  ['NationalInsuranceNumber-GB', 'national insurance AB 12 34 56 C', 'national insurance *************'],
  ['NationalInsuranceNumber-GB', 'national insurance GB 12 34 56 C', 'national insurance GB 12 34 56 C'],
  ['TaxId-GB', 'UTR 12345 67890', 'UTR ***********'],
  ['ElectoralRollNumber-GB', 'electoral roll number ABC1234', 'electoral roll number *******'],
  ['NifNumber-ES', 'NIF 12345678Z', 'NIF *********'],
  ['NifNumber-ES', 'NIF 12345678A', 'NIF 12345678A'],
  ['NieNumber-ES', 'nie X1234567L', 'nie *********'],
  ['TaxId-ES', 'CIF A58818501', 'CIF *********'],
  ['Ssn-ES', 'seguridad social 28/12345678/40', 'seguridad social **************'],
  ['InseeCode-FR', 'INSEE 2 55 08 14 168 025 38', 'INSEE *********************'],
  ['InseeCode-FR', 'INSEE 2 55 08 14 168 025 39', 'INSEE 2 55 08 14 168 025 39'],
  ['HealthInsuranceNumber-FR', 'carte vitale 255081416802538', 'carte vitale ***************'],
  ['TaxId-FR', 'tax number 30 23 217 600 053', 'tax number *****************'],
  ['TaxId-DE', 'Steuer-ID 36 574 261 809', 'Steuer-ID **************'],
  ['TaxId-DE', 'Steuer-ID 36 574 261 808', 'Steuer-ID 36 574 261 808'],
  ['NationalIdentificationNumber-DE', 'Personalausweis L01X00T47', 'Personalausweis *********'],
  ['NationalIdentificationNumber-IT', 'codice fiscale RSSMRA85T10A562S', 'codice fiscale ****************'],
  ['HealthInsuranceCardNumber-EU', 'EHIC 80380000901234567890', 'EHIC ********************'],
  ['DrugEnforcementAgencyNumber-US', 'DEA number AB1234563', 'DEA number *********'],
  ['DrugEnforcementAgencyNumber-US', 'DEA number AB1234564', 'DEA number AB1234564'],
  ['IndividualTaxIdentificationNumber-US', 'ITIN 912-70-1234', 'ITIN ***********'],
  ['MedicareBeneficiaryNumber-US', 'MBI 1EG4-TE5-MK73', 'MBI *************'],
  ['HealthInsuranceClaimNumber-US', 'HICN 123-45-6789A', 'HICN ************'],
  ['NationalProviderId-US', 'NPI 1234567893', 'NPI **********'],
  ['NationalProviderId-US', 'NPI 1234567890', 'NPI 1234567890'],
  ['NationalDrugCode-US', 'NDC 0777-3105-02', 'NDC ************'],
  ['HealthcareProcedureCode-US', 'HCPCS J1100', 'HCPCS *****'],
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
  assert.throws(() => parseDataProtectionPolicy(policy(['Address'])), UnsupportedProtectionError);
  assert.throws(() => parseDataProtectionPolicy(policy(['DriversLicense-XX'])), DataProtectionPolicyError);
});

test('expressions that would take a backtracking engine for ever', () => {
  const protection = parseDataProtectionPolicy(policy(['Slow', 'EmailAddress'], [{ Name: 'Slow', Regex: '(a+)+$' }]));
  const message = `${'a'.repeat(50_000)}@!`;
  assert.equal(protection.mask(message), message);
});
