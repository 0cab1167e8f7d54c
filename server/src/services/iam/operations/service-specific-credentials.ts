// Bearer tokens of users for CloudWatch Logs: at most two each; the secret is shown once.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceSpecificCredential.html

import type {
  CreateServiceSpecificCredentialRequest,
  CreateServiceSpecificCredentialResponse,
  DeleteServiceSpecificCredentialRequest,
  ListServiceSpecificCredentialsRequest,
  ListServiceSpecificCredentialsResponse,
  ResetServiceSpecificCredentialRequest,
  ResetServiceSpecificCredentialResponse,
  ServiceSpecificCredential,
  UpdateServiceSpecificCredentialRequest,
} from '@aws-sdk/client-iam';
import { AwsError, notImplemented } from '#core/errors.ts';
import { iamUniqueId } from '#core/ids.ts';
import type { Transaction } from '#storage/state/state.ts';
import type { Handler, RequestContext } from '#wire/service.ts';
import { checkRange, checkText } from '../../constraints.ts';
import { type IamDependencies, iamScope } from '../dependencies.ts';
import { pageOf } from '../pages.ts';
import {
  deleteCredential,
  issueToken,
  type ServiceCredentialDocument,
  serviceCredentials,
  setActive,
} from '../service-credentials.ts';
import { callingUserName, requireUser } from '../users.ts';
import { wholeSeconds } from './create-role.ts';

const LOGS = 'logs.amazonaws.com';
/** AWS has them; Brume has not the services. */
const ELSEWHERE: readonly string[] = ['codecommit.amazonaws.com', 'cassandra.amazonaws.com', 'bedrock.amazonaws.com'];
const MOST_FOR_A_SERVICE = 2;
const LONGEST_AGE_DAYS = 36_600;
const DAY_MS = 86_400_000;

export function createServiceSpecificCredential({
  state,
  clock,
}: IamDependencies): Handler<CreateServiceSpecificCredentialRequest, CreateServiceSpecificCredentialResponse> {
  return async (input, context) => {
    const serviceName = input.ServiceName!;
    checkService('CreateServiceSpecificCredential', serviceName);
    checkRange('credentialAgeDays', input.CredentialAgeDays, 1, LONGEST_AGE_DAYS);
    return state.transact(async (tx) => {
      const user = await requireUser(tx.documents, iamScope(context), input.UserName!);
      const own = (await serviceCredentials(tx.documents, context.account)).filter((c) => c.userName === user.name);
      if (own.length >= MOST_FOR_A_SERVICE) {
        const message = `Cannot exceed quota for ServiceSpecificCredentialsPerUser: ${MOST_FOR_A_SERVICE}`;
        throw new AwsError('LimitExceededException', message);
      }
      const aliases = [`${user.name}-at-${context.account}`, `${user.name}+1-at-${context.account}`];
      const createdAtMs = wholeSeconds(clock.now());
      const days = input.CredentialAgeDays;
      const credential = {
        id: iamUniqueId('ACCA'),
        alias: aliases.find((alias) => own.every((other) => other.alias !== alias))!,
        serviceName,
        account: context.account,
        userName: user.name,
        userArn: user.arn,
        active: true,
        createdAtMs,
        ...(days !== undefined && { expiresAtMs: createdAtMs + days * DAY_MS }),
      };
      const token = await issueToken(tx, credential);
      return { ServiceSpecificCredential: { ...describe(credential), ServiceCredentialSecret: token } };
    });
  };
}

export function listServiceSpecificCredentials({
  state,
}: IamDependencies): Handler<ListServiceSpecificCredentialsRequest, ListServiceSpecificCredentialsResponse> {
  return async (input, context) => {
    if (input.AllUsers && input.UserName !== undefined) {
      throw new AwsError('ValidationError', 'UserName cannot be specified together with AllUsers.');
    }
    const name = input.AllUsers ? undefined : userNameOf(input, context);
    const user = name === undefined ? undefined : await requireUser(state.documents, iamScope(context), name);
    if (input.ServiceName !== undefined && !ELSEWHERE.includes(input.ServiceName)) {
      checkService('ListServiceSpecificCredentials', input.ServiceName);
    }
    const wanted = (await serviceCredentials(state.documents, context.account)).filter(
      ({ userName, serviceName }) =>
        (user === undefined || userName === user.name) &&
        (input.ServiceName === undefined || serviceName === input.ServiceName),
    );
    const { items, ...page } = pageOf(wanted, ({ id }) => id, input);
    return { ServiceSpecificCredentials: items.map(describe), ...page };
  };
}

export function updateServiceSpecificCredential({
  state,
}: IamDependencies): Handler<UpdateServiceSpecificCredentialRequest, object> {
  return async (input, context) => {
    checkText('status', input.Status, { values: ['Active', 'Inactive'] });
    await state.transact(async (tx) => {
      await setActive(tx, await requireCredential(tx, input, context), input.Status === 'Active');
    });
    return {};
  };
}

/** A new secret; the old one is no longer good. */
export function resetServiceSpecificCredential({
  state,
}: IamDependencies): Handler<ResetServiceSpecificCredentialRequest, ResetServiceSpecificCredentialResponse> {
  return async (input, context) =>
    state.transact(async (tx) => {
      const credential = await requireCredential(tx, input, context);
      const token = await issueToken(tx, credential);
      return { ServiceSpecificCredential: { ...describe(credential), ServiceCredentialSecret: token } };
    });
}

export function deleteServiceSpecificCredential({
  state,
}: IamDependencies): Handler<DeleteServiceSpecificCredentialRequest, object> {
  return async (input, context) => {
    await state.transact(async (tx) => deleteCredential(tx, await requireCredential(tx, input, context)));
    return {};
  };
}

function checkService(operation: string, serviceName: string): void {
  if (serviceName === LOGS) return;
  if (ELSEWHERE.includes(serviceName)) throw notImplemented(operation, serviceName);
  const message = `The specified service ${serviceName} does not support service-specific credentials.`;
  throw new AwsError('ServiceNotSupportedException', message);
}

async function requireCredential(
  { documents }: Transaction,
  input: { UserName?: string | undefined; ServiceSpecificCredentialId: string | undefined },
  context: RequestContext,
): Promise<ServiceCredentialDocument> {
  const id = input.ServiceSpecificCredentialId!;
  checkText('serviceSpecificCredentialId', id, { min: 20, max: 128, pattern: '[\\w]+' });
  const user = await requireUser(documents, iamScope(context), userNameOf(input, context));
  const all = await serviceCredentials(documents, context.account);
  const found = all.find((credential) => credential.id === id && credential.userName === user.name);
  if (!found) throw new AwsError('NoSuchEntityException', `No such credential ${id} exists`);
  return found;
}

function userNameOf(input: { UserName?: string | undefined }, context: RequestContext): string {
  const name = input.UserName ?? callingUserName(context.principalArn);
  if (name === undefined) {
    throw new AwsError('ValidationError', 'Must specify userName when calling with non-User credentials');
  }
  return name;
}

function describe(credential: Omit<ServiceCredentialDocument, 'secretHash'>): ServiceSpecificCredential {
  const { id, alias, serviceName, userName, active, createdAtMs, expiresAtMs } = credential;
  return {
    CreateDate: new Date(createdAtMs),
    ...(expiresAtMs !== undefined && { ExpirationDate: new Date(expiresAtMs) }),
    ServiceName: serviceName,
    ServiceCredentialAlias: alias,
    ServiceSpecificCredentialId: id,
    UserName: userName,
    Status: active ? 'Active' : 'Inactive',
  };
}
