// The forms in which clients name layers and their versions.

import { formatArn } from '#core/arn.ts';
import { AwsError } from '#core/errors.ts';
import type { Scope } from '#storage/state/state.ts';
import { checkConstraints } from '../constraints.ts';

export interface LayerReference {
  scope: Scope;
  layer: string;
}

export interface LayerVersionReference extends LayerReference {
  version: number;
}

const NAME = /(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:layer:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+/;
const VERSION_ARN = /^arn:[a-zA-Z0-9-]+:lambda:([a-zA-Z0-9-]+):(\d{12}):layer:([a-zA-Z0-9-_]+):(\d+)$/;

/** Reads a name or an ARN in the caller's scope. */
export function readLayerName(text: string, { account, region }: Scope): LayerReference {
  checkConstraints([{ at: 'layerName', value: text, min: 1, max: 140, pattern: NAME }]);
  const parts = text.split(':');
  if (parts.length === 1) return { scope: { account, region }, layer: text };
  return { scope: { region: parts[3]!, account: parts[4]! }, layer: parts[6]! };
}

export function readLayerVersion(text: string, version: number, scope: Scope): LayerVersionReference {
  const reference = readLayerName(text, scope);
  if (version < 1) {
    throw new AwsError('InvalidParameterValueException', 'Layer Version Cannot be less than 1', {
      fields: { Type: 'User' },
    });
  }
  return { ...reference, version };
}

/** Undefined when the ARN is not one of a layer version. */
export function parseLayerVersionArn(arn: string): LayerVersionReference | undefined {
  const match = VERSION_ARN.exec(arn);
  if (!match) return undefined;
  return { scope: { region: match[1]!, account: match[2]! }, layer: match[3]!, version: Number(match[4]) };
}

export function layerArn({ scope, layer }: LayerReference, version?: number): string {
  const resource = version === undefined ? `layer:${layer}` : `layer:${layer}:${version}`;
  return formatArn({ service: 'lambda', region: scope.region, account: scope.account, resource });
}
