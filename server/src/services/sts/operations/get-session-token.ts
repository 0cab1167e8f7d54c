import type { GetSessionTokenRequest, GetSessionTokenResponse } from '@aws-sdk/client-sts';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { Handler } from '#wire/service.ts';
import type { StsDependencies } from '../dependencies.ts';
import { checkDuration } from '../session-members.ts';
import { credentialsShape, issueSession, lookUpSession } from '../sessions.ts';
import { getCallerIdentity } from './get-caller-identity.ts';

const DEFAULT_DURATION_S = 43_200;
const LONGEST_DURATION_S = 129_600;
/** The root user gets no more than an hour, whatever is asked for. */
const LONGEST_ROOT_DURATION_S = 3600;

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html */
export function getSessionToken(
  dependencies: StsDependencies,
): Handler<GetSessionTokenRequest, GetSessionTokenResponse> {
  const { state, clock } = dependencies;
  const identify = getCallerIdentity(dependencies);
  return async (input, context) => {
    checkDuration(input.DurationSeconds, LONGEST_DURATION_S);
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) {
      throw notImplemented('GetSessionToken', 'SerialNumber and TokenCode');
    }
    if (await lookUpSession(state, context.accessKeyId)) {
      throw new AwsError('AccessDenied', 'Cannot call GetSessionToken with session credentials', { status: 403 });
    }
    const identity = await identify({}, context);
    const askedS = input.DurationSeconds ?? DEFAULT_DURATION_S;
    const durationS = identity.Arn!.endsWith(':root') ? Math.min(askedS, LONGEST_ROOT_DURATION_S) : askedS;
    const nowMs = clock.now();
    const session = await state.transact((tx) =>
      issueSession(tx, nowMs, {
        account: context.account,
        principalArn: identity.Arn!,
        userId: identity.UserId!,
        expiresAtMs: Math.floor(nowMs / 1000) * 1000 + durationS * 1000,
      }),
    );
    return { Credentials: credentialsShape(session) };
  };
}
