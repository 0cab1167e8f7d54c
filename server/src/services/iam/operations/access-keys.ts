// The access keys of users: at most two each; the secret is shown once.

import type {
  CreateAccessKeyRequest,
  CreateAccessKeyResponse,
  DeleteAccessKeyRequest,
  ListAccessKeysRequest,
  ListAccessKeysResponse,
  UpdateAccessKeyRequest,
} from '@aws-sdk/client-iam';
import { newAccessKeyId, newSecretAccessKey } from '#core/access-key-id.ts';
import { AwsError } from '#core/errors.ts';
import type { Transaction } from '#storage/state/state.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkText } from '../../constraints.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import {
  ACCESS_KEY_SCOPE,
  ACCESS_KEYS,
  type AccessKeyDocument,
  callingUserName,
  requireUser,
  USERS,
  type UserDocument,
} from '../users.ts';
import { wholeSeconds } from './create-role.ts';

const MOST_ACCESS_KEYS = 2;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html */
export function createAccessKey({
  state,
  clock,
}: IamDependencies): Handler<CreateAccessKeyRequest, CreateAccessKeyResponse> {
  return async (input, context) => {
    const scope = iamScope(context);
    const key = await state.transact(async ({ documents }) => {
      const user = await requireUser(documents, scope, userNameOf(input, context));
      if (user.accessKeyIds.length >= MOST_ACCESS_KEYS) {
        throw new AwsError('LimitExceededException', `Cannot exceed quota for AccessKeysPerUser: ${MOST_ACCESS_KEYS}`);
      }
      const created: AccessKeyDocument = {
        id: newAccessKeyId('AKIA', context.account),
        secretAccessKey: newSecretAccessKey(),
        account: context.account,
        userName: user.name,
        userArn: user.arn,
        active: true,
        createdAtMs: wholeSeconds(clock.now()),
      };
      await documents.put(ACCESS_KEYS, ACCESS_KEY_SCOPE, created.id, created);
      const accessKeyIds = [...user.accessKeyIds, created.id];
      await documents.put(USERS, scope, nameKey(user.name), { ...user, accessKeyIds });
      return created;
    });
    return {
      AccessKey: {
        UserName: key.userName,
        AccessKeyId: key.id,
        Status: 'Active',
        SecretAccessKey: key.secretAccessKey,
        CreateDate: new Date(key.createdAtMs),
      },
    };
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html */
export function listAccessKeys({ state }: IamDependencies): Handler<ListAccessKeysRequest, ListAccessKeysResponse> {
  return async (input, context) => {
    const user = await requireUser(state.documents, iamScope(context), userNameOf(input, context));
    const { items, ...page } = pageOf(user.accessKeyIds.toSorted(), (id) => id, input);
    const keys = await Promise.all(items.map((id) => state.documents.get(ACCESS_KEYS, ACCESS_KEY_SCOPE, id)));
    return {
      AccessKeyMetadata: keys
        .filter((key) => key !== undefined)
        .map((key) => ({
          UserName: key.userName,
          AccessKeyId: key.id,
          Status: key.active ? 'Active' : 'Inactive',
          CreateDate: new Date(key.createdAtMs),
        })),
      ...page,
    };
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html */
export function updateAccessKey({ state }: IamDependencies): Handler<UpdateAccessKeyRequest, object> {
  return async (input, context) => {
    checkText('status', input.Status, { values: ['Active', 'Inactive'] });
    await state.transact(async (tx) => {
      const { key } = await requireAccessKey(tx, input, context);
      const updated = { ...key, active: input.Status === 'Active' };
      await tx.documents.put(ACCESS_KEYS, ACCESS_KEY_SCOPE, key.id, updated);
    });
    return {};
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html */
export function deleteAccessKey({ state }: IamDependencies): Handler<DeleteAccessKeyRequest, object> {
  return async (input, context) => {
    await state.transact(async (tx) => {
      const { key, user } = await requireAccessKey(tx, input, context);
      await tx.documents.delete(ACCESS_KEYS, ACCESS_KEY_SCOPE, key.id);
      const accessKeyIds = user.accessKeyIds.filter((id) => id !== key.id);
      await tx.documents.put(USERS, iamScope(context), nameKey(user.name), { ...user, accessKeyIds });
    });
    return {};
  };
}

async function requireAccessKey(
  { documents }: Transaction,
  input: { UserName?: string | undefined; AccessKeyId: string | undefined },
  context: RequestContext,
): Promise<{ key: AccessKeyDocument; user: UserDocument }> {
  const id = input.AccessKeyId!;
  checkText('accessKeyId', id, { min: 16, max: 128, pattern: '[\\w]+' });
  const user = await requireUser(documents, iamScope(context), userNameOf(input, context));
  const key = user.accessKeyIds.includes(id) ? await documents.get(ACCESS_KEYS, ACCESS_KEY_SCOPE, id) : undefined;
  if (!key) throw new AwsError('NoSuchEntityException', `The Access Key with id ${id} cannot be found.`);
  return { key, user };
}

/** The user named, else the one who signs. The root user's own keys are the operator's configuration, not IAM's. */
function userNameOf(input: { UserName?: string | undefined }, context: RequestContext): string {
  const name = input.UserName ?? callingUserName(context.principalArn);
  if (name === undefined) {
    throw new AwsError('ValidationError', 'Must specify userName when calling with non-User credentials');
  }
  return name;
}
