// The copy that a dead-letter queue gets of what could not be delivered.

import type { DeliveryAttribute, DeliveryRequest } from './delivery.ts';
import type { ExhaustedCondition } from './retry.ts';

/** SQS takes at most ten attributes on a message. */
const MAX_ATTRIBUTES = 10;
const MAX_ERROR_MESSAGE = 1_024;

export interface Failure {
  code: string;
  message: string;
  attempts: number;
  condition: ExhaustedCondition | undefined;
}

/**
 * The request to the dead-letter queue. SNS sends what its subscriber would have got, nothing added; everyone else gets
 * EventBridge's attributes. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
export function deadLetterRequest(request: DeliveryRequest, deadLetterArn: string, failure: Failure): DeliveryRequest {
  const own = request.messageAttributes ?? {};
  const attributes =
    request.sourceService === 'sns.amazonaws.com' ? own : { ...failureAttributes(request, failure), ...own };
  return {
    targetArn: deadLetterArn,
    payload: request.deadLetterPayload ?? request.payload,
    sourceService: request.sourceService,
    sourceArn: request.sourceArn,
    sourceAccount: request.sourceAccount,
    region: request.region,
    messageAttributes: Object.fromEntries(Object.entries(attributes).slice(0, MAX_ATTRIBUTES)),
    ...(request.messageGroupId === undefined ? {} : { messageGroupId: request.messageGroupId }),
    ...(request.messageDeduplicationId === undefined ? {} : { messageDeduplicationId: request.messageDeduplicationId }),
    ...(request.traceHeader === undefined ? {} : { traceHeader: request.traceHeader }),
  };
}

function failureAttributes(request: DeliveryRequest, failure: Failure): Record<string, DeliveryAttribute> {
  const text = (value: string) => ({ DataType: 'String', StringValue: value });
  return {
    ...(request.sourceService === 'events.amazonaws.com' ? { RULE_ARN: text(request.sourceArn) } : {}),
    TARGET_ARN: text(request.targetArn),
    ERROR_CODE: text(failure.code),
    ERROR_MESSAGE: text(printable(failure.message) || failure.code),
    RETRY_ATTEMPTS: { DataType: 'Number', StringValue: String(failure.attempts - 1) },
    ...(failure.condition ? { EXHAUSTED_RETRY_CONDITION: text(failure.condition) } : {}),
  };
}

/** SQS refuses control characters in attribute values. */
function printable(message: string): string {
  return message.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, ' ').slice(0, MAX_ERROR_MESSAGE);
}
