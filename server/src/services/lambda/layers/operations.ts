// PublishLayerVersion, GetLayerVersion(ByArn), ListLayers, ListLayerVersions, DeleteLayerVersion:
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html

import type {
  DeleteLayerVersionRequest,
  GetLayerVersionByArnRequest,
  GetLayerVersionRequest,
  GetLayerVersionResponse,
  LayerVersionsListItem,
  ListLayersRequest,
  ListLayersResponse,
  ListLayerVersionsRequest,
  ListLayerVersionsResponse,
  PublishLayerVersionRequest,
  PublishLayerVersionResponse,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkPackageSource, keepPackage, loadPackage } from '../code-package.ts';
import { showTime } from '../configuration.ts';
import { checkConstraints, validationFailed, violation } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { makeMarker, readMarker } from '../marker.ts';
import { isPackageNamed } from '../packages.ts';
import { currentRuntimes, isRuntimeName } from '../runtimes.ts';
import { findLayerVersion } from './access.ts';
import { LAYER_NUMBERS, LAYERS, type LayerVersionDocument, layerKey } from './documents.ts';
import {
  type LayerReference,
  type LayerVersionReference,
  layerArn,
  parseLayerVersionArn,
  readLayerName,
  readLayerVersion,
} from './layer-name.ts';

const LARGEST_PAGE = 50;
const MOST_RUNTIMES = 15;
const ARCHITECTURES = ['x86_64', 'arm64'];
const USER = { fields: { Type: 'User' } };

export function publishLayerVersion(dependencies: LambdaDependencies) {
  const { state, clock, garbage, locations } = dependencies;
  return async (input: PublishLayerVersionRequest, context: RequestContext): Promise<PublishLayerVersionResponse> => {
    const reference = readLayerName(input.LayerName!, context);
    const { scope, layer } = reference;
    checkConstraints([
      { at: 'description', value: input.Description, max: 256 },
      { at: 'licenseInfo', value: input.LicenseInfo, max: 512 },
      { at: 'compatibleRuntimes', values: input.CompatibleRuntimes, max: MOST_RUNTIMES },
      { at: 'compatibleArchitectures', values: input.CompatibleArchitectures, max: ARCHITECTURES.length },
    ]);
    checkCompatible(input);
    checkPackageSource(input.Content!, 'content.');
    const code = await keepPackage(
      dependencies,
      await loadPackage(dependencies, input.Content!, context, 'PublishLayerVersion'),
    );
    let document: LayerVersionDocument;
    try {
      document = await state.transact(async (tx) => {
        const version = ((await tx.documents.get(LAYER_NUMBERS, scope, layer))?.last ?? 0) + 1;
        const created: LayerVersionDocument = {
          layer,
          version,
          description: input.Description ?? '',
          createdAtMs: clock.now(),
          code,
          compatibleRuntimes: input.CompatibleRuntimes ?? [],
          compatibleArchitectures: input.CompatibleArchitectures ?? [],
          ...(input.LicenseInfo ? { licenseInfo: input.LicenseInfo } : {}),
        };
        await tx.documents.put(LAYER_NUMBERS, scope, layer, { last: version });
        await tx.documents.put(LAYERS, scope, layerKey(layer, version), created);
        return created;
      });
    } catch (error) {
      await garbage.discard(code.objectId);
      throw error;
    }
    return show(reference, document, locations.url(context.endpoint, code.objectId));
  };
}

export function getLayerVersion({ state, locations }: LambdaDependencies) {
  return async (input: GetLayerVersionRequest, context: RequestContext): Promise<GetLayerVersionResponse> => {
    const reference = readLayerVersion(input.LayerName!, input.VersionNumber!, context);
    return get({ state, locations }, reference, context);
  };
}

export function getLayerVersionByArn({ state, locations }: LambdaDependencies) {
  return async (input: GetLayerVersionByArnRequest, context: RequestContext): Promise<GetLayerVersionResponse> => {
    const pattern =
      /(arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)/;
    checkConstraints([{ at: 'arn', value: input.Arn, min: 1, max: 140, pattern }]);
    const reference = parseLayerVersionArn(input.Arn!);
    if (!reference) throw notFound();
    return get({ state, locations }, reference, context);
  };
}

async function get(
  { state, locations }: Pick<LambdaDependencies, 'state' | 'locations'>,
  reference: LayerVersionReference,
  context: RequestContext,
): Promise<GetLayerVersionResponse> {
  const document = await findLayerVersion(state.documents, reference, context);
  if (!document) throw notFound();
  return show(reference, document, locations.url(context.endpoint, document.code.objectId));
}

/** A version that is not there counts as deleted. Functions that use it keep it. */
export function deleteLayerVersion({ state, garbage }: LambdaDependencies) {
  return async (input: DeleteLayerVersionRequest, context: RequestContext): Promise<object> => {
    const { scope, layer, version } = readLayerVersion(input.LayerName!, input.VersionNumber!, context);
    if (scope.account !== context.account) return {};
    const dropped = await state.transact(async (tx) => {
      const document = await tx.documents.get(LAYERS, scope, layerKey(layer, version));
      if (!document) return [];
      await tx.documents.delete(LAYERS, scope, layerKey(layer, version));
      const { objectId } = document.code;
      return (await isPackageNamed(tx.documents, objectId)) ? [] : garbage.condemn(tx, [objectId]);
    });
    garbage.collect(dropped);
    return {};
  };
}

