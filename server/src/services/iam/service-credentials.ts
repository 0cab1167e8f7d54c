// Service-specific credentials of users as they are kept: for CloudWatch Logs, a bearer token each, of which only a hash is
// kept. They lie apart from their user, because a request names only the token.

import { createHash, randomBytes } from 'node:crypto';
import {
  type DocumentReader,
  defineCollection,
  type Scope,
  type StateStore,
  type Transaction,
} from '#storage/state/state.ts';

export interface ServiceCredentialDocument {
  id: string;
  alias: string;
  secretHash: string;
  serviceName: string;
  account: string;
  userName: string;
  userArn: string;
  active: boolean;
  createdAtMs: number;
  expiresAtMs?: number;
}

/** Keyed by `ACCOUNT/id`. */
const CREDENTIALS = defineCollection<ServiceCredentialDocument>('iam.service-credentials');
/** Hash of a token -> its credential's key. */
const TOKENS = defineCollection<string>('iam.service-credential-tokens');
/** They belong to no scope: the account follows from the token. */
const SCOPE: Scope = { account: '', region: '' };

const TOKEN_BYTES = 48;

export interface BearerToken {
  account: string;
  /** The id of the credential. */
  accessKeyId: string;
  principalArn: string;
  active: boolean;
  expiresAtMs?: number;
}

/** Whose token it is; undefined when IAM gave out no such token. */
export async function lookUpBearerToken(
  { documents }: Pick<StateStore, 'documents'>,
  token: string,
): Promise<BearerToken | undefined> {
  const key = await documents.get(TOKENS, SCOPE, hashOf(token));
  const credential = key === undefined ? undefined : await documents.get(CREDENTIALS, SCOPE, key);
  if (!credential) return undefined;
  const { account, id: accessKeyId, userArn: principalArn, active, expiresAtMs } = credential;
  return { account, accessKeyId, principalArn, active, ...(expiresAtMs !== undefined && { expiresAtMs }) };
}

/** Every one of the account's, in the order of their ids. */
export async function serviceCredentials(
  documents: DocumentReader,
  account: string,
): Promise<ServiceCredentialDocument[]> {
  const found = await documents.range(CREDENTIALS, SCOPE, { prefix: `${account}/` });
  return found.map(({ value }) => value);
}

/** Puts a credential with a new token, which is given back and kept nowhere. */
export async function issueToken(
  { documents }: Transaction,
  credential: Omit<ServiceCredentialDocument, 'secretHash'> & { secretHash?: string },
): Promise<string> {
  if (credential.secretHash !== undefined) await documents.delete(TOKENS, SCOPE, credential.secretHash);
  const token = `ACWL${randomBytes(TOKEN_BYTES).toString('base64url')}`;
  const secretHash = hashOf(token);
  await documents.put(TOKENS, SCOPE, secretHash, keyOf(credential));
  await documents.put(CREDENTIALS, SCOPE, keyOf(credential), { ...credential, secretHash });
  return token;
}

export async function setActive({ documents }: Transaction, credential: ServiceCredentialDocument, active: boolean) {
  await documents.put(CREDENTIALS, SCOPE, keyOf(credential), { ...credential, active });
}

export async function deleteCredential({ documents }: Transaction, credential: ServiceCredentialDocument) {
  await documents.delete(TOKENS, SCOPE, credential.secretHash);
  await documents.delete(CREDENTIALS, SCOPE, keyOf(credential));
}

function keyOf({ account, id }: { account: string; id: string }): string {
  return `${account}/${id}`;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
