// What Lambda keeps of layers: a document a version, and the number that was last given to each layer.

import type { Architecture } from '@aws-sdk/client-lambda';
import { defineCollection } from '#storage/state/state.ts';
import type { CodeReference } from '../documents.ts';

/** A statement of a layer version's policy. */
export interface LayerStatement {
  Sid: string;
  Effect: 'Allow';
  Principal: '*' | { AWS: string };
  Action: string;
  Resource: string;
  Condition?: Record<string, Record<string, string>>;
}

export interface LayerVersionDocument {
  layer: string;
  version: number;
  description: string;
  createdAtMs: number;
  code: CodeReference;
  compatibleRuntimes: string[];
  compatibleArchitectures: Architecture[];
  licenseInfo?: string;
  policy?: { revisionId: string; statements: LayerStatement[] };
}

/** Keyed so that the versions of a layer stand in the order of their numbers. */
export const LAYERS = defineCollection<LayerVersionDocument>('lambda.layers');

/** By the layer's name. No number is given twice, deleted versions included. */
export const LAYER_NUMBERS = defineCollection<{ last: number }>('lambda.layer-numbers');

const VERSION_DIGITS = 10;

export function layerKey(layer: string, version: number): string {
  return `${layer}:${String(version).padStart(VERSION_DIGITS, '0')}`;
}