interface Compatibility {
  CompatibleRuntime?: string | undefined;
  CompatibleArchitecture?: string | undefined;
  MaxItems?: number | undefined;
}

/** Newest first. */
export function listLayerVersions({ state }: LambdaDependencies) {
  return async (input: ListLayerVersionsRequest, context: RequestContext): Promise<ListLayerVersionsResponse> => {
    const reference = readLayerName(input.LayerName!, context);
    checkFilters(input);
    const versions = await state.documents.range(LAYERS, reference.scope, {
      prefix: `${reference.layer}:`,
      reverse: true,
      ...(input.Marker ? { after: readMarker(input.Marker) } : {}),
    });
    const found = versions.filter(({ value }) => matches(value, input));
    const page = found.slice(0, input.MaxItems ?? LARGEST_PAGE);
    return {
      LayerVersions: page.map(({ value }) => showItem(reference, value)),
      ...(found.length > page.length ? { NextMarker: makeMarker(page.at(-1)!.key) } : {}),
    };
  };
}

/** Each layer with its newest version that meets the filters. */
export function listLayers({ state }: LambdaDependencies) {
  return async (input: ListLayersRequest, context: RequestContext): Promise<ListLayersResponse> => {
    checkFilters(input);
    const scope = { account: context.account, region: context.region };
    const newest = new Map<string, LayerVersionDocument>();
    for (const { value } of await state.documents.range(LAYERS, scope)) {
      if (matches(value, input)) newest.set(value.layer, value);
    }
    const after = input.Marker ? readMarker(input.Marker) : undefined;
    const found = [...newest.values()].filter(({ layer }) => after === undefined || layer > after);
    const page = found.slice(0, input.MaxItems ?? LARGEST_PAGE);
    return {
      Layers: page.map((document) => {
        const reference = { scope, layer: document.layer };
        return {
          LayerName: document.layer,
          LayerArn: layerArn(reference),
          LatestMatchingVersion: showItem(reference, document),
        };
      }),
      ...(found.length > page.length ? { NextMarker: makeMarker(page.at(-1)!.layer) } : {}),
    };
  };
}

function checkCompatible({ CompatibleRuntimes = [], CompatibleArchitectures = [] }: PublishLayerVersionRequest): void {
  const broken: string[] = [];
  if (!CompatibleRuntimes.every(isRuntimeName)) {
    const constraint = `Member must satisfy enum value set: [${currentRuntimes().join(', ')}]`;
    broken.push(violation('compatibleRuntimes', `[${CompatibleRuntimes.join(', ')}]`, constraint));
  }
  if (!CompatibleArchitectures.every((name) => ARCHITECTURES.includes(name))) {
    const constraint = `Member must satisfy constraint: [Member must satisfy enum value set: [${ARCHITECTURES.join(', ')}]]`;
    broken.push(violation('compatibleArchitectures', `[${CompatibleArchitectures.join(', ')}]`, constraint));
  }
  if (broken.length > 0) throw validationFailed(broken);
}

function checkFilters({ CompatibleRuntime, CompatibleArchitecture, MaxItems }: Compatibility): void {
  checkConstraints([
    { at: 'maxItems', value: MaxItems, min: 1, max: 50 },
    { at: 'compatibleArchitecture', value: CompatibleArchitecture, oneOf: ARCHITECTURES },
    ...(CompatibleRuntime === undefined || isRuntimeName(CompatibleRuntime)
      ? []
      : [{ at: 'compatibleRuntime', value: CompatibleRuntime, oneOf: currentRuntimes() }]),
  ]);
}

/** A layer that names no runtimes or architectures meets no filter for them. */
function matches(
  document: LayerVersionDocument,
  { CompatibleRuntime, CompatibleArchitecture }: Compatibility,
): boolean {
  const architectures: readonly string[] = document.compatibleArchitectures;
  return (
    (CompatibleRuntime === undefined || document.compatibleRuntimes.includes(CompatibleRuntime)) &&
    (CompatibleArchitecture === undefined || architectures.includes(CompatibleArchitecture))
  );
}

function show(reference: LayerReference, document: LayerVersionDocument, location: string): GetLayerVersionResponse {
  return {
    ...showItem(reference, document),
    Content: { Location: location, CodeSha256: document.code.sha256, CodeSize: document.code.sizeBytes },
    LayerArn: layerArn(reference),
  };
}

function showItem(reference: LayerReference, document: LayerVersionDocument): LayerVersionsListItem {
  const { version, description, createdAtMs, compatibleRuntimes, compatibleArchitectures, licenseInfo } = document;
  return {
    LayerVersionArn: layerArn(reference, version),
    Version: version,
    Description: description,
    CreatedDate: showTime(createdAtMs),
    CompatibleRuntimes: compatibleRuntimes as LayerVersionsListItem['CompatibleRuntimes'],
    CompatibleArchitectures: compatibleArchitectures,
    ...(licenseInfo === undefined ? {} : { LicenseInfo: licenseInfo }),
  };
}

function notFound(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', USER);
}
