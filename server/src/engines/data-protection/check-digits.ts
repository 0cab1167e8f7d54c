// What the numbers of persons, companies and cards say of themselves: their check digits. Each takes the text as it was found.

/** Cards: Luhn over 13 to 19 digits. */
export function isCardNumber(text: string): boolean {
  const found = digitsOf(text);
  return found.length >= 13 && found.length <= 19 && isLuhn(found);
}

export function isIban(text: string): boolean {
  const compact = text.replaceAll(' ', '');
  const rearranged = compact.slice(4) + compact.slice(0, 4);
  let remainder = 0;
  for (const character of rearranged) {
    for (const digit of String(Number.parseInt(character, 36))) remainder = (remainder * 10 + Number(digit)) % 97;
  }
  return remainder === 1;
}

/** Canada's social insurance number. */
export function isSocialInsuranceNumber(text: string): boolean {
  const found = digitsOf(text);
  return found[0] !== 0 && found[0] !== 8 && isLuhn(found);
}

/** The number of a provider in the USA, checked with the prefix that it has on cards. */
export function isNationalProviderId(text: string): boolean {
  return isLuhn([8, 0, 8, 4, 0, ...digitsOf(text)]);
}

/** Brazil: persons. */
export function isCpf(text: string): boolean {
  const found = digitsOf(text);
  if (new Set(found).size === 1) return false;
  const check = (count: number) => ((weighted(found, descending(count + 1, count)) * 10) % 11) % 10;
  return check(9) === found[9] && check(10) === found[10];
}

/** Brazil: companies. */
export function isCnpj(text: string): boolean {
  const found = digitsOf(text);
  const weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
  const check = (used: readonly number[]) => {
    const remainder = weighted(found, used) % 11;
    return remainder < 2 ? 0 : 11 - remainder;
  };
  return check(weights.slice(1)) === found[12] && check(weights) === found[13];
}

export function isNhsNumber(text: string): boolean {
  const found = digitsOf(text);
  const check = (11 - (weighted(found, descending(10, 9)) % 11)) % 11;
  return check === found[9];
}

/** Spain: eight digits and a letter, or of a foreigner X, Y or Z, seven digits and a letter. */
export function isSpanishPerson(text: string): boolean {
  const compact = text.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const number = Number(compact.slice(0, -1).replace(/^[XYZ]/, (first) => String('XYZ'.indexOf(first))));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === compact.at(-1);
}

/** Spain's number of social security. */
export function isSpanishSecurityNumber(text: string): boolean {
  const number = text.replace(/\D/g, '');
  return Number(number.slice(0, 10)) % 97 === Number(number.slice(10));
}

/** France: the number of a person, with its key. */
export function isInsee(text: string): boolean {
  const compact = text.toUpperCase().replaceAll(' ', '');
  const number = Number(compact.slice(0, 13).replace('2A', '19').replace('2B', '18'));
  return 97 - (number % 97) === Number(compact.slice(13));
}

/** Germany's tax number of a person: ISO 7064, MOD 11,10. */
export function isGermanTaxId(text: string): boolean {
  const found = digitsOf(text);
  let product = 10;
  for (const digit of found.slice(0, 10)) {
    const sum = (digit + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return found[0] !== 0 && (11 - product) % 10 === found[10];
}

/** Who may prescribe in the USA. */
export function isDrugEnforcementNumber(text: string): boolean {
  const [a, b, c, d, e, f, check] = digitsOf(text.slice(-7)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return (a + c + e + 2 * (b + d + f)) % 10 === check;
}

function isLuhn(found: readonly number[]): boolean {
  let sum = 0;
  for (let i = 0; i < found.length; i++) {
    const digit = found[found.length - 1 - i]!;
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

function digitsOf(text: string): number[] {
  return [...text.replace(/\D/g, '')].map(Number);
}

function weighted(found: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, i) => sum + weight * found[i]!, 0);
}

function descending(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from - i);
}
