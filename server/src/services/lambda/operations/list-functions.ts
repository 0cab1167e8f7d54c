// ListFunctions and ListVersionsByFunction: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html

import type {
  ListFunctionsRequest,
  ListFunctionsResponse,
  ListVersionsByFunctionRequest,
  ListVersionsByFunctionResponse,
} from '@aws-sdk/client-lambda';
import type { Scope } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { showListedConfiguration } from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS, VERSIONS, type VersionDocument, versionKey } from '../documents.ts';
import { LATEST, readFunctionName } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';

/** Clients may ask for up to 10,000, but get no more than this at once. */
const LARGEST_PAGE = 50;

interface Listed {
  name: string;
  version: VersionDocument;
  /** Where a list goes on after it. */
  marker: string;
}

export function listFunctions({ state }: LambdaDependencies) {
  return async (input: ListFunctionsRequest, context: RequestContext): Promise<ListFunctionsResponse> => {
    checkConstraints([
      { at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 },
      { at: 'functionVersion', value: input.FunctionVersion, oneOf: ['ALL'] },
      { at: 'masterRegion', value: input.MasterRegion, pattern: /ALL|[a-z]{2}(-gov)?-[a-z]+-\d{1}/ },
    ]);
    const limit = Math.min(input.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const scope = { account: context.account, region: context.region };
    const after = input.Marker ? readMarker(input.Marker) : undefined;
    const all = input.FunctionVersion === 'ALL';
    const found = await list({ state }, scope, after, all, limit + 1);
    const page = found.slice(0, limit);
    return {
      Functions: page.map(({ name, version }) =>
        showListedConfiguration({ scope, name }, version, all ? version.version : undefined),
      ),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.marker) } : {}),
    };
  };
}

/** Functions after a marker, each followed by its versions when `all` are wanted. */
async function list(
  { state }: Pick<LambdaDependencies, 'state'>,
  scope: Scope,
  after: string | undefined,
  all: boolean,
  limit: number,
): Promise<Listed[]> {
  const listed: Listed[] = [];
  const colon = after?.indexOf(':') ?? -1;
  const lastFunction = colon < 0 ? after : after!.slice(0, colon);
  const addVersions = async (name: string, afterKey?: string) => {
    const versions = await state.documents.range(VERSIONS, scope, {
      prefix: `${name}:`,
      limit: limit - listed.length,
      ...(afterKey === undefined ? {} : { after: afterKey }),
    });
    listed.push(...versions.map(({ key, value }) => ({ name, version: value, marker: key })));
  };
  if (all && lastFunction !== undefined) await addVersions(lastFunction, colon < 0 ? undefined : after);
  const functions = await state.documents.range(FUNCTIONS, scope, {
    limit,
    ...(lastFunction === undefined ? {} : { after: lastFunction }),
  });
  for (const { key, value } of functions) {
    if (listed.length >= limit) break;
    listed.push({ name: key, version: value.latest, marker: key });
    if (all && listed.length < limit) await addVersions(key);
  }
  return listed;
}

export function listVersionsByFunction({ table, state }: LambdaDependencies) {
  return async (
    input: ListVersionsByFunctionRequest,
    context: RequestContext,
  ): Promise<ListVersionsByFunctionResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 }]);
    const reference = readFunctionName(input.FunctionName!, context);
    const { latest } = await table.get(reference);
    const limit = Math.min(input.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const after = input.Marker ? readMarker(input.Marker) : undefined;
    const published = await state.documents.range(VERSIONS, reference.scope, {
      prefix: `${reference.name}:`,
      limit: limit + 1,
      ...(after === undefined || after === LATEST ? {} : { after: versionKey(reference.name, after) }),
    });
    const found = [...(after === undefined ? [latest] : []), ...published.map(({ value }) => value)];
    const page = found.slice(0, limit);
    return {
      Versions: page.map((version) => showListedConfiguration(reference, version, version.version)),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.version) } : {}),
    };
  };
}
