// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutDestination.html

import type {
  DeleteDestinationRequest,
  DescribeDestinationsRequest,
  DescribeDestinationsResponse,
  Destination,
  PutDestinationPolicyRequest,
  PutDestinationRequest,
  PutDestinationResponse,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type { LogScope } from '#engines/logs/log-group.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, DESCRIBE_LIMIT, invalidParameter } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';
import { checkPolicyText } from '../policy-text.ts';
import { checkTarget } from '../subscriptions/destination.ts';
import { DESTINATIONS, type DestinationDocument, destinationArn } from '../subscriptions/documents.ts';
import { checkTags } from '../tags.ts';

const DESTINATION_NAME = { min: 1, max: 512, pattern: '[^:*]*' };
const LARGEST_POLICY_BYTES = 5_120;
const DEFAULT_LIMIT = 50;

export function putDestination(logs: Logs): Handler<PutDestinationRequest, PutDestinationResponse> {
  return async (input, context) => {
    const destinationName = input.destinationName!;
    const targetArn = input.targetArn!;
    const roleArn = input.roleArn!;
    const { tags } = input;
    new Constraints()
      .text('destinationName', destinationName, DESTINATION_NAME)
      .text('targetArn', targetArn, { min: 1 })
      .text('roleArn', roleArn, { min: 1 })
      .check();
    checkTags(tags);
    await checkTarget(logs.sharing, context, destinationArn(context, destinationName), targetArn);
    const document = await logs.sharing.state.transact(async (tx) => {
      const existing = await tx.documents.get(DESTINATIONS, context, destinationName);
      const next: DestinationDocument = {
        tags: tags ?? {},
        createdAtMs: logs.clock.now(),
        ...existing,
        name: destinationName,
        targetArn,
        roleArn,
      };
      await tx.documents.put(DESTINATIONS, context, destinationName, next);
      return next;
    });
    return { destination: describe(context, document) };
  };
}

export function putDestinationPolicy({ sharing }: Logs): Handler<PutDestinationPolicyRequest, object> {
  return async (input, context) => {
    const destinationName = input.destinationName!;
    const accessPolicy = input.accessPolicy!;
    new Constraints()
      .text('destinationName', destinationName, DESTINATION_NAME)
      .text('accessPolicy', accessPolicy, { min: 1 })
      .check();
    checkPolicyText(accessPolicy, 'accessPolicy', LARGEST_POLICY_BYTES);
    const found = await sharing.state.transact(async (tx) => {
      const document = await tx.documents.get(DESTINATIONS, context, destinationName);
      if (!document) return false;
      await tx.documents.put(DESTINATIONS, context, destinationName, { ...document, accessPolicy });
      return true;
    });
    // The operation has no ResourceNotFoundException.
    if (!found) throw invalidParameter('The specified destination does not exist.');
    return {};
  };
}

export function describeDestinations({
  sharing,
}: Logs): Handler<DescribeDestinationsRequest, DescribeDestinationsResponse> {
  return async ({ DestinationNamePrefix: prefix, limit, nextToken }, context) => {
    new Constraints()
      .text('destinationNamePrefix', prefix, DESTINATION_NAME)
      .number('limit', limit, DESCRIBE_LIMIT)
      .check();
    const options = prefix === undefined ? {} : { prefix };
    const all = await sharing.state.documents.range(DESTINATIONS, context, options);
    const { page, nextToken: next } = pageByName(all, ({ key }) => key, limit ?? DEFAULT_LIMIT, nextToken);
    return { destinations: page.map(({ value }) => describe(context, value)), ...(next && { nextToken: next }) };
  };
}

export function deleteDestination({ sharing }: Logs): Handler<DeleteDestinationRequest, object> {
  return async ({ destinationName }, context) => {
    new Constraints().text('destinationName', destinationName, DESTINATION_NAME).check();
    if (!(await sharing.state.transact((tx) => tx.documents.delete(DESTINATIONS, context, destinationName!)))) {
      throw new AwsError('ResourceNotFoundException', 'The specified destination does not exist.');
    }
    return {};
  };
}

function describe(scope: LogScope, document: DestinationDocument): Destination {
  const { name, targetArn, roleArn, accessPolicy, createdAtMs } = document;
  return {
    destinationName: name,
    targetArn,
    roleArn,
    ...(accessPolicy !== undefined && { accessPolicy }),
    arn: destinationArn(scope, name),
    creationTime: createdAtMs,
  };
}
