import type {
  CreateUserRequest,
  CreateUserResponse,
  DeleteUserRequest,
  GetUserRequest,
  GetUserResponse,
  ListUsersRequest,
  ListUsersResponse,
  User,
} from '@aws-sdk/client-iam';
import { AwsError, notImplemented } from '#core/errors.ts';
import { iamUniqueId } from '#core/ids.ts';
import type { Handler } from '#wire/service.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { checkPath, checkPathPrefix, checkUserName, nameKey } from '../names.ts';
import { pageOf } from '../pages.ts';
import { serviceCredentials } from '../service-credentials.ts';
import { readTags } from '../tags.ts';
import { callingUserName, requireUser, USERS, type UserDocument, userDetail, userSummary } from '../users.ts';
import { wholeSeconds } from './create-role.ts';

const MOST_USERS = 5000;

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html */
export function createUser({ state, clock }: IamDependencies): Handler<CreateUserRequest, CreateUserResponse> {
  return async (input, context) => {
    const name = input.UserName!;
    checkUserName(name);
    checkPath(input.Path);
    if (input.PermissionsBoundary !== undefined) throw notImplemented('CreateUser', 'PermissionsBoundary');
    const scope = iamScope(context);
    const path = input.Path ?? '/';
    const user: UserDocument = {
      name,
      id: iamUniqueId('AIDA'),
      arn: `arn:aws:iam::${context.account}:user${path}${name}`,
      path,
      createdAtMs: wholeSeconds(clock.now()),
      tags: readTags(input.Tags),
      accessKeyIds: [],
    };
    await state.transact(async ({ documents }) => {
      if (await documents.get(USERS, scope, nameKey(name))) {
        throw new AwsError('EntityAlreadyExistsException', `User with name ${name} already exists.`);
      }
      if ((await documents.range(USERS, scope, { limit: MOST_USERS })).length >= MOST_USERS) {
        throw new AwsError('LimitExceededException', `Cannot exceed quota for UsersPerAccount: ${MOST_USERS}`);
      }
      await documents.put(USERS, scope, nameKey(name), user);
    });
    return { User: userDetail(user) };
  };
}

/** Without UserName: whoever signs the request. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html */
export function getUser({ state }: IamDependencies): Handler<GetUserRequest, GetUserResponse> {
  return async (input, context) => {
    const name = input.UserName ?? callingUserName(context.principalArn);
    if (name !== undefined) {
      return { User: userDetail(await requireUser(state.documents, iamScope(context), name)) };
    }
    if (context.principalArn.endsWith(':root')) {
      // AWS shows the day the account was made, which an account of Brume does not have.
      const root: Partial<User> = { UserId: context.account, Arn: context.principalArn };
      return { User: root as User };
    }
    throw new AwsError('ValidationError', 'Must specify userName when calling with non-User credentials');
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html */
export function listUsers({ state }: IamDependencies): Handler<ListUsersRequest, ListUsersResponse> {
  return async (input, context) => {
    checkPathPrefix(input.PathPrefix);
    const all = await state.documents.range(USERS, iamScope(context));
    const matching = all.filter(({ value }) => value.path.startsWith(input.PathPrefix ?? '/'));
    const { items, ...page } = pageOf(matching, ({ key }) => key, input);
    return { Users: items.map(({ value }) => userSummary(value)), ...page };
  };
}

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html */
export function deleteUser({ state }: IamDependencies): Handler<DeleteUserRequest, object> {
  return async (input, context) => {
    const scope = iamScope(context);
    await state.transact(async ({ documents }) => {
      const user = await requireUser(documents, scope, input.UserName!);
      if (user.accessKeyIds.length > 0) {
        throw new AwsError('DeleteConflictException', 'Cannot delete entity, must delete access keys first.');
      }
      if ((await serviceCredentials(documents, context.account)).some(({ userName }) => userName === user.name)) {
        const message = 'Cannot delete entity, must delete service specific credentials first.';
        throw new AwsError('DeleteConflictException', message);
      }
      await documents.delete(USERS, scope, nameKey(user.name));
    });
    return {};
  };
}
