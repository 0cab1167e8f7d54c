// Users and their access keys as they are kept. A key lies apart from its user, under its id alone, because a request
// names only the id.

import type { User } from '@aws-sdk/client-iam';
import { AwsError } from '#core/errors.ts';
import { type DocumentReader, defineCollection, type Scope, type StateStore } from '#storage/state/state.ts';
import { checkUserName, nameKey } from './names.ts';
import { type TagDocument, tagShapes } from './tags.ts';

export interface UserDocument {
  name: string;
  id: string;
  arn: string;
  path: string;
  createdAtMs: number;
  tags: TagDocument[];
  /** Oldest first. */
  accessKeyIds: string[];
}

export interface AccessKeyDocument {
  id: string;
  secretAccessKey: string;
  account: string;
  userName: string;
  userArn: string;
  active: boolean;
  createdAtMs: number;
}

export const USERS = defineCollection<UserDocument>('iam.users');
export const ACCESS_KEYS = defineCollection<AccessKeyDocument>('iam.access-keys');
/** Access keys belong to no scope: the id comes first, the account follows from it. */
export const ACCESS_KEY_SCOPE: Scope = { account: '', region: '' };

export interface AccessKeyOfUser {
  secretAccessKey: string;
  account: string;
  principalArn: string;
  active: boolean;
}

/** A key made by CreateAccessKey; undefined when there is none of that id. */
export async function lookUpAccessKey(
  state: Pick<StateStore, 'documents'>,
  accessKeyId: string,
): Promise<AccessKeyOfUser | undefined> {
  const key = await state.documents.get(ACCESS_KEYS, ACCESS_KEY_SCOPE, accessKeyId);
  if (!key) return undefined;
  const { secretAccessKey, account, userArn: principalArn, active } = key;
  return { secretAccessKey, account, principalArn, active };
}

export async function requireUser(documents: DocumentReader, scope: Scope, name: string): Promise<UserDocument> {
  checkUserName(name);
  const user = await documents.get(USERS, scope, nameKey(name));
  if (!user) throw new AwsError('NoSuchEntityException', `The user with name ${name} cannot be found.`);
  return user;
}

/** A user as ListUsers shows it. */
export function userSummary(user: UserDocument): User {
  return {
    Path: user.path,
    UserName: user.name,
    UserId: user.id,
    Arn: user.arn,
    CreateDate: new Date(user.createdAtMs),
  };
}

export function userDetail(user: UserDocument): User {
  return { ...userSummary(user), ...(user.tags.length === 0 ? {} : { Tags: tagShapes(user.tags) }) };
}

/** The user that signs the request, for operations whose UserName may be left out; undefined for root and roles. */
export function callingUserName(principalArn: string): string | undefined {
  const match = /^arn:[a-z-]+:iam::\d{12}:user\/(?:.*\/)?([^/]+)$/.exec(principalArn);
  return match?.[1];
}
