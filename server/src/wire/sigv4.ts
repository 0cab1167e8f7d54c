// AWS Signature Version 4, the verifying side: headers, presigned URLs, and the seed of chunked uploads.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { AwsError } from '#core/errors.ts';

export interface SignedRequest {
  method: string;
  /** As on the request line, still encoded, without the query. */
  rawPath: string;
  rawQuery: string;
  headers: Readonly<Record<string, string | undefined>>;
}

/** What a request says of its signature, before anything is verified. */
export interface Signature {
  accessKeyId: string;
  /** YYYYMMDD, region and service of the credential scope. */
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** YYYYMMDDTHHMMSSZ. */
  timestamp: string;
  sessionToken: string | undefined;
  presigned: { expiresS: number } | undefined;
}

export interface SigningKey {
  secretAccessKey: string;
  sessionToken?: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const CLOCK_SKEW_MS = 15 * 60 * 1000;
const LONGEST_PRESIGN_S = 604_800;

/** Undefined for unsigned requests; throws for signatures that cannot be read. */
export function readSignature(request: SignedRequest, query: URLSearchParams): Signature | undefined {
  const { authorization } = request.headers;
  if (authorization?.startsWith(ALGORITHM)) return readHeader(authorization, request.headers);
  if (query.get('X-Amz-Algorithm') === ALGORITHM) return readPresigned(query);
  return undefined;
}

function readHeader(authorization: string, headers: SignedRequest['headers']): Signature {
  const field = (name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(authorization)?.[1];
  const credential = field('Credential');
  const signedHeaders = field('SignedHeaders');
  const signature = field('Signature');
  if (!credential || !signedHeaders || !signature) {
    const missing = [
      !credential && "'Credential'",
      !signature && "'Signature'",
      !signedHeaders && "'SignedHeaders'",
    ].filter(Boolean);
    throw incomplete(
      `Authorization header requires ${missing.join(' and ')} parameter. Authorization=${authorization.slice(0, 40)}…`,
    );
  }
  return {
    ...readScope(credential),
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp: headers['x-amz-date'] ?? toBasicFormat(headers.date),
    sessionToken: headers['x-amz-security-token'],
    presigned: undefined,
  };
}

function readPresigned(query: URLSearchParams): Signature {
  const required = ['X-Amz-Credential', 'X-Amz-SignedHeaders', 'X-Amz-Signature', 'X-Amz-Date', 'X-Amz-Expires'];
  if (required.some((name) => !query.get(name))) {
    throw new AwsError(
      'AuthorizationQueryParametersError',
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      { status: 400 },
    );
  }
  const expiresS = Number(query.get('X-Amz-Expires'));
  if (!Number.isInteger(expiresS) || expiresS < 0 || expiresS > LONGEST_PRESIGN_S) {
    throw new AwsError(
      'AuthorizationQueryParametersError',
      'X-Amz-Expires must be less than a week (in seconds) that is 604800',
      { status: 400 },
    );
  }
  return {
    ...readScope(query.get('X-Amz-Credential')!),
    signedHeaders: query.get('X-Amz-SignedHeaders')!.split(';'),
    signature: query.get('X-Amz-Signature')!,
    timestamp: query.get('X-Amz-Date')!,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    presigned: { expiresS },
  };
}

function readScope(credential: string): Pick<Signature, 'accessKeyId' | 'date' | 'region' | 'service'> {
  const parts = credential.split('/');
  if (parts.length < 5 || parts.at(-1) !== 'aws4_request') {
    throw incomplete(
      `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '${credential}'`,
    );
  }
  // The key id may itself hold slashes; the scope is the last four.
  const [date, region, service] = parts.slice(-4) as [string, string, string];
  return { accessKeyId: parts.slice(0, -4).join('/'), date, region, service };
}

/** Throws AWS's error when the signature, its age or its token is wrong; gives what chunk signatures continue from. */
export function verifySignature(
  request: SignedRequest,
  signature: Signature,
  key: SigningKey,
  payloadHash: string,
  nowMs: number,
): { signingKey: Buffer } {
  checkAge(signature, nowMs);
  if (key.sessionToken !== undefined && key.sessionToken !== signature.sessionToken) {
    throw new AwsError('InvalidClientTokenId', 'The security token included in the request is invalid.', {
      status: 403,
    });
  }
  const signingKey = deriveSigningKey(key.secretAccessKey, signature);
  const canonical = canonicalRequest(request, signature, payloadHash);
  const expected = createHmac('sha256', signingKey)
    .update(stringToSign(signature, sha256Hex(canonical)))
    .digest();
  const given = Buffer.from(signature.signature, 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new AwsError(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
      { status: 403 },
    );
  }
  return { signingKey };
}

function checkAge(signature: Signature, nowMs: number): void {
  const signedAtMs = parseBasicFormat(signature.timestamp);
  if (Number.isNaN(signedAtMs)) throw incomplete("Date must be in ISO-8601 'basic format'.");
  if (signature.presigned) {
    if (nowMs > signedAtMs + signature.presigned.expiresS * 1000) {
      throw new AwsError('AccessDenied', 'Request has expired', { status: 403 });
    }
    return;
  }
  if (Math.abs(nowMs - signedAtMs) <= CLOCK_SKEW_MS) return;
  if (signature.service === 's3') {
    throw new AwsError(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        status: 403,
        fields: {
          RequestTime: signature.timestamp,
          ServerTime: new Date(nowMs).toISOString(),
          MaxAllowedSkewMilliseconds: CLOCK_SKEW_MS,
        },
      },
    );
  }
  const now = toBasicFormat(new Date(nowMs).toUTCString());
  const relation = signedAtMs < nowMs ? 'expired' : 'not yet current';
  const comparison = signedAtMs < nowMs ? 'is now earlier than' : 'is still later than';
  throw new AwsError(
    'SignatureDoesNotMatch',
    `Signature ${relation}: ${signature.timestamp} ${comparison} ${now} (15 min.)`,
    { status: 403 },
  );
}

function canonicalRequest(request: SignedRequest, signature: Signature, payloadHash: string): string {
  const headers = signature.signedHeaders.map(
    (name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`,
  );
  return [
    request.method,
    canonicalPath(request.rawPath, signature.service),
    canonicalQuery(request.rawQuery),
    headers.join(''),
    signature.signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/** S3 signs the path as it is sent; every other service encodes it once more. */
function canonicalPath(rawPath: string, service: string): string {
  if (service === 's3')
    return rawPath
      .split('/')
      .map((part) => encodeRfc3986(decodeLeniently(part)))
      .join('/');
  return rawPath.split('/').map(encodeRfc3986).join('/');
}

function canonicalQuery(rawQuery: string): string {
  if (rawQuery === '') return '';
  return rawQuery
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=');
      const name = at < 0 ? part : part.slice(0, at);
      const value = at < 0 ? '' : part.slice(at + 1);
      return [
        encodeRfc3986(decodeLeniently(name.replace(/\+/g, ' '))),
        encodeRfc3986(decodeLeniently(value.replace(/\+/g, ' '))),
      ] as const;
    })
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function stringToSign(signature: Signature, hash: string): string {
  return [ALGORITHM, signature.timestamp, scopeOf(signature), hash].join('\n');
}

export function scopeOf({ date, region, service }: Signature): string {
  return `${date}/${region}/${service}/aws4_request`;
}

export function deriveSigningKey(
  secretAccessKey: string,
  { date, region, service }: Pick<Signature, 'date' | 'region' | 'service'>,
): Buffer {
  const step = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  return step(step(step(step(`AWS4${secretAccessKey}`, date), region), service), 'aws4_request');
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function parseBasicFormat(text: string): number {
  const parts = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

function toBasicFormat(httpDate: string | undefined): string {
  const time = httpDate === undefined ? Number.NaN : Date.parse(httpDate);
  return Number.isNaN(time) ? '' : new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function incomplete(message: string): AwsError {
  return new AwsError('IncompleteSignature', message, { status: 400 });
}
