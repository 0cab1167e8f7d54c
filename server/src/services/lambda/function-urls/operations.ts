// Create, Get, Update, Delete and ListFunctionUrlConfig(s):
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html

import type {
  Cors,
  CreateFunctionUrlConfigRequest,
  CreateFunctionUrlConfigResponse,
  DeleteFunctionUrlConfigRequest,
  FunctionUrlConfig,
  GetFunctionUrlConfigRequest,
  GetFunctionUrlConfigResponse,
  ListFunctionUrlConfigsRequest,
  ListFunctionUrlConfigsResponse,
  UpdateFunctionUrlConfigRequest,
  UpdateFunctionUrlConfigResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { randomCharacters } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { type FunctionReference, functionArn, readFunctionName } from '../function-name.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { refuseTenancy } from '../tenancy.ts';
import { type CorsDocument, EVERYWHERE, FUNCTION_URLS, type FunctionUrlDocument, URL_OWNERS } from './documents.ts';

const QUALIFIER = /((?!^\d+$)^[0-9a-zA-Z-_]+$)/;
const ANY = /.*/;
const ID_CHARACTERS = 'abcdefghijklmnopqrstuvwxyz234567';
const LARGEST_PAGE = 50;
const USER = { fields: { Type: 'User' } };

export function createFunctionUrlConfig({ table, clock, config }: LambdaDependencies) {
  return async (
    input: CreateFunctionUrlConfigRequest,
    context: RequestContext,
  ): Promise<CreateFunctionUrlConfigResponse> => {
    const reference = readOwner(input, context);
    checkUrl(input);
    await checkFunction({ table }, reference);
    refuseTenancy((await table.get(reference)).latest, 'Function URL');
    const nowMs = clock.now();
    const { scope } = reference;
    const document: FunctionUrlDocument = {
      urlId: randomCharacters(ID_CHARACTERS, 32),
      ...(reference.qualifier === undefined ? {} : { qualifier: reference.qualifier }),
      authType: input.AuthType!,
      invokeMode: input.InvokeMode ?? 'BUFFERED',
      ...(input.Cors ? { cors: readCors(input.Cors) } : {}),
      createdAtMs: nowMs,
      modifiedAtMs: nowMs,
    };
    await table.write(reference, async (_, tx) => {
      const key = keyOf(reference);
      if (await tx.documents.get(FUNCTION_URLS, scope, key)) {
        throw new AwsError(
          'ResourceConflictException',
          `Failed to create function url config for [functionArn = ${functionArn(reference, reference.qualifier)}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
          USER,
        );
      }
      await tx.documents.put(FUNCTION_URLS, scope, key, document);
      await tx.documents.put(URL_OWNERS, EVERYWHERE, document.urlId, { ...scope, key });
    });
    const { LastModifiedTime: _, ...shown } = showChanged(input, show(reference, document, config.port));
    return shown;
  };
}

export function getFunctionUrlConfig({ state, config }: LambdaDependencies) {
  return async (input: GetFunctionUrlConfigRequest, context: RequestContext): Promise<GetFunctionUrlConfigResponse> => {
    const reference = readOwner(input, context);
    const document = await state.documents.get(FUNCTION_URLS, reference.scope, keyOf(reference));
    if (!document) throw absent();
    return show(reference, document, config.port);
  };
}

export function updateFunctionUrlConfig({ table, clock, config }: LambdaDependencies) {
  return async (
    input: UpdateFunctionUrlConfigRequest,
    context: RequestContext,
  ): Promise<UpdateFunctionUrlConfigResponse> => {
    const reference = readOwner(input, context);
    checkUrl(input);
    await checkFunction({ table }, reference);
    const document = await table.write(reference, async (_, tx) => {
      const before = await tx.documents.get(FUNCTION_URLS, reference.scope, keyOf(reference));
      if (!before) throw absent();
      const after: FunctionUrlDocument = {
        ...before,
        authType: input.AuthType ?? before.authType,
        invokeMode: input.InvokeMode ?? before.invokeMode,
        ...(input.Cors ? { cors: readCors(input.Cors) } : {}),
        modifiedAtMs: clock.now(),
      };
      await tx.documents.put(FUNCTION_URLS, reference.scope, keyOf(reference), after);
      return after;
    });
    return showChanged(input, show(reference, document, config.port));
  };
}

export function deleteFunctionUrlConfig({ table }: LambdaDependencies) {
  return async (input: DeleteFunctionUrlConfigRequest, context: RequestContext): Promise<object> => {
    const reference = readOwner(input, context);
    if (!(await table.find(reference.scope, reference.name))) throw absent();
    await table.write(reference, async (_, tx) => {
      const document = await tx.documents.get(FUNCTION_URLS, reference.scope, keyOf(reference));
      if (!document) throw absent();
      await tx.documents.delete(FUNCTION_URLS, reference.scope, keyOf(reference));
      await tx.documents.delete(URL_OWNERS, EVERYWHERE, document.urlId);
    });
    return {};
  };
}

export function listFunctionUrlConfigs({ table, state, config }: LambdaDependencies) {
  return async (
    input: ListFunctionUrlConfigsRequest,
    context: RequestContext,
  ): Promise<ListFunctionUrlConfigsResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 50 }]);
    const { scope, name } = readFunctionName(input.FunctionName!, context, { namespaced: false });
    await checkFunction({ table }, { scope, name });
    const limit = input.MaxItems ?? LARGEST_PAGE;
    const own = await state.documents.get(FUNCTION_URLS, scope, name);
    const ofAliases = await state.documents.range(FUNCTION_URLS, scope, { prefix: `${name}:` });
    const after = input.Marker ? readMarker(input.Marker) : undefined;
    const found = [...(own ? [own] : []), ...ofAliases.map(({ value }) => value)].filter(
      ({ qualifier = '' }) => after === undefined || qualifier > after,
    );
    const page = found.slice(0, limit);
    return {
      FunctionUrlConfigs: page.map((document) => show({ scope, name }, document, config.port)),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.qualifier ?? '') } : {}),
    };
  };
}

/** A function or an alias: neither versions nor $LATEST have URLs. */
function readOwner(
  input: { FunctionName?: string | undefined; Qualifier?: string | undefined },
  context: RequestContext,
): FunctionReference {
  checkConstraints([{ at: 'qualifier', value: input.Qualifier, min: 1, max: 128, pattern: QUALIFIER }]);
  const reference = readFunctionName(input.FunctionName!, context, { qualifier: input.Qualifier, namespaced: false });
  checkConstraints([{ at: 'qualifier', value: reference.qualifier, min: 1, max: 128, pattern: QUALIFIER }]);
  return reference;
}

async function checkFunction(
  { table }: Pick<LambdaDependencies, 'table'>,
  reference: FunctionReference,
): Promise<void> {
  if (await table.isThere(reference)) return;
  throw new AwsError('ResourceNotFoundException', 'Function does not exist', USER);
}

function checkUrl({
  AuthType,
  Cors,
  InvokeMode,
}: Pick<UpdateFunctionUrlConfigRequest, 'AuthType' | 'Cors' | 'InvokeMode'>): void {
  checkConstraints([
    { at: 'authType', value: AuthType, oneOf: ['NONE', 'AWS_IAM'] },
    { at: 'invokeMode', value: InvokeMode, oneOf: ['RESPONSE_STREAM', 'BUFFERED'] },
    { at: 'cors.maxAge', value: Cors?.MaxAge, min: 0, max: 86_400 },
    { at: 'cors.allowMethods', values: Cors?.AllowMethods, max: 6, each: { max: 6, pattern: ANY } },
    { at: 'cors.allowOrigins', values: Cors?.AllowOrigins, max: 100, each: { max: 253, min: 1, pattern: ANY } },
    { at: 'cors.allowHeaders', values: Cors?.AllowHeaders, max: 100, each: { max: 1_024, pattern: ANY } },
    { at: 'cors.exposeHeaders', values: Cors?.ExposeHeaders, max: 100, each: { max: 1_024, pattern: ANY } },
  ]);
}

function readCors(cors: Cors): CorsDocument {
  return {
    ...(cors.AllowCredentials === undefined ? {} : { allowCredentials: cors.AllowCredentials }),
    ...(cors.AllowHeaders?.length ? { allowHeaders: cors.AllowHeaders } : {}),
    ...(cors.AllowMethods?.length ? { allowMethods: cors.AllowMethods } : {}),
    ...(cors.AllowOrigins?.length ? { allowOrigins: cors.AllowOrigins } : {}),
    ...(cors.ExposeHeaders?.length ? { exposeHeaders: cors.ExposeHeaders } : {}),
    ...(cors.MaxAge === undefined ? {} : { maxAgeS: cors.MaxAge }),
  };
}

function showCors(cors: CorsDocument): Cors {
  return {
    ...(cors.allowCredentials === undefined ? {} : { AllowCredentials: cors.allowCredentials }),
    ...(cors.allowHeaders ? { AllowHeaders: cors.allowHeaders } : {}),
    ...(cors.allowMethods ? { AllowMethods: cors.allowMethods } : {}),
    ...(cors.allowOrigins ? { AllowOrigins: cors.allowOrigins } : {}),
    ...(cors.exposeHeaders ? { ExposeHeaders: cors.exposeHeaders } : {}),
    ...(cors.maxAgeS === undefined ? {} : { MaxAge: cors.maxAgeS }),
  };
}

function show(
  reference: Pick<FunctionReference, 'scope' | 'name'>,
  document: FunctionUrlDocument,
  port: number,
): FunctionUrlConfig {
  return {
    FunctionUrl: `http://${document.urlId}.lambda-url.${reference.scope.region}.localhost:${port}/`,
    FunctionArn: functionArn(reference, document.qualifier),
    AuthType: document.authType,
    ...(document.cors ? { Cors: showCors(document.cors) } : {}),
    CreationTime: showTime(document.createdAtMs),
    LastModifiedTime: showTime(document.modifiedAtMs),
    InvokeMode: document.invokeMode,
  };
}

/** AWS tells the mode to those who set it, and to those who ask. */
function showChanged<T extends FunctionUrlConfig>(
  input: Pick<UpdateFunctionUrlConfigRequest, 'InvokeMode'>,
  { InvokeMode, ...shown }: T,
) {
  return { ...shown, ...(input.InvokeMode === undefined ? {} : { InvokeMode }) };
}

function showTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}

export function keyOf({ name, qualifier }: Pick<FunctionReference, 'name' | 'qualifier'>): string {
  return qualifier === undefined ? name : `${name}:${qualifier}`;
}

function absent(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', USER);
}
