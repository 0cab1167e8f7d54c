// Managed data identifiers: what each looks for. Expressions are RE2's, without capturing groups, so that they run in
// linear time here and in ClickHouse.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL-managed-data-identifiers.html

import { isCardNumber, isIban } from './check-digits.ts';
import { NATIONAL_IDENTIFIERS } from './national-identifiers.ts';

export interface DataIdentifier {
  expression: string;
  /** One of these must stand within 30 characters of the data. Lower case; a space stands for `_`, `-` or nothing, too. */
  keywords?: readonly string[];
  /** What an expression cannot tell. */
  accepts?: (found: string) => boolean;
  /** A message without this text has nothing to find. */
  needs?: string;
}

const PHONE_WORDS = ['cell', 'contact', 'fax', 'mobile', 'phone', 'tel'];
const BANK_WORDS = ['account', 'acct', 'bank', 'iban', 'bban', 'konto', 'compte', 'cuenta', 'conto'];
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const HEXTET = '[0-9A-Fa-f]{1,4}';

export const MANAGED_IDENTIFIERS: ReadonlyMap<string, DataIdentifier> = new Map<string, DataIdentifier>([
  ['EmailAddress', { expression: '[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)*\\.[A-Za-z]{2,}', needs: '@' }],
  [
    'IpAddress',
    {
      expression:
        `\\b${OCTET}(?:\\.${OCTET}){3}\\b|(?:${HEXTET}:){7}${HEXTET}\\b|` + `(?:${HEXTET}:){1,6}(?::${HEXTET}){1,6}\\b`,
    },
  ],
  ['CreditCardNumber', { expression: '\\b[2-6](?:[ -]?[0-9]){12,18}\\b', accepts: isCardNumber }],
  [
    'CreditCardExpiration',
    {
      expression: '\\b(?:0[1-9]|1[0-2])[/-](?:20)?[0-9]{2}\\b',
      keywords: ['exp d', 'exp m', 'exp y', 'expiration', 'expiry', 'expires'],
    },
  ],
  [
    'CreditCardSecurityCode',
    {
      expression: '\\b[0-9]{3,4}\\b',
      keywords: [
        'card id',
        'card identification',
        'card security',
        'card validation',
        'cvc',
        'cvv',
        'cvv2',
        'security code',
      ],
    },
  ],
  [
    'AwsSecretKey',
    {
      expression: '[A-Za-z0-9/+]{40}',
      keywords: ['aws secret access key', 'credentials', 'secret access key', 'secret key', 'set awscredential'],
      accepts: (found) => /[A-Z]/.test(found) && /[a-z]/.test(found) && /[0-9]/.test(found),
    },
  ],
  ['OpenSshPrivateKey', privateKey('OPENSSH PRIVATE KEY')],
  ['PgpPrivateKey', privateKey('PGP PRIVATE KEY BLOCK')],
  ['PkcsPrivateKey', privateKey('(?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY')],
  ['PuttyPrivateKey', { expression: 'PuTTY-User-Key-File-[0-9]+:(?s:.*)Private-MAC: [0-9a-f]+', needs: 'PuTTY' }],
  [
    'Ssn-US',
    { expression: '\\b[0-9]{3}-[0-9]{2}-[0-9]{4}\\b', accepts: (found) => !/^(000|666|9)|-00-|-0000$/.test(found) },
  ],
  [
    'PhoneNumber-US',
    {
      expression: '(?:\\+?1[ .-]?)?(?:\\([2-9][0-9]{2}\\) ?|\\b[2-9][0-9]{2}[ .-]?)[2-9][0-9]{2}[ .-]?[0-9]{4}\\b',
      keywords: PHONE_WORDS,
    },
  ],
  ['PhoneNumber-GB', { expression: '(?:\\+44 ?|\\b0)[1-9](?:[ -]?[0-9]){8,9}\\b', keywords: PHONE_WORDS }],
  ['PhoneNumber-DE', { expression: '(?:\\+49 ?|\\b0)[1-9](?:[ /-]?[0-9]){6,11}\\b', keywords: PHONE_WORDS }],
  ['PhoneNumber-FR', { expression: '(?:\\+33 ?|\\b0)[1-9](?:[ .-]?[0-9]{2}){4}\\b', keywords: PHONE_WORDS }],
  ['PhoneNumber-IT', { expression: '(?:\\+39 ?|\\b)[03][0-9](?:[ .-]?[0-9]){6,9}\\b', keywords: PHONE_WORDS }],
  ['PhoneNumber-ES', { expression: '(?:\\+34 ?|\\b)[6-9](?:[ .-]?[0-9]){8}\\b', keywords: PHONE_WORDS }],
  ['BankAccountNumber-DE', iban('DE', 20)],
  ['BankAccountNumber-ES', iban('ES', 22)],
  ['BankAccountNumber-FR', iban('FR', 25)],
  ['BankAccountNumber-GB', iban('GB', 20)],
  ['BankAccountNumber-IT', iban('IT', 25)],
  [
    'BankAccountNumber-US',
    { expression: '\\b[0-9]{6,17}\\b', keywords: ['account', 'acct', 'bank', 'checking', 'savings', 'debit'] },
  ],
  [
    'DateOfBirth',
    {
      expression:
        '\\b(?:[0-9]{4}[/.-][0-9]{1,2}[/.-][0-9]{1,2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2}))\\b',
      keywords: ['bday', 'b day', 'birth date', 'birthday', 'birth', 'dob'],
    },
  ],
  [
    'VehicleIdentificationNumber',
    {
      expression: '\\b[A-HJ-NPR-Z0-9]{17}\\b',
      keywords: ['vin', 'vehicle identification number', 'chassis', 'fahrgestellnummer', 'niv'],
      accepts: (found) => /[A-Z]/.test(found) && /[0-9]/.test(found),
    },
  ],
  ['ZipCode-US', { expression: '\\b[0-9]{5}(?:-[0-9]{4})?\\b', keywords: ['zip code', 'zip+4', 'zipcode', 'zip'] }],
  ...NATIONAL_IDENTIFIERS,
  [
    'LatLong',
    {
      expression: '[+-]?\\b[0-9]{1,2}\\.[0-9]{2,}[, ]+[+-]?[0-9]{1,3}\\.[0-9]{2,}\\b',
      keywords: ['coordinate', 'coordinates', 'lat long', 'latitude longitude', 'location', 'position'],
    },
  ],
]);

function privateKey(name: string): DataIdentifier {
  return { expression: `-----BEGIN ${name}-----(?s:.*?)(?:-----END ${name}-----|\\z)`, needs: '-----BEGIN ' };
}

function iban(country: string, after: number): DataIdentifier {
  const expression = `\\b${country}[0-9]{2}(?: ?[A-Z0-9]){${after - 2}}\\b`;
  return { expression, keywords: BANK_WORDS, accepts: isIban, needs: country };
}
