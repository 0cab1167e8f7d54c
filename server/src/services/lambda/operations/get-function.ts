// GetFunction and GetFunctionConfiguration: https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html

import type {
  FunctionConfiguration,
  GetFunctionConfigurationRequest,
  GetFunctionRequest,
  GetFunctionResponse,
} from '@aws-sdk/client-lambda';
import type { RequestContext } from '#wire/service.ts';
import { showConfiguration } from '../configuration.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { readFunctionName } from '../function-name.ts';
import { showDirectory } from '../hot-reload.ts';

export function getFunction({ table, locations }: LambdaDependencies) {
  return async (input: GetFunctionRequest, context: RequestContext): Promise<GetFunctionResponse> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    const { document, version } = await table.resolve(reference);
    const { tags, reservedConcurrency } = document;
    return {
      Configuration: showConfiguration(reference, version, reference.qualifier),
      Code: version.image
        ? { RepositoryType: 'ECR', ImageUri: version.image.uri, ResolvedImageUri: version.image.resolvedUri }
        : {
            RepositoryType: 'S3',
            Location:
              version.code.directory === undefined
                ? locations.url(context.endpoint, version.code.objectId)
                : showDirectory(version.code.directory),
          },
      ...(Object.keys(tags).length > 0 ? { Tags: tags } : {}),
      ...(reservedConcurrency === undefined
        ? {}
        : { Concurrency: { ReservedConcurrentExecutions: reservedConcurrency } }),
    };
  };
}

export function getFunctionConfiguration({ table }: LambdaDependencies) {
  return async (input: GetFunctionConfigurationRequest, context: RequestContext): Promise<FunctionConfiguration> => {
    const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier });
    const { version } = await table.resolve(reference);
    return showConfiguration(reference, version, reference.qualifier);
  };
}
