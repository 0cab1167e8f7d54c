// TagResource, UntagResource, ListTags: https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html

import type {
  ListTagsRequest,
  ListTagsResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-lambda';
import { AwsError, notImplemented } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { changeMappingTags, mappingIdOf, mappingTags } from '../event-source-mappings/tags.ts';
import { type FunctionReference, readFunctionName } from '../function-name.ts';
import { changeProviderTags, isCapacityProvider, providerTags } from '../managed/tags.ts';
import { checkTags } from '../tags.ts';

const TAGGABLE =
  /arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)/;

export function tagResource({ table, state }: LambdaDependencies) {
  return async (input: TagResourceRequest, context: RequestContext): Promise<object> => {
    const ofMapping = isMapping(input.Resource!);
    if (Object.keys(input.Tags!).length === 0) {
      throw new AwsError('InvalidParameterValueException', 'An error occurred and the request cannot be processed.');
    }
    const withNew = (current: Record<string, string>) => {
      const tags = { ...current, ...input.Tags };
      checkTags(tags);
      return tags;
    };
    if (ofMapping) {
      await changeMappingTags(state, input.Resource!, withNew);
      return {};
    }
    if (isCapacityProvider(input.Resource!)) {
      await changeProviderTags(state, input.Resource!, withNew);
      return {};
    }
    const reference = readTaggable('TagResource', input.Resource!, context);
    await table.update(reference, (document) => ({ ...document, tags: withNew(document.tags) }));
    return {};
  };
}

export function untagResource({ table, state }: LambdaDependencies) {
  return async (input: UntagResourceRequest, context: RequestContext): Promise<object> => {
    const gone = new Set(input.TagKeys);
    const without = (tags: Record<string, string>) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key)));
    if (isMapping(input.Resource!)) {
      await changeMappingTags(state, input.Resource!, without);
      return {};
    }
    if (isCapacityProvider(input.Resource!)) {
      await changeProviderTags(state, input.Resource!, without);
      return {};
    }
    const reference = readTaggable('UntagResource', input.Resource!, context);
    await table.update(reference, (document) => ({ ...document, tags: without(document.tags) }));
    return {};
  };
}

export function listTags({ table, state }: LambdaDependencies) {
  return async (input: ListTagsRequest, context: RequestContext): Promise<ListTagsResponse> => {
    if (isMapping(input.Resource!)) return { Tags: await mappingTags(state, input.Resource!) };
    if (isCapacityProvider(input.Resource!)) return { Tags: await providerTags(state, input.Resource!) };
    const reference = readTaggable('ListTags', input.Resource!, context);
    return { Tags: (await table.get(reference)).tags };
  };
}

function isMapping(arn: string): boolean {
  checkConstraints([{ at: 'resource', value: arn, min: 1, max: 256, pattern: TAGGABLE }]);
  return mappingIdOf(arn) !== undefined;
}

function readTaggable(operation: string, arn: string, context: RequestContext): FunctionReference {
  if (!arn.includes(':function:')) throw notImplemented(operation, `the resource ${arn}`);
  const reference = readFunctionName(arn, context);
  if (reference.qualifier !== undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      'Tags on function aliases and versions are not supported. Please specify a function ARN.',
    );
  }
  return reference;
}
