// TagResource, UntagResource, ListTags: https://docs.aws.amazon.com/lambda/latest/api/API_TagResource.html

import type {
  ListTagsRequest,
  ListTagsResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { changeCodeSigningTags, codeSigningTags, isCodeSigningConfig } from '../code-signing/tags.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { changeMappingTags, mappingIdOf, mappingTags } from '../event-source-mappings/tags.ts';
import { type FunctionReference, readFunctionName } from '../function-name.ts';
import { changeProviderTags, isCapacityProvider, providerTags } from '../managed/tags.ts';
import { checkTags } from '../tags.ts';

const TAGGABLE =
  /arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)/;

/** What has tags beside functions, told by its ARN. */
const HOLDERS = [
  { holds: (arn: string) => mappingIdOf(arn) !== undefined, tags: mappingTags, change: changeMappingTags },
  { holds: isCapacityProvider, tags: providerTags, change: changeProviderTags },
  { holds: isCodeSigningConfig, tags: codeSigningTags, change: changeCodeSigningTags },
];

export function tagResource(dependencies: LambdaDependencies) {
  return async (input: TagResourceRequest, context: RequestContext): Promise<object> => {
    checkArn(input.Resource!);
    if (Object.keys(input.Tags!).length === 0) {
      throw new AwsError('InvalidParameterValueException', 'An error occurred and the request cannot be processed.');
    }
    await changeTags(dependencies, input.Resource!, context, (current) => {
      const tags = { ...current, ...input.Tags };
      checkTags(tags);
      return tags;
    });
    return {};
  };
}

export function untagResource(dependencies: LambdaDependencies) {
  return async (input: UntagResourceRequest, context: RequestContext): Promise<object> => {
    checkArn(input.Resource!);
    const gone = new Set(input.TagKeys);
    await changeTags(dependencies, input.Resource!, context, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))),
    );
    return {};
  };
}

export function listTags({ table, state }: LambdaDependencies) {
  return async (input: ListTagsRequest, context: RequestContext): Promise<ListTagsResponse> => {
    const arn = input.Resource!;
    checkArn(arn);
    const holder = HOLDERS.find(({ holds }) => holds(arn));
    return { Tags: holder ? await holder.tags(state, arn) : (await table.get(readFunction(arn, context))).tags };
  };
}

async function changeTags(
  { table, state }: LambdaDependencies,
  arn: string,
  context: RequestContext,
  change: (tags: Record<string, string>) => Record<string, string>,
): Promise<void> {
  const holder = HOLDERS.find(({ holds }) => holds(arn));
  if (holder) await holder.change(state, arn, change);
  else await table.update(readFunction(arn, context), (document) => ({ ...document, tags: change(document.tags) }));
}

function checkArn(arn: string): void {
  checkConstraints([{ at: 'resource', value: arn, min: 1, max: 256, pattern: TAGGABLE }]);
}

function readFunction(arn: string, context: RequestContext): FunctionReference {
  const reference = readFunctionName(arn, context);
  if (reference.qualifier !== undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      'Tags on function aliases and versions are not supported. Please specify a function ARN.',
    );
  }
  return reference;
}
