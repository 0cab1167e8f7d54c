// What kind of value a variable part of a pattern holds, as far as its sampled values tell.

const TYPES: readonly [string, RegExp][] = [
  ['Number', /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/],
  ['UUID', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i],
  ['Timestamp', /^\d{4}[-/.]\d\d[-/.]\d\d[T_-]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?$/],
  ['Timestamp', /^(\p{L}{3},? )?\p{L}{3} {1,2}\d{1,2}(,? \d{4})?( \d\d:\d\d(:\d\d)?)?( \p{L}{3,4})?( \d{4})?$/u],
  ['Date', /^(\d{4}[-/.]\d\d?[-/.]\d\d?|\d\d?[-/.]\d\d?[-/.]\d{2,4})$/],
  ['Time', /^\d\d?:\d\d(:\d\d([.,]\d+)?)?Z?$/],
  ['IPAddress', /^\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?$/],
  ['Duration', /^\d+(\.\d+)?(ns|us|µs|ms|s|sec|secs|m|min|h)$/],
  ['Size', /^\d[\d.,]* ?(b|bytes?|[kmgtp]i?b)( \(.*\))?$/i],
  ['Percentage', /^\d+(\.\d+)?%$/],
  ['URL', /^[a-z][a-z0-9+.-]*:\/\/\S+$/i],
  ['Email', /^[^@\s]+@[^@\s]+\.[a-z]{2,}$/i],
  ['Path', /^~?\/[^\s]*$/],
  ['Hex', /^(0x[0-9a-f]+|(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{6,})$/i],
  ['Boolean', /^(true|false)$/i],
];

/** A name for the values of one position, or `Token` when they have no kind in common. */
export function tokenTypeOf(values: readonly string[]): string {
  if (values.length === 0) return 'Token';
  return TYPES.find(([, shape]) => values.every((value) => shape.test(value)))?.[0] ?? 'Token';
}
