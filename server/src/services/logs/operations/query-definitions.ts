// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeQueryDefinitions.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteQueryDefinition.html

import type {
  DeleteQueryDefinitionRequest,
  DeleteQueryDefinitionResponse,
  DescribeQueryDefinitionsRequest,
  DescribeQueryDefinitionsResponse,
  PutQueryDefinitionRequest,
  PutQueryDefinitionResponse,
  QueryParameter,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '#core/errors.ts';
import type {
  NewQueryDefinition,
  QueryDefinitionDocument,
  QueryParameter as StoredParameter,
} from '#engines/logs/queries/query-definition.ts';
import type { Handler } from '#wire/service.ts';
import { Constraints, invalidParameter, LOG_GROUP_NAME, QUERY_ID, QUERY_LANGUAGE } from '../constraints.ts';
import type { Logs } from '../logs.ts';
import { pageByName } from '../page-token.ts';

const NAME = { min: 1, max: 255 };
const MOST_PARAMETERS = 20;
const PARAMETER_NAME = { min: 1, max: 128, pattern: '^[a-zA-Z_][a-zA-Z0-9_]*' };
const DEFAULT_PAGE = 1000;

export function putQueryDefinition({
  insights: { definitions },
}: Logs): Handler<PutQueryDefinitionRequest, PutQueryDefinitionResponse> {
  return async (input, context) => {
    const { queryDefinitionId, logGroupNames, parameters = [], clientToken, queryLanguage = 'CWLI' } = input;
    const constraints = new Constraints()
      .text('queryLanguage', queryLanguage, QUERY_LANGUAGE)
      .text('name', input.name, NAME)
      .text('queryDefinitionId', queryDefinitionId, QUERY_ID)
      .list('logGroupNames', logGroupNames, {}, LOG_GROUP_NAME)
      .text('queryString', input.queryString, { min: 1, max: 10_000 })
      .text('clientToken', clientToken, { min: 36, max: 128, pattern: '\\S{36,128}' })
      .list(
        'parameters',
        parameters.map(({ name }) => name!),
        { max: MOST_PARAMETERS },
      );
    for (const [i, { name, defaultValue, description }] of parameters.entries()) {
      constraints
        .text(`parameters.${i + 1}.member.name`, name, PARAMETER_NAME)
        .text(`parameters.${i + 1}.member.defaultValue`, defaultValue, { max: 1024 })
        .text(`parameters.${i + 1}.member.description`, description, { max: 512 });
    }
    constraints.check();
    checkParameters(parameters, queryLanguage);
    const definition: NewQueryDefinition = {
      name: input.name!,
      queryString: input.queryString!,
      queryLanguage,
      ...(logGroupNames && logGroupNames.length > 0 && { logGroupNames }),
      ...(parameters.length > 0 && { parameters: parameters.map(toStored) }),
      ...(clientToken !== undefined && { clientToken }),
    };
    if (queryDefinitionId !== undefined) {
      if (!(await definitions.replace(context, queryDefinitionId, definition))) throw doesNotExist();
      return { queryDefinitionId };
    }
    const id = await definitions.create(context, definition);
    if (id === undefined) throw new AwsError('LimitExceededException', 'Resource limit exceeded.');
    return { queryDefinitionId: id };
  };
}

export function describeQueryDefinitions({
  insights: { definitions },
}: Logs): Handler<DescribeQueryDefinitionsRequest, DescribeQueryDefinitionsResponse> {
  return async ({ queryLanguage, queryDefinitionNamePrefix, maxResults = DEFAULT_PAGE, nextToken }, context) => {
    new Constraints()
      .text('queryLanguage', queryLanguage, QUERY_LANGUAGE)
      .text('queryDefinitionNamePrefix', queryDefinitionNamePrefix, NAME)
      .number('maxResults', maxResults, { min: 1, max: 1000 })
      .check();
    const found = (await definitions.list(context)).filter(
      (definition) =>
        definition.name.startsWith(queryDefinitionNamePrefix ?? '') &&
        (queryLanguage === undefined || definition.queryLanguage === queryLanguage),
    );
    const { page, nextToken: next } = pageByName(found, ({ name, id }) => `${name}\n${id}`, maxResults, nextToken);
    return { queryDefinitions: page.map(describe), ...(next !== undefined && { nextToken: next }) };
  };
}

export function deleteQueryDefinition({
  insights: { definitions },
}: Logs): Handler<DeleteQueryDefinitionRequest, DeleteQueryDefinitionResponse> {
  return async ({ queryDefinitionId }, context) => {
    new Constraints().text('queryDefinitionId', queryDefinitionId, QUERY_ID).check();
    if (!(await definitions.delete(context, queryDefinitionId!))) throw doesNotExist();
    return { success: true };
  };
}

function checkParameters(parameters: readonly QueryParameter[], queryLanguage: string): void {
  if (parameters.length === 0) return;
  if (queryLanguage !== 'CWLI') {
    throw invalidParameter('Query parameters are supported only for Logs Insights QL queries.');
  }
  const names = parameters.map(({ name }) => name);
  const repeated = names.find((name, i) => names.indexOf(name) < i);
  if (repeated !== undefined) throw invalidParameter(`The query parameter ${repeated} is given more than once.`);
}

function toStored({ name, defaultValue, description }: QueryParameter): StoredParameter {
  return {
    name: name!,
    ...(defaultValue !== undefined && { defaultValue }),
    ...(description !== undefined && { description }),
  };
}

function describe({ id, lastModifiedMs, clientToken: _, ...definition }: QueryDefinitionDocument) {
  return { queryDefinitionId: id, lastModified: lastModifiedMs, ...definition };
}

function doesNotExist(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified query definition does not exist.');
}
