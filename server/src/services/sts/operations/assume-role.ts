import type { GetRoleRequest, GetRoleResponse } from '@aws-sdk/client-iam';
import type { AssumeRoleRequest, AssumeRoleResponse } from '@aws-sdk/client-sts';
import { parseArn } from '#core/arn.ts';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkCount, checkText } from '../../constraints.ts';
import type { StsDependencies } from '../dependencies.ts';
import {
  checkDuration,
  checkSessionName,
  checkSessionPolicy,
  checkSourceIdentity,
  readPolicyArns,
  readSessionTags,
} from '../session-members.ts';
import { credentialsShape, issueSession, lookUpSession } from '../sessions.ts';

const DEFAULT_DURATION_S = 3600;
const LONGEST_DURATION_S = 43_200;
/** For a role assumed with the credentials of another role. */
const LONGEST_CHAINED_DURATION_S = 3600;

/**
 * Temporary credentials of a role that exists in IAM. Whom the role's trust policy admits is not asked yet.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function assumeRole({ state, clock, call }: StsDependencies): Handler<AssumeRoleRequest, AssumeRoleResponse> {
  return async (input, context) => {
    const sessionName = input.RoleSessionName!;
    checkText('roleArn', input.RoleArn, { min: 20, max: 2048 });
    checkSessionName(sessionName);
    checkDuration(input.DurationSeconds, LONGEST_DURATION_S);
    checkText('externalId', input.ExternalId, { min: 2, max: 1224, pattern: '[\\w+=,.@:\\/-]*' });
    checkSourceIdentity(input.SourceIdentity);
    checkCount('transitiveTagKeys', input.TransitiveTagKeys, 50);
    const policyArns = readPolicyArns(input.PolicyArns);
    const tags = readSessionTags(input.Tags);
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) {
      throw notImplemented('AssumeRole', 'SerialNumber and TokenCode');
    }
    if (input.ProvidedContexts !== undefined) throw notImplemented('AssumeRole', 'ProvidedContexts');

    const role = await findRole(call, input.RoleArn!, context);
    checkSessionPolicy(input.Policy);
    const chained = await lookUpSession(state, context.accessKeyId);
    const durationS = input.DurationSeconds ?? DEFAULT_DURATION_S;
    if (chained?.roleArn !== undefined && durationS > LONGEST_CHAINED_DURATION_S) {
      throw new AwsError(
        'ValidationError',
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.',
      );
    }
    if (durationS > role.maxSessionDurationS) {
      throw new AwsError(
        'ValidationError',
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      );
    }

    const nowMs = clock.now();
    const sourceIdentity = input.SourceIdentity ?? chained?.sourceIdentity;
    const session = await state.transact((tx) =>
      issueSession(tx, nowMs, {
        account: role.account,
        principalArn: `arn:aws:sts::${role.account}:assumed-role/${role.name}/${sessionName}`,
        userId: `${role.id}:${sessionName}`,
        expiresAtMs: Math.floor(nowMs / 1000) * 1000 + durationS * 1000,
        roleArn: role.arn,
        ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
        ...(input.Policy === undefined ? {} : { policy: input.Policy }),
        ...(policyArns === undefined ? {} : { policyArns }),
        ...(tags === undefined ? {} : { tags }),
        ...(input.TransitiveTagKeys === undefined ? {} : { transitiveTagKeys: input.TransitiveTagKeys }),
      }),
    );
    return {
      Credentials: credentialsShape(session),
      AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.principalArn },
      ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    };
  };
}

interface AssumableRole {
  arn: string;
  account: string;
  name: string;
  id: string;
  maxSessionDurationS: number;
}

/** AWS does not tell a role that is missing from one that does not trust the caller. */
async function findRole(
  call: StsDependencies['call'],
  roleArn: string,
  context: RequestContext,
): Promise<AssumableRole> {
  const arn = parseArn(roleArn);
  if (arn?.service !== 'iam' || !/^\d{12}$/.test(arn.account) || !/^role\/.*[^/]$/.test(arn.resource)) {
    throw new AwsError('ValidationError', `${roleArn} is invalid`);
  }
  const name = arn.resource.slice(arn.resource.lastIndexOf('/') + 1);
  const { account } = arn;
  try {
    const { Role: role } = await call<GetRoleRequest, GetRoleResponse>(
      'iam',
      'GetRole',
      { RoleName: name },
      { ...context, account },
    );
    if (role?.Arn === roleArn) {
      const maxSessionDurationS = role.MaxSessionDuration ?? DEFAULT_DURATION_S;
      return { arn: roleArn, account, name: role.RoleName!, id: role.RoleId!, maxSessionDurationS };
    }
  } catch (error) {
    if (!(error instanceof AwsError) || !['NoSuchEntityException', 'ValidationError'].includes(error.code)) throw error;
  }
  throw new AwsError(
    'AccessDenied',
    `User: ${context.principalArn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
    { status: 403 },
  );
}
