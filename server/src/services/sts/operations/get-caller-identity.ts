import type { GetUserRequest, GetUserResponse } from '@aws-sdk/client-iam';
import type { GetCallerIdentityRequest, GetCallerIdentityResponse } from '@aws-sdk/client-sts';
import type { Handler } from '#wire/service.ts';
import type { StsDependencies } from '../dependencies.ts';
import { lookUpSession } from '../sessions.ts';

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
export function getCallerIdentity({
  state,
  call,
}: StsDependencies): Handler<GetCallerIdentityRequest, GetCallerIdentityResponse> {
  return async (_input, context) => {
    const session = await lookUpSession(state, context.accessKeyId);
    if (session) return { UserId: session.userId, Account: session.account, Arn: session.principalArn };
    const { account, principalArn } = context;
    if (principalArn.includes(':user/')) {
      const name = principalArn.slice(principalArn.lastIndexOf('/') + 1);
      const { User: user } = await call<GetUserRequest, GetUserResponse>('iam', 'GetUser', { UserName: name }, context);
      return { UserId: user!.UserId!, Account: account, Arn: principalArn };
    }
    return { UserId: account, Account: account, Arn: principalArn };
  };
}
