// The call that a target ARN stands for.

import { type Arn, parseArn } from '#core/arn.ts';
import { type Caller, type OperationCall, serviceCaller } from '#core/caller.ts';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { DeliveryAttribute, DeliveryRequest } from './delivery.ts';

/** Invokes the target once; throws AwsError as the target's operation does. */
export async function invokeTarget(call: OperationCall, request: DeliveryRequest, requestId: string): Promise<void> {
  const arn = parseArn(request.targetArn);
  if (!arn) throw new AwsError('InvalidParameterException', `Invalid target ARN: ${request.targetArn}`);
  const caller = serviceCaller(
    request.sourceService,
    {
      account: request.sourceAccount,
      region: arn.region || request.region,
      sourceArn: request.sourceArn,
      traceHeader: request.traceHeader,
    },
    requestId,
  );
  await invocationOf(arn, request, call, caller, requestId);
}

function invocationOf(
  arn: Arn,
  request: DeliveryRequest,
  call: OperationCall,
  caller: Caller,
  requestId: string,
): Promise<unknown> {
  switch (arn.service) {
    case 'lambda':
      return call(
        'lambda',
        'Invoke',
        { FunctionName: request.targetArn, InvocationType: 'Event', Payload: Buffer.from(request.payload) },
        caller,
      );
    case 'sqs':
      return call('sqs', 'SendMessage', sqsMessage(arn, request), caller);
    case 'sns':
      return call(
        'sns',
        'Publish',
        {
          TopicArn: request.targetArn,
          Message: request.payload,
          ...(request.subject === undefined ? {} : { Subject: request.subject }),
          ...(request.messageAttributes ? { MessageAttributes: sdkAttributes(request.messageAttributes) } : {}),
        },
        caller,
      );
    case 's3':
      return call(
        's3',
        'PutObject',
        {
          Bucket: arn.resource,
          Key: request.objectKey ?? requestId,
          Body: Buffer.from(request.payload),
          ContentType: 'application/json',
        },
        { ...caller, region: request.region },
      );
    default:
      throw notImplemented('delivery', `to ${arn.service} targets (${request.targetArn})`);
  }
}

function sqsMessage(arn: Arn, request: DeliveryRequest) {
  return {
    // SQS reads account and name off the path; the host is of no account in process.
    QueueUrl: `http://sqs/${arn.account}/${arn.resource}`,
    MessageBody: request.payload,
    ...(request.messageAttributes ? { MessageAttributes: sdkAttributes(request.messageAttributes) } : {}),
    ...(request.messageGroupId === undefined ? {} : { MessageGroupId: request.messageGroupId }),
    ...(request.messageDeduplicationId === undefined ? {} : { MessageDeduplicationId: request.messageDeduplicationId }),
    ...(request.traceHeader === undefined
      ? {}
      : {
          MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: request.traceHeader } },
        }),
  };
}

function sdkAttributes(attributes: Record<string, DeliveryAttribute>) {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValueBase64 }]) => [
      name,
      BinaryValueBase64 === undefined
        ? { DataType, StringValue }
        : { DataType, BinaryValue: Buffer.from(BinaryValueBase64, 'base64') },
    ]),
  );
}
