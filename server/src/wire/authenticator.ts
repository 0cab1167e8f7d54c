// Who signed: with configured keys every signature is verified; without (loopback) any credentials are accepted and
// only name the account: a 12-digit access key id is the account itself.

import type { AccessKey } from '#core/config.ts';
import { DEFAULT_ACCOUNT } from '#core/config.ts';
import { AwsError } from '#core/errors.ts';
import { type Signature, type SignedRequest, verifySignature } from './sigv4.ts';

export interface SessionKey {
  secretAccessKey: string;
  sessionToken: string;
  account: string;
  principalArn: string;
  expiresAtMs: number;
}

/** Whose a bearer token is, and whether it is still good. */
export interface BearerKey extends Identity {
  active: boolean;
  expiresAtMs?: number;
}

export interface Identity {
  account: string;
  accessKeyId: string;
  principalArn: string;
}

export interface AuthenticatorOptions {
  accessKeys: ReadonlyMap<string, AccessKey>;
  /** Temporary credentials that STS gave out. */
  findSession: (accessKeyId: string) => Promise<SessionKey | undefined>;
  /** Tokens that IAM gave out, for the paths that take them. */
  findBearer: (token: string) => Promise<BearerKey | undefined>;
  now: () => number;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  get verifies(): boolean {
    return this.#options.accessKeys.size > 0;
  }

  /** `payloadHash` is called only when a signature is to be verified. Throws AWS's error. */
  async authenticate(
    request: SignedRequest,
    signature: Signature | undefined,
    isS3: boolean,
    payloadHash: () => string,
  ): Promise<Identity & { signingKey?: Buffer }> {
    if (!this.verifies) return this.#identify(signature?.accessKeyId);
    if (!signature) {
      throw isS3
        ? new AwsError('AccessDenied', 'Access Denied', { status: 403 })
        : new AwsError('MissingAuthenticationToken', 'Missing Authentication Token', { status: 403 });
    }
    const { accessKeyId } = signature;
    const key = this.#options.accessKeys.get(accessKeyId);
    const session = key ? undefined : await this.#options.findSession(accessKeyId);
    if (session && session.expiresAtMs <= this.#options.now()) {
      throw new AwsError(
        isS3 ? 'ExpiredToken' : 'ExpiredTokenException',
        'The security token included in the request is expired',
        { status: isS3 ? 400 : 403 },
      );
    }
    const known = key ?? session;
    if (!known) {
      throw isS3
        ? new AwsError('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.', {
            status: 403,
            fields: { AWSAccessKeyId: accessKeyId },
          })
        : new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.', {
            status: 403,
          });
    }
    const { signingKey } = verifySignature(request, signature, known, payloadHash(), this.#options.now());
    const principalArn = session?.principalArn ?? rootArn(known.account);
    return { account: known.account, accessKeyId, principalArn, signingKey };
  }

  /** Throws AccessDeniedException for a token that is unknown (where signatures are verified), disabled or expired. */
  async authenticateBearer(token: string): Promise<Identity> {
    const key = await this.#options.findBearer(token);
    if (!key && !this.verifies) return this.#identify();
    if (!key?.active) throw new AwsError('AccessDeniedException', 'The bearer token is invalid.', { status: 401 });
    if (key.expiresAtMs !== undefined && key.expiresAtMs <= this.#options.now()) {
      throw new AwsError('AccessDeniedException', 'The bearer token is expired.', { status: 401 });
    }
    return { account: key.account, accessKeyId: key.accessKeyId, principalArn: key.principalArn };
  }

  async #identify(accessKeyId = ''): Promise<Identity> {
    if (/^\d{12}$/.test(accessKeyId)) return { account: accessKeyId, accessKeyId, principalArn: rootArn(accessKeyId) };
    if (accessKeyId.startsWith('ASIA')) {
      const session = await this.#options.findSession(accessKeyId);
      if (session) return { account: session.account, accessKeyId, principalArn: session.principalArn };
    }
    return { account: DEFAULT_ACCOUNT, accessKeyId, principalArn: rootArn(DEFAULT_ACCOUNT) };
  }
}

function rootArn(account: string): string {
  return `arn:aws:iam::${account}:root`;
}
