// Managed data identifiers of single countries: numbers of persons, licences, passports, taxes and health, each with the words
// of which one must stand near. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/protect-sensitive-log-data-types-pii.html

import {
  isCnpj,
  isCpf,
  isDrugEnforcementNumber,
  isGermanTaxId,
  isInsee,
  isNationalProviderId,
  isNhsNumber,
  isSocialInsuranceNumber,
  isSpanishPerson,
  isSpanishSecurityNumber,
} from './check-digits.ts';
import type { DataIdentifier } from './managed-identifiers.ts';

const SPANISH_PERSON = '\\b(?:[0-9]{8}|[XYZxyz][ -]?[0-9]{7})[ -]?[A-Za-z]\\b';
const SPANISH_COMPANY = '\\b[A-HJNP-SUVW][0-9]{7}[0-9A-J]\\b';
const CODICE_FISCALE =
  '\\b(?:[A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]|[a-z]{6}[0-9]{2}[abcdehlmprst][0-9]{2}[a-z][0-9]{3}[a-z])\\b';
const INSEE = '\\b[1-478] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}\\b';
const MEDICARE_LETTER = '[AC-HJKMNP-RT-Y]';
const MEDICARE_EITHER = '[AC-HJKMNP-RT-Y0-9]';

const PASSPORT_WORDS = [
  'passport',
  'passeport',
  'pass nummer',
  'reisepass',
  'pasaporte',
  'passaporto',
  'document number',
  'travel document',
];
const LICENSE_WORDS = [
  'ajokortti',
  'carta de condução',
  'carnet de conducir',
  'dl',
  'dlno',
  'driver lic',
  'driver permit',
  "driver's lic",
  'drivers lic',
  'drivers permit',
  'driving lic',
  'driving permit',
  'fahrerlaubnis',
  'fuhrerschein',
  'führerschein',
  'juhiluba',
  'körkort',
  'kørekort',
  'licencia de conducir',
  'licencia de manejo',
  'patente',
  'permis de conduc',
  'permis de conduire',
  'permiso de conduc',
  'prawo jazdy',
  'rijbewijs',
  'vezetői engedély',
  'vodičský preukaz',
  'vozačka dozvola',
  'vozniško dovoljenje',
  'řidičský průkaz',
  'άδεια οδήγησης',
  'свидетелство за управление',
];
const NIF_WORDS = ['cif', 'dni', 'nie', 'nif', 'documento nacional', 'identidad', 'identificación fiscal', 'tax id'];

const LICENSES: Readonly<Record<string, string>> = {
  AT: '[0-9]{8}',
  AU: '[A-Z]{0,2}[0-9]{4,9}[A-Z]{0,2}',
  BE: '[0-9]{10}',
  BG: '[0-9]{9}',
  CA: '[A-Z]{0,2}[0-9]{4}[- ]?[0-9]{2,5}(?:[- ]?[0-9]{3,6})?',
  CY: '[0-9]{12}',
  CZ: '[A-Z]{2} ?[0-9]{6}',
  DE: '[A-Z0-9][0-9]{2}[A-Z0-9]{6}[0-9][A-Z0-9]',
  DK: '[0-9]{8}',
  EE: '[A-Z]{2}[0-9]{6}',
  ES: '[0-9]{8}-?[A-Z]',
  FI: '[0-9]{6}[-A+][0-9]{3}[0-9A-Z]',
  FR: '[0-9]{12}',
  GB: '[A-Z9]{5}[0-9](?:[05][1-9]|[16][0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9][A-Z9]{2}[A-Z0-9]{3}',
  GR: '[0-9]{9}',
  HR: '[0-9]{8}',
  HU: '[A-Z]{2}[0-9]{6}',
  IE: '(?:[0-9]{6}[A-Z]{4}|[0-9]{3} ?[0-9]{3} ?[0-9]{3})',
  IT: '[A-Z][A-Z0-9][0-9]{7}[A-Z]',
  LT: '[0-9]{8}',
  LU: '[0-9]{6}',
  LV: '[A-Z]{2,3}[0-9]{6}',
  MT: '[A-Z0-9]{2} ?[0-9]{3} ?[0-9]{3}',
  NL: '[0-9]{10}',
  PL: '[0-9]{5}/[0-9]{2}/[0-9]{4}',
  PT: '[A-Z]{1,2}-?[0-9]{5,8} ?[0-9]?',
  RO: '[A-Z][0-9]{8}[A-Z]?',
  SE: '[0-9]{6}-?[0-9]{4}',
  SI: '[0-9]{9}',
  SK: '[A-Z][0-9]{7}',
  US: '(?:[A-Z]{1,2}-?[0-9]{3}(?:-?[0-9]{1,4}){1,4}|[0-9]{7,12})',
};

