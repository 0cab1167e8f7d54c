// Create, Get, Update, Delete and ListCodeSigningConfig(s):
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateCodeSigningConfig.html

import type {
  AllowedPublishers,
  CodeSigningConfig,
  CreateCodeSigningConfigRequest,
  CreateCodeSigningConfigResponse,
  DeleteCodeSigningConfigRequest,
  GetCodeSigningConfigRequest,
  GetCodeSigningConfigResponse,
  ListCodeSigningConfigsRequest,
  ListCodeSigningConfigsResponse,
  UpdateCodeSigningConfigRequest,
  UpdateCodeSigningConfigResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { randomCharacters } from '#core/ids.ts';
import type { Scope } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { showTime } from '../configuration.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { FUNCTIONS } from '../documents.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { checkTags } from '../tags.ts';
import { CODE_SIGNING_CONFIGS, type CodeSigningDocument, codeSigningArn } from './documents.ts';

const LARGEST_PAGE = 50;
const MOST_PUBLISHERS = 20;
const ID_CHARACTERS = '0123456789abcdefghijklmnopqrstuvwxyz';
const ARN =
  /arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:\d{12}:code-signing-config:csc-[a-z0-9]{17}/;
const USER = { fields: { Type: 'User' } };

export function createCodeSigningConfig({ state, clock }: LambdaDependencies) {
  return async (
    input: CreateCodeSigningConfigRequest,
    context: RequestContext,
  ): Promise<CreateCodeSigningConfigResponse> => {
    checkConfig(input);
    const tags = input.Tags ?? {};
    checkTags(tags);
    const scope = scopeOf(context);
    const document: CodeSigningDocument = {
      id: `csc-${randomCharacters(ID_CHARACTERS, 17)}`,
      description: input.Description ?? '',
      publishers: input.AllowedPublishers!.SigningProfileVersionArns!,
      untrustedArtifacts: input.CodeSigningPolicies?.UntrustedArtifactOnDeployment ?? 'Warn',
      lastModifiedMs: clock.now(),
      tags,
    };
    await state.transact((tx) => tx.documents.put(CODE_SIGNING_CONFIGS, scope, document.id, document));
    return { CodeSigningConfig: show(scope, document) };
  };
}

export function getCodeSigningConfig({ state }: LambdaDependencies) {
  return async (input: GetCodeSigningConfigRequest, context: RequestContext): Promise<GetCodeSigningConfigResponse> => {
    const id = readId(input.CodeSigningConfigArn!);
    const document = await state.documents.get(CODE_SIGNING_CONFIGS, scopeOf(context), id);
    if (!document) throw notFound(input.CodeSigningConfigArn!);
    return { CodeSigningConfig: show(scopeOf(context), document) };
  };
}

export function updateCodeSigningConfig({ state, clock }: LambdaDependencies) {
  return async (
    input: UpdateCodeSigningConfigRequest,
    context: RequestContext,
  ): Promise<UpdateCodeSigningConfigResponse> => {
    const id = readId(input.CodeSigningConfigArn!);
    checkConfig(input);
    const scope = scopeOf(context);
    const document = await state.transact(async (tx) => {
      const before = await tx.documents.get(CODE_SIGNING_CONFIGS, scope, id);
      if (!before) throw notFound(input.CodeSigningConfigArn!);
      const after: CodeSigningDocument = {
        ...before,
        description: input.Description ?? before.description,
        publishers: input.AllowedPublishers?.SigningProfileVersionArns ?? before.publishers,
        untrustedArtifacts: input.CodeSigningPolicies?.UntrustedArtifactOnDeployment ?? before.untrustedArtifacts,
        lastModifiedMs: clock.now(),
      };
      await tx.documents.put(CODE_SIGNING_CONFIGS, scope, id, after);
      return after;
    });
    return { CodeSigningConfig: show(scope, document) };
  };
}

export function deleteCodeSigningConfig({ state }: LambdaDependencies) {
  return async (input: DeleteCodeSigningConfigRequest, context: RequestContext): Promise<object> => {
    const arn = input.CodeSigningConfigArn!;
    const id = readId(arn);
    const scope = scopeOf(context);
    await state.transact(async (tx) => {
      if (!(await tx.documents.delete(CODE_SIGNING_CONFIGS, scope, id))) throw notFound(arn);
      const functions = await tx.documents.range(FUNCTIONS, scope);
      if (functions.some(({ value }) => value.codeSigningConfigArn === arn)) {
        throw new AwsError(
          'ResourceConflictException',
          `The code signing configuration ${arn} cannot be deleted because functions use it.`,
          USER,
        );
      }
    });
    return {};
  };
}

export function listCodeSigningConfigs({ state }: LambdaDependencies) {
  return async (
    input: ListCodeSigningConfigsRequest,
    context: RequestContext,
  ): Promise<ListCodeSigningConfigsResponse> => {
    checkConstraints([{ at: 'maxItems', value: input.MaxItems, min: 1, max: 10_000 }]);
    const limit = Math.min(input.MaxItems ?? LARGEST_PAGE, LARGEST_PAGE);
    const found = await state.documents.range(CODE_SIGNING_CONFIGS, scopeOf(context), {
      limit: limit + 1,
      ...(input.Marker ? { after: readMarker(input.Marker) } : {}),
    });
    const page = found.slice(0, limit);
    return {
      CodeSigningConfigs: page.map(({ value }) => show(scopeOf(context), value)),
      ...(found.length > limit ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

/** The id in the ARN of a configuration. */
export function readId(arn: string): string {
  checkConstraints([{ at: 'codeSigningConfigArn', value: arn, max: 200, pattern: ARN }]);
  return arn.slice(arn.lastIndexOf(':') + 1);
}

export function notFound(arn: string): AwsError {
  const message = `The Lambda code signing configuration ${arn} can not be found.`;
  return new AwsError('ResourceNotFoundException', message, USER);
}

function checkConfig(input: {
  Description?: string | undefined;
  AllowedPublishers?: AllowedPublishers | undefined;
  CodeSigningPolicies?: { UntrustedArtifactOnDeployment?: string | undefined } | undefined;
}): void {
  const publishers = input.AllowedPublishers?.SigningProfileVersionArns;
  const pattern = /arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9-])+:([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)/;
  const at = 'allowedPublishers.signingProfileVersionArns';
  checkConstraints([
    { at: 'description', value: input.Description, max: 256 },
    { at, value: publishers?.length, min: 1, max: MOST_PUBLISHERS },
    ...(publishers ?? []).map((value) => ({ at, value, pattern })),
    {
      at: 'codeSigningPolicies.untrustedArtifactOnDeployment',
      value: input.CodeSigningPolicies?.UntrustedArtifactOnDeployment,
      oneOf: ['Warn', 'Enforce'],
    },
  ]);
}

function show(scope: Scope, document: CodeSigningDocument): CodeSigningConfig {
  return {
    CodeSigningConfigId: document.id,
    CodeSigningConfigArn: codeSigningArn(scope, document.id),
    Description: document.description,
    AllowedPublishers: { SigningProfileVersionArns: document.publishers },
    CodeSigningPolicies: { UntrustedArtifactOnDeployment: document.untrustedArtifacts },
    LastModified: showTime(document.lastModifiedMs),
  };
}

export function scopeOf({ account, region }: Scope): Scope {
  return { account, region };
}
