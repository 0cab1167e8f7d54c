// Texts in other clothes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
// and https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-hash-functions.html

import { type Sql, sql } from '#storage/telemetry/sql.ts';
import type { ScalarFunction } from './functions.ts';
import { asNumber, asText, number, text } from './values.ts';

const ofText =
  (render: (a: Sql) => Sql): ScalarFunction =>
  ([a]) =>
    text(render(asText(a!)));

const HEX_BYTES = '^(?:[0-9a-fA-F]{2})*$';
/** What fits into 64 bits. */
const HEX_NUMBER = '^-?(?:0[xX])?[0-9a-fA-F]{1,16}$';

export const ENCODING_FUNCTIONS: Record<string, ScalarFunction> = {
  urlencode: ofText((a) => sql`encodeURLComponent(${a})`),
  urldecode: ofText((a) => sql`decodeURLComponent(${a})`),
  base64encode: ofText((a) => sql`base64Encode(${a})`),
  base64decode: ofText((a) => sql`if(tryBase64Decode(${a}) = '' AND ${a} != '', NULL, tryBase64Decode(${a}))`),
  md5: ofText((a) => sql`lower(hex(MD5(${a})))`),
  sha256: ofText((a) => sql`lower(hex(SHA256(${a})))`),
  hexToAscii: ofText((a) => sql`if(match(${a}, ${HEX_BYTES}), unhex(${a}), NULL)`),
  hexToDec: ([a]) => {
    const digits = sql`leftPad(extract(${asText(a!)}, '([0-9a-fA-F]*)$'), 16, '0')`;
    const value = sql`toInt128(reinterpretAsUInt64(reverse(unhex(${digits}))))`;
    const signed = sql`if(startsWith(${asText(a!)}, '-'), -${value}, ${value})`;
    return number(sql`if(match(${asText(a!)}, ${HEX_NUMBER}), toFloat64(${signed}), NULL)`);
  },
  decToHex: ([a]) => {
    const whole = sql`trunc(toFloat64(${asNumber(a!)}))`;
    const digits = sql`replaceRegexpOne(lower(hex(toUInt64(abs(${whole})))), '^0+(.)', '\\\\1')`;
    return text(sql`if(abs(${whole}) < 18446744073709551616, concat(if(${whole} < 0, '-0x', '0x'), ${digits}), NULL)`);
  },
};
