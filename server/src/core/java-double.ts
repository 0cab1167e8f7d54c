// Numbers as Java prints them, and with it CloudWatch in state reasons, notifications and discovered fields of Lambda: Double.toString
// (`1.0`, `0.02`, `1.0E10`). Tools that parse these texts see what they see on AWS.

export function javaDouble(number: number): string {
  if (Number.isNaN(number)) return 'NaN';
  if (!Number.isFinite(number)) return number > 0 ? 'Infinity' : '-Infinity';
  if (number === 0) return Object.is(number, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(number);
  if (magnitude >= 1e-3 && magnitude < 1e7) return withFraction(String(number));
  const [mantissa, exponent] = number.toExponential().split('e') as [string, string];
  return `${withFraction(mantissa)}E${Number(exponent)}`;
}

/** A member of JSON.stringify's input that comes out as that text. */
export function jsonDouble(number: number): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(javaDouble(number));
}

function withFraction(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`;
}
