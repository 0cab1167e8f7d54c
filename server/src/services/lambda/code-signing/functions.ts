// Put, Get and DeleteFunctionCodeSigningConfig, ListFunctionsByCodeSigningConfig, and what a configuration does to packages:
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html

import type {
  DeleteFunctionCodeSigningConfigRequest,
  GetFunctionCodeSigningConfigRequest,
  GetFunctionCodeSigningConfigResponse,
  ListFunctionsByCodeSigningConfigRequest,
  ListFunctionsByCodeSigningConfigResponse,
  PutFunctionCodeSigningConfigRequest,
  PutFunctionCodeSigningConfigResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { Meter } from '#core/meter.ts';
import type { DocumentReader } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS } from '../documents.ts';
import { type FunctionReference, functionArn, readUnqualifiedName } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { notFound, readId, scopeOf } from './configs.ts';
import { CODE_SIGNING_CONFIGS } from './documents.ts';

const LARGEST_PAGE = 50;
const USER = { fields: { Type: 'User' } };

export function putFunctionCodeSigningConfig({ table, state }: LambdaDependencies) {
  return async (
    input: PutFunctionCodeSigningConfigRequest,
    context: RequestContext,
  ): Promise<PutFunctionCodeSigningConfigResponse> => {
    const reference = readUnqualifiedName(input.FunctionName!, context);
    const arn = input.CodeSigningConfigArn!;
    const id = readId(arn);
    // A configuration that is gone is told before a function that is.
    await checkConfigThere(state.documents, arn, id, context);
    await table.update(reference, async (document, tx) => {
      await checkConfigThere(tx.documents, arn, id, context);
      return { ...document, codeSigningConfigArn: arn };
    });
    return { CodeSigningConfigArn: arn, FunctionName: reference.name };
  };
}

export function getFunctionCodeSigningConfig({ table }: LambdaDependencies) {
  return async (
    input: GetFunctionCodeSigningConfigRequest,
    context: RequestContext,
  ): Promise<Partial<GetFunctionCodeSigningConfigResponse>> => {
    const reference = readUnqualifiedName(input.FunctionName!, context);
    const { codeSigningConfigArn } = await table.get(reference);
    if (codeSigningConfigArn === undefined) return {};
    return { CodeSigningConfigArn: codeSigningConfigArn, FunctionName: reference.name };
  };
}

export function deleteFunctionCodeSigningConfig({ table }: LambdaDependencies) {
  return async (input: DeleteFunctionCodeSigningConfigRequest, context: RequestContext): Promise<object> => {
    const reference = readUnqualifiedName(input.FunctionName!, context);
    await table.update(reference, ({ codeSigningConfigArn: _, ...document }) => document);
    return {};
  };
}

export function listFunctionsByCodeSigningConfig({ state }: LambdaDependencies) {
  return async (
    input: ListFunctionsByCodeSigningConfigRequest,
    context: RequestContext,
  ): Promise<ListFunctionsByCodeSigningConfigResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 }]);
    const arn = input.CodeSigningConfigArn!;
    const scope = scopeOf(context);
    if (!(await state.documents.get(CODE_SIGNING_CONFIGS, scope, readId(arn)))) throw notFound(arn);
    const limit = Math.min(input.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const after = input.Marker ? readMarker(input.Marker) : undefined;
    const functions = await state.documents.range(FUNCTIONS, scope, after === undefined ? {} : { after });
    const found = functions.filter(({ value }) => value.codeSigningConfigArn === arn);
    const page = found.slice(0, limit);
    return {
      FunctionArns: page.map(({ key }) => functionArn({ scope, name: key })),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

/** Throws CodeSigningConfigNotFoundException. */
export async function checkConfigThere(
  documents: DocumentReader,
  arn: string,
  id: string,
  context: RequestContext,
): Promise<void> {
  if (await documents.get(CODE_SIGNING_CONFIGS, scopeOf(context), id)) return;
  throw new AwsError(
    'CodeSigningConfigNotFoundException',
    `The code signing configuration cannot be found. Check that the provided configuration is not deleted: ${arn}.`,
    USER,
  );
}

/** No package here is signed: where signatures are enforced, none may be deployed. Throws CodeVerificationFailedException. */
export async function checkSignature(
  { state, meter }: { state: { documents: DocumentReader }; meter: Meter },
  reference: FunctionReference,
  arn: string | undefined,
): Promise<void> {
  if (arn === undefined) return;
  const document = await state.documents.get(CODE_SIGNING_CONFIGS, reference.scope, readId(arn));
  if (!document) return;
  meter.record(reference.scope, {
    namespace: 'AWS/Lambda',
    metricName: 'SignatureValidationErrors',
    dimensions: [{}, { FunctionName: reference.name }],
    value: 1,
    unit: 'Count',
  });
  if (document.untrustedArtifacts !== 'Enforce') return;
  throw new AwsError(
    'CodeVerificationFailedException',
    `Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for ${reference.name}.`,
    USER,
  );
}
