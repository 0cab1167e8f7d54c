// Signs notifications as AWS does: RSA over a canonical text. The key is made at first use and kept in the state.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { defineCollection, type StateStore } from '#storage/state/state.ts';

const KEYS = defineCollection<{ privateKeyPem: string }>('sns.signing-keys');
const SCOPE = { account: '', region: '' };
const KEY_NAME = 'rsa-2048';

export interface SigningKey {
  privateKey: KeyObject;
  publicKey: KeyObject;
  /** Names the key in SigningCertURL. */
  id: string;
}

export class Signer {
  readonly #state: StateStore;
  #key: Promise<SigningKey> | undefined;

  constructor(state: StateStore) {
    this.#state = state;
  }

  /** The base64 signature of the parts, each a name and a value, in AWS's order. Version 1 is SHA1, 2 is SHA256. */
  async sign(parts: readonly (readonly [string, string])[], version: string): Promise<string> {
    const { privateKey } = await this.key();
    const text = parts.map(([name, value]) => `${name}\n${value}\n`).join('');
    const algorithm = version === '2' ? 'RSA-SHA256' : 'RSA-SHA1';
    // With a callback the signature is made on the thread pool.
    return new Promise((resolve, reject) => {
      sign(algorithm, Buffer.from(text), privateKey, (error, signature) =>
        error ? reject(error) : resolve(signature.toString('base64')),
      );
    });
  }

  key(): Promise<SigningKey> {
    this.#key ??= this.#load().catch((error) => {
      this.#key = undefined;
      throw error;
    });
    return this.#key;
  }

  forget(): void {
    this.#key = undefined;
  }

  async #load(): Promise<SigningKey> {
    const known = await this.#state.documents.get(KEYS, SCOPE, KEY_NAME);
    const privateKey = createPrivateKey((known ?? (await this.#make())).privateKeyPem);
    const publicKey = createPublicKey(privateKey);
    const id = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex')
      .slice(0, 32);
    return { privateKey, publicKey, id };
  }

  async #make(): Promise<{ privateKeyPem: string }> {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
    const made = { privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
    return this.#state.transact(async (tx) => {
      const other = await tx.documents.get(KEYS, SCOPE, KEY_NAME);
      if (other) return other;
      await tx.documents.put(KEYS, SCOPE, KEY_NAME, made);
      return made;
    });
  }
}
