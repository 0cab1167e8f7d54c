// Destinations of asynchronous invocations: what may be one, and the record that it gets.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html

import type { DestinationConfig } from '@aws-sdk/client-lambda';
import { parseArn } from '#core/arn.ts';
import { AwsError, notImplemented } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { DeliveryRequest } from '#engines/delivery/delivery.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { type FunctionReference, functionArn, LATEST, readFunctionName } from '../function-name.ts';

const DESTINATION =
  /$|kafka:\/\/([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)/;
const USER = { fields: { Type: 'User' } };

/** Throws where a destination cannot be one: of another kind, a function that is not there, the function itself. */
export async function checkDestinations(
  { table }: Pick<LambdaDependencies, 'table'>,
  reference: FunctionReference,
  config: DestinationConfig | undefined,
): Promise<void> {
  const success = config?.OnSuccess?.Destination;
  const failure = config?.OnFailure?.Destination;
  checkConstraints([
    { at: 'destinationConfig.onFailure.destination', value: failure, max: 350, pattern: DESTINATION },
    { at: 'destinationConfig.onSuccess.destination', value: success, max: 350, pattern: DESTINATION },
  ]);
  const kinds = { success: kindOf(success), failure: kindOf(failure) };
  // A bucket keeps what failed, never what succeeded.
  if (kinds.success === 'other' || kinds.failure === 'other' || kinds.success === 's3') {
    const show = (name: string, arn: string | undefined) => (arn ? `${name}(destination=${arn})` : 'null');
    throw new AwsError(
      'InvalidParameterValueException',
      `The provided destination config DestinationConfig(onSuccess=${show('OnSuccess', success)}, onFailure=${show('OnFailure', failure)}) is invalid.`,
      USER,
    );
  }
  for (const arn of [success, failure]) {
    if (kindOf(arn) === 'events') throw notImplemented('DestinationConfig', `the event bus ${arn}`);
    if (kindOf(arn) !== 'lambda') continue;
    const target = readFunctionName(arn!, reference.scope);
    if (!(await table.find(target.scope, target.name))) {
      throw new AwsError('InvalidParameterValueException', `The destination ARN ${arn} is invalid.`, USER);
    }
    if (target.name === reference.name) {
      throw new AwsError(
        'InvalidParameterValueException',
        "You can't specify the function as a destination for itself.",
        USER,
      );
    }
  }
}

type Kind = 'none' | 'sqs' | 'sns' | 'lambda' | 's3' | 'events' | 'other';

function kindOf(arn: string | undefined): Kind {
  if (!arn) return 'none';
  const service = parseArn(arn)?.service;
  if ((service === 'sqs' || service === 'sns') && arn.endsWith('.fifo')) return 'other';
  const kinds: readonly Kind[] = ['sqs', 'sns', 'lambda', 's3', 'events'];
  return kinds.find((kind) => kind === service) ?? 'other';
}

/** How an asynchronous invocation ended. */
export interface Ending {
  condition: 'Success' | 'RetriesExhausted' | 'EventAgeExceeded' | 'ZeroReservedConcurrency' | 'RecursiveInvocation';
  requestId: string;
  invocations: number;
  payload: string;
  /** Of the last invocation, if there was one. */
  response?: { executedVersion: string; functionError?: string; payload: Uint8Array };
}

/** The label of deliveries to destinations: tells their failures from those of dead-letter queues. */
export const DESTINATION_LABEL = 'destination';

/** The delivery of the record to a destination. */
export function destinationRequest(
  reference: FunctionReference,
  destinationArn: string,
  ending: Ending,
  nowMs: number,
): DeliveryRequest {
  return {
    targetArn: destinationArn,
    payload: JSON.stringify(recordOf(reference, ending, nowMs)),
    sourceService: 'lambda.amazonaws.com',
    sourceArn: functionArn(reference),
    sourceAccount: reference.scope.account,
    region: reference.scope.region,
    label: DESTINATION_LABEL,
    ...(kindOf(destinationArn) === 's3' ? { objectKey: objectKey(reference.name, nowMs) } : {}),
  };
}

function recordOf(reference: FunctionReference, ending: Ending, nowMs: number): object {
  const { condition, requestId, invocations, payload, response } = ending;
  return {
    version: '1.0',
    timestamp: new Date(nowMs).toISOString(),
    requestContext: {
      requestId,
      functionArn: functionArn(reference, reference.qualifier ?? LATEST),
      condition,
      approximateInvokeCount: invocations,
    },
    requestPayload: parsed(payload),
    ...(response
      ? {
          responseContext: {
            statusCode: 200,
            executedVersion: response.executedVersion,
            ...(response.functionError === undefined ? {} : { functionError: response.functionError }),
          },
          responsePayload: parsed(Buffer.from(response.payload).toString('utf8')),
        }
      : {}),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `aws/lambda/async/NAME/2026/11/23/2026-11-23T04.45.00-UUID` */
function objectKey(name: string, nowMs: number): string {
  const [day, time] = new Date(nowMs).toISOString().slice(0, 19).split('T') as [string, string];
  return `aws/lambda/async/${name}/${day.replaceAll('-', '/')}/${day}T${time.replaceAll(':', '.')}-${uuid()}`;
}
