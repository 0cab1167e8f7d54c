// Accounts as S3 names them. Both ids follow from the account number, so they are the same after every start.

import { createHash } from 'node:crypto';
import type { Caller } from '#core/caller.ts';

const CUSTOMER_ID_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** The canonical user id: 64 hexadecimal characters. */
export function canonicalUserId(account: string): string {
  return createHash('sha256').update(`canonical user ${account}`).digest('hex');
}

/** The customer id in event records: `A` and 13 characters. */
export function customerId(account: string): string {
  let id = 'A';
  for (const byte of createHash('sha256').update(`customer ${account}`).digest().subarray(0, 13)) {
    id += CUSTOMER_ID_ALPHABET[byte % CUSTOMER_ID_ALPHABET.length];
  }
  return id;
}

/** Who caused an event: the customer id for the account itself, `AWS:` and a name for a user or role of it. */
export function principalId(caller: Caller): string {
  const resource = caller.principalArn.split(':').slice(5).join(':');
  if (resource === 'root' || resource === '') return customerId(caller.account);
  return `AWS:${resource.slice(resource.indexOf('/') + 1).replaceAll('/', ':')}`;
}
