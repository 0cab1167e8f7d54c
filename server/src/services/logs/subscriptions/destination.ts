// Where log events can be sent: which ARNs AWS takes, whether one can be reached, and the call that delivers to it.
// Brume has no Kinesis and no Firehose yet, so their ARNs are answered as AWS answers for streams that are not there.

import type { FunctionConfiguration, InvocationRequest } from '@aws-sdk/client-lambda';
import { type Arn, parseArn } from '#core/arn.ts';
import { serviceCaller } from '#core/caller.ts';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { LogGroup, LogScope } from '#engines/logs/log-group.ts';
import { controlRecord, encodeRecord } from '#engines/logs/subscriptions/payload.ts';
import { invalidParameter } from '../constraints.ts';
import type { Sharing } from '../logs.ts';
import { DESTINATIONS } from './documents.ts';

/** As what CloudWatch Logs calls a function: older policies name the region. */
function principals(region: string): string[] {
  return ['logs.amazonaws.com', `logs.${region}.amazonaws.com`];
}

/** Delivers once; throws AwsError as the target does. `sourceArn` is the group's, with `:*`. */
export async function deliver(
  sharing: Sharing,
  scope: LogScope,
  sourceArn: string,
  destination: string,
  payload: string,
): Promise<void> {
  const targetArn = await physicalTarget(sharing, destination);
  const request = { targetArn, payload, sourceArn, sourceAccount: scope.account, region: scope.region };
  const [principal, older] = principals(scope.region) as [string, string];
  try {
    await sharing.delivery.deliverNow({ ...request, sourceService: principal });
  } catch (error) {
    if (!(error instanceof AwsError) || error.code !== 'AccessDeniedException') throw error;
    await sharing.delivery.deliverNow({ ...request, sourceService: older });
  }
}

/**
 * Refuses a destination that cannot be reached, in AWS's words, and a function's own log group, which it would fill by
 * reading. Throws InvalidParameterException, ResourceNotFoundException.
 */
export async function checkDestination(
  sharing: Sharing,
  group: LogGroup,
  destination: string,
  roleArn: string | undefined,
): Promise<void> {
  await checkSubscriber(sharing, group.scope, `${group.arn}:*`, destination, roleArn);
  if (await isOwnGroup(sharing, group, destination)) {
    throw invalidParameter('The log group provided is reserved for the function log of the destination function.');
  }
}

/** The same for no group in particular: `sourceArn` stands for all of the account's. */
export async function checkSubscriber(
  sharing: Sharing,
  scope: LogScope,
  sourceArn: string,
  destination: string,
  roleArn: string | undefined,
): Promise<void> {
  const arn = requireArn(destination, 'destinationArn');
  if (arn.service === 'lambda') {
    if (roleArn !== undefined) throw invalidParameter('destinationArn for vendor lambda cannot be used with roleArn');
    await checkFunction(sharing, scope, sourceArn, destination);
  } else if (arn.service === 'logs' && arn.resource.startsWith('destination:')) {
    await checkTarget(sharing, scope, sourceArn, await physicalTarget(sharing, destination));
    await sendControlMessage(sharing, scope, sourceArn, destination);
  } else if (arn.service === 'kinesis' || arn.service === 'firehose') {
    if (roleArn === undefined) {
      throw invalidParameter(`destinationArn for vendor ${arn.service} cannot be used without roleArn`);
    }
    throw unreachableStream(arn);
  } else {
    throw invalidParameter(`PutSubscriptionFilter operation cannot work with destinationArn for vendor ${arn.service}`);
  }
}

/** The target of a log destination. */
export async function checkTarget(
  sharing: Sharing,
  scope: LogScope,
  sourceArn: string,
  targetArn: string,
): Promise<void> {
  const arn = requireArn(targetArn, 'targetArn');
  if (arn.service === 'lambda') await checkFunction(sharing, scope, sourceArn, targetArn);
  else if (arn.service === 'kinesis' || arn.service === 'firehose') throw unreachableStream(arn);
  else throw invalidParameter(`PutDestination operation cannot work with targetArn for vendor ${arn.service}`);
}

/** Whether the group is the one that the function writes its own log to. */
export async function isOwnGroup({ call }: Sharing, group: LogGroup, destination: string): Promise<boolean> {
  const arn = parseArn(destination);
  if (arn?.service !== 'lambda') return false;
  const caller = serviceCaller('logs.amazonaws.com', group.scope, uuid());
  const configuration = await call<object, FunctionConfiguration>(
    'lambda',
    'GetFunctionConfiguration',
    { FunctionName: destination },
    caller,
  );
  return configuration.LoggingConfig?.LogGroup === group.name && arn.account === group.scope.account;
}

async function sendControlMessage(
  sharing: Sharing,
  scope: LogScope,
  sourceArn: string,
  destination: string,
): Promise<void> {
  const { payload } = await encodeRecord(controlRecord(sharing.clock.now()));
  try {
    await deliver(sharing, scope, sourceArn, destination, payload);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    throw invalidParameter(
      'Could not deliver test message to specified destination. Check if the destination is valid.',
    );
  }
}

async function physicalTarget({ state }: Sharing, destination: string): Promise<string> {
  const arn = requireArn(destination, 'destinationArn');
  if (arn.service !== 'logs') return destination;
  const name = arn.resource.slice('destination:'.length);
  const document = await state.documents.get(DESTINATIONS, { account: arn.account, region: arn.region }, name);
  if (!document) throw new AwsError('ResourceNotFoundException', 'The specified destination does not exist.');
  return document.targetArn;
}

async function checkFunction(sharing: Sharing, scope: LogScope, sourceArn: string, functionArn: string): Promise<void> {
  const input: InvocationRequest = { FunctionName: functionArn, InvocationType: 'DryRun' };
  for (const principal of principals(scope.region)) {
    const { account, region } = scope;
    try {
      await sharing.call('lambda', 'Invoke', input, serviceCaller(principal, { account, region, sourceArn }, uuid()));
      return;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
    }
  }
  throw invalidParameter(
    'Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.',
  );
}

function requireArn(text: string, member: string): Arn {
  const arn = parseArn(text);
  if (arn) return arn;
  throw invalidParameter(`Invalid ${member} specified: ${text}`);
}

function unreachableStream({ service }: Arn): AwsError {
  return invalidParameter(
    service === 'kinesis'
      ? 'Could not deliver test message to specified Kinesis stream. Check if the given kinesis stream is in ACTIVE state. '
      : 'Could not deliver test message to specified Firehose stream. Check if the given Firehose stream is in ACTIVE state.',
  );
}
