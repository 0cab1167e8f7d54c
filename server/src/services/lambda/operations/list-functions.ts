// ListFunctions and ListVersionsByFunction: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html

import type {
  ListFunctionsRequest,
  ListFunctionsResponse,
  ListVersionsByFunctionRequest,
  ListVersionsByFunctionResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { showListedConfiguration } from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS } from '../documents.ts';
import { LATEST, readFunctionName } from '../function-name.ts';

/** Clients may ask for up to 10,000, but get no more than this at once. */
const LARGEST_PAGE = 50;

export function listFunctions({ state }: LambdaDependencies) {
  return async (input: ListFunctionsRequest, context: RequestContext): Promise<ListFunctionsResponse> => {
    checkConstraints([
      { at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 },
      { at: 'functionVersion', value: input.FunctionVersion, oneOf: ['ALL'] },
      { at: 'masterRegion', value: input.MasterRegion, pattern: /ALL|[a-z]{2}(-gov)?-[a-z]+-\d{1}/ },
    ]);
    const limit = Math.min(input.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const scope = { account: context.account, region: context.region };
    const found = await state.documents.range(FUNCTIONS, scope, {
      ...(input.Marker ? { after: readMarker(input.Marker) } : {}),
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    return {
      Functions: page.map(({ key, value }) =>
        showListedConfiguration({ scope, name: key }, value.latest, input.FunctionVersion ? LATEST : undefined),
      ),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

export function listVersionsByFunction({ table }: LambdaDependencies) {
  return async (
    input: ListVersionsByFunctionRequest,
    context: RequestContext,
  ): Promise<ListVersionsByFunctionResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 }]);
    const reference = readFunctionName(input.FunctionName!, context);
    const { latest } = await table.get(reference);
    return { Versions: input.Marker ? [] : [showListedConfiguration(reference, latest, LATEST)] };
  };
}

function makeMarker(name: string): string {
  return Buffer.from(name).toString('base64url');
}

function readMarker(marker: string): string {
  const name = Buffer.from(marker, 'base64url').toString();
  if (makeMarker(name) === marker) return name;
  throw new AwsError('InvalidParameterValueException', `Invalid marker: ${marker}`);
}
