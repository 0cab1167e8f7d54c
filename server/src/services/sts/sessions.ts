// Temporary credentials: kept until a while after they expire, so that an expired token is told from a wrong one.

import { randomBytes } from 'node:crypto';
import { newAccessKeyId, newSecretAccessKey } from '#core/access-key-id.ts';
import { defineCollection, type Scope, type StateStore, type Transaction } from '#storage/state/state.ts';

export interface SessionDocument {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
  account: string;
  /** `arn:aws:sts::…:assumed-role/ROLE/SESSION`, or the root or user that asked for a session token. */
  principalArn: string;
  /** As GetCallerIdentity shows it: `AROA…:SESSION`. */
  userId: string;
  issuedAtMs: number;
  expiresAtMs: number;
  /** Present for AssumeRole. */
  roleArn?: string;
  sourceIdentity?: string;
  /** What narrows the session; kept for enforcement. */
  policy?: string;
  policyArns?: string[];
  tags?: Record<string, string>;
  transitiveTagKeys?: string[];
}

export const SESSIONS = defineCollection<SessionDocument>('sts.sessions');
/** Expiry time and key id -> key id: what to sweep, in order. */
const EXPIRIES = defineCollection<string>('sts.session-expiries');

/** Sessions belong to no scope: a request names only the access key id. */
const SESSION_SCOPE: Scope = { account: '', region: '' };

const KEPT_AFTER_EXPIRY_MS = 24 * 3600 * 1000;
/** Each new session removes up to so many old ones, which bounds the collection without a timer. */
const SWEPT_AT_ONCE = 8;
/** AWS's tokens vary and may grow; SDKs must not count on a length. */
const TOKEN_BYTES = 192;

/**
 * The session of an access key id, expired ones included for a day: compare `expiresAtMs` with the clock
 * (ExpiredToken) and `sessionToken` with the request's X-Amz-Security-Token (InvalidClientTokenId).
 */
export async function lookUpSession(
  state: Pick<StateStore, 'documents'>,
  accessKeyId: string,
): Promise<SessionDocument | undefined> {
  if (!accessKeyId.startsWith('ASIA')) return undefined;
  return state.documents.get(SESSIONS, SESSION_SCOPE, accessKeyId);
}

/** Makes credentials and stores them as part of the transaction. */
export async function issueSession(
  { documents }: Transaction,
  nowMs: number,
  session: Omit<SessionDocument, 'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'issuedAtMs'>,
): Promise<SessionDocument> {
  const issued: SessionDocument = {
    accessKeyId: newAccessKeyId('ASIA', session.account),
    secretAccessKey: newSecretAccessKey(),
    sessionToken: randomBytes(TOKEN_BYTES).toString('base64'),
    issuedAtMs: nowMs,
    ...session,
  };
  const longExpired = await documents.range(EXPIRIES, SESSION_SCOPE, { limit: SWEPT_AT_ONCE });
  for (const { key, value } of longExpired) {
    if (key > sortableMs(nowMs - KEPT_AFTER_EXPIRY_MS)) break;
    await documents.delete(EXPIRIES, SESSION_SCOPE, key);
    await documents.delete(SESSIONS, SESSION_SCOPE, value);
  }
  await documents.put(SESSIONS, SESSION_SCOPE, issued.accessKeyId, issued);
  const expiryKey = `${sortableMs(issued.expiresAtMs)} ${issued.accessKeyId}`;
  await documents.put(EXPIRIES, SESSION_SCOPE, expiryKey, issued.accessKeyId);
  return issued;
}

/** The Credentials member of STS answers. */
export function credentialsShape(session: SessionDocument) {
  return {
    AccessKeyId: session.accessKeyId,
    SecretAccessKey: session.secretAccessKey,
    SessionToken: session.sessionToken,
    Expiration: new Date(session.expiresAtMs),
  };
}

function sortableMs(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(15, '0');
}