const PASSPORTS: Readonly<Record<string, string>> = {
  CA: '[A-Z]{2}[0-9]{6}',
  DE: '[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}',
  ES: '[A-Z]{3}[0-9]{6}',
  FR: '[0-9]{2}[A-Z]{2}[0-9]{5}',
  GB: '[0-9]{9}',
  IT: '[A-Z]{2}[0-9]{7}',
  US: '[A-Z0-9][0-9]{8}',
};

export const NATIONAL_IDENTIFIERS: readonly (readonly [string, DataIdentifier])[] = [
  ...Object.entries(LICENSES).map(([country, form]) => named('DriversLicense', country, form, LICENSE_WORDS)),
  ...Object.entries(PASSPORTS).map(([country, form]) => named('PassportNumber', country, form, PASSPORT_WORDS)),

  // ---- Brazil
  number('CepCode-BR', '[0-9]{5}-?[0-9]{3}', [
    'cep',
    'código de endereçamento postal',
    'codigo de endereçamento postal',
  ]),
  number(
    'Cnpj-BR',
    '[0-9]{2}\\.?[0-9]{3}\\.?[0-9]{3}/?[0-9]{4}-?[0-9]{2}',
    ['cadastro nacional da pessoa jurídica', 'cadastro nacional da pessoa juridica', 'cnpj'],
    isCnpj,
  ),
  number(
    'CpfCode-BR',
    '[0-9]{3}\\.?[0-9]{3}\\.?[0-9]{3}-?[0-9]{2}',
    ['cadastro de pessoas f', 'cadastro de pessoa f', 'cpf'],
    isCpf,
  ),
  number('RgNumber-BR', '[0-9]{2}\\.?[0-9]{3}\\.?[0-9]{3}-?[0-9Xx]', [
    'carteira de identidade',
    'rg',
    'registro geral',
  ]),
  number('PhoneNumber-BR', '(?:55 ?)?\\(?[1-9][0-9]\\)? ?9?[0-9]{4}[ -]?[0-9]{4}', [
    'cel',
    'celular',
    'fone',
    'móvel',
    'número residencial',
    'numero residencial',
    'phone',
    'telefone',
  ]),

  // ---- Canada
  number('PermanentResidenceNumber-CA', '[A-Z]{2}[0-9]{7,10}', [
    'carte résident permanent',
    'numéro carte résident permanent',
    'numéro résident permanent',
    'permanent resident',
    'pr no',
    'pr number',
    'résident permanent',
  ]),
  number('PersonalHealthNumber-CA', '[0-9]{4}[ -]?[0-9]{3}[ -]?[0-9]{3}', [
    'canada healthcare number',
    'carte santé',
    'health card',
    'health care number',
    'msp number',
    'personal healthcare number',
    'phn',
    'soins de santé',
  ]),
  number('PostalCode-CA', '[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z][ -]?[0-9][ABCEGHJ-NPRSTV-Z][0-9]'),
  number(
    'SocialInsuranceNumber-CA',
    '[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{3}',
    ['canadian id', "numéro d'assurance sociale", 'sin', 'social insurance number'],
    isSocialInsuranceNumber,
  ),

  // ---- Europe
  number('ElectoralRollNumber-GB', '[A-Z]{2,3}[0-9]{1,4}', [
    'electoral #',
    'electoral number',
    'electoral roll',
    'electoralrollno',
  ]),
  number('HealthInsuranceCardNumber-EU', '80[0-9]{18}', [
    'assicurazione sanitaria',
    'carta assicurazione',
    "carte d'assurance maladie",
    'carte européenne',
    'ceam',
    'ehic',
    'finlandehicnumber',
    'gesundheitskarte',
    'health card',
    'health insurance',
    'krankenversicherung',
    'numéro assurance maladie',
    'tarjeta sanitaria',
    'tessera sanitaria',
    'versichertennummer',
  ]),
  number(
    'HealthInsuranceNumber-FR',
    INSEE,
    ["carte d'assuré social", 'carte vitale', 'insurance card', 'sécurité sociale'],
    isInsee,
  ),
  number(
    'InseeCode-FR',
    INSEE,
    [
      'insee',
      'numéro de sécu',
      'national id',
      'nir',
      'numéro de sécurité sociale',
      'sécurité sociale',
      'social security',
    ],
    isInsee,
  ),
  number('NationalIdentificationNumber-DE', '[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}', [
    'ausweis',
    'id number',
    'identification number',
    'identity number',
    'personalausweis',
  ]),
  number('NationalIdentificationNumber-ES', SPANISH_PERSON, NIF_WORDS, isSpanishPerson),
  number('NationalIdentificationNumber-IT', CODICE_FISCALE, [
    'codice fiscal',
    'codice fiscale',
    'dati anagrafici',
    'ehic',
    'health card',
    'health insurance card',
    'p. iva',
    'partita i.v.a',
    'personal data',
    'tax code',
    'tessera sanitaria',
  ]),
  number(
    'NationalInsuranceNumber-GB',
    '[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-Da-d]',
    ['insurance no', 'insurance number', 'insurance #', 'national insurance', 'nationalinsurance', 'nin', 'nino'],
    (found) => !/^(BG|GB|NK|KN|TN|NT|ZZ)/i.test(found),
  ),
  number('NhsNumber-GB', '[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}', ['national health service', 'nhs'], isNhsNumber),
  number('NieNumber-ES', '[XYZxyz][ -]?[0-9]{7}[ -]?[A-Za-z]', NIF_WORDS, isSpanishPerson),
  number('NifNumber-ES', SPANISH_PERSON, NIF_WORDS, isSpanishPerson),
  number(
    'Ssn-ES',
    '[0-9]{2}[ /-]?[0-9]{8}[ /-]?[0-9]{2}',
    ['número de la seguridad social', 'seguridad social', 'social security', 'ssn'],
    isSpanishSecurityNumber,
  ),
  number(
    'TaxId-DE',
    '[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}',
    ['identifikationsnummer', 'steuer id', 'steueridentifikationsnummer', 'steuernummer', 'tax id', 'tax number'],
    isGermanTaxId,
  ),
  number(
    'TaxId-ES',
    `(?:${SPANISH_PERSON}|${SPANISH_COMPANY})`,
    NIF_WORDS,
    (found) => /^[A-HJNP-SUVW]/.test(found) || isSpanishPerson(found),
  ),
  number('TaxId-FR', '[0-3][0-9] ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}', [
    'numéro d’identification fiscale',
    "numéro d'identification fiscale",
    'spi',
    'tax id',
    'tax identification',
    'tax number',
  ]),
  number('TaxId-GB', '[0-9]{5} ?[0-9]{5}', [
    'paye',
    'tax id',
    'tax no',
    'tax number',
    'tax reference',
    'temporary reference number',
    'utr',
  ]),

  // ---- USA
  number(
    'DrugEnforcementAgencyNumber-US',
    '[A-Za-z][A-Za-z9][0-9]{7}',
    ['dea number', 'dea registration', 'dea'],
    isDrugEnforcementNumber,
  ),
  number('HealthInsuranceClaimNumber-US', '[0-9]{3}-?[0-9]{2}-?[0-9]{4}-?[A-Z][0-9A-Z]?', [
    'health insurance claim number',
    'hic no',
    'hic number',
    'hicn',
  ]),
  number('HealthcareProcedureCode-US', '[A-V][0-9]{4}', [
    'current procedural terminology',
    'hcpcs',
    'healthcare common procedure coding system',
  ]),
  number(
    'IndividualTaxIdentificationNumber-US',
    '9[0-9]{2}[ -]?(?:5[0-9]|6[0-5]|7[0-9]|8[0-8]|9[0-24-9])[ -]?[0-9]{4}',
    ['i.t.i.n.', 'individual taxpayer', 'itin', 'tin'],
  ),
  number(
    'MedicareBeneficiaryNumber-US',
    `[1-9]${MEDICARE_LETTER}${MEDICARE_EITHER}[0-9]-?${MEDICARE_LETTER}${MEDICARE_EITHER}[0-9]-?${MEDICARE_LETTER}{2}[0-9]{2}`,
    ['mbi', 'medicare beneficiary'],
  ),
  number('NationalDrugCode-US', '[0-9]{4,5}-[0-9]{3,4}-[0-9]{1,2}', ['national drug code', 'ndc']),
  number('NationalProviderId-US', '[12][0-9]{9}', ['hipaa', 'n.p.i', 'national provider', 'npi'], isNationalProviderId),
];

function named(kind: string, country: string, form: string, keywords: readonly string[]) {
  return number(`${kind}-${country}`, form, keywords);
}

function number(
  name: string,
  form: string,
  keywords?: readonly string[],
  accepts?: (found: string) => boolean,
): readonly [string, DataIdentifier] {
  const expression = `\\b(?:${form})\\b`;
  return [name, { expression, ...(keywords && { keywords }), ...(accepts && { accepts }) }];
}
