// The layers that a function names: which may be, and what the function keeps of them.
// https://docs.aws.amazon.com/lambda/latest/dg/adding-layers.html

import { AwsError } from '#core/errors.ts';
import type { DocumentReader } from '#storage/state/state.ts';
import type { RequestContext } from '#wire/service.ts';
import { constraintViolated } from '../constraints.ts';
import type { FunctionLayer } from '../documents.ts';
import { findLayerVersion } from './access.ts';
import { parseLayerVersionArn } from './layer-name.ts';

const MOST_LAYERS = 5;
const USER = { fields: { Type: 'User' } };
const PATTERN =
  '(arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)';

/** Throws InvalidParameterValueException, or AccessDeniedException for layers of others. */
export async function readFunctionLayers(
  documents: DocumentReader,
  arns: readonly string[],
  context: RequestContext,
): Promise<FunctionLayer[]> {
  const references = arns.map((arn) => parseLayerVersionArn(arn));
  if (references.includes(undefined)) {
    throw constraintViolated(
      'layers',
      `[${arns.join(', ')}]`,
      `Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ${PATTERN}, Member must not be null]`,
    );
  }
  if (arns.length > MOST_LAYERS) throw invalid(`Cannot reference more than ${MOST_LAYERS} layers.`);
  const layers: FunctionLayer[] = [];
  const byLayer = new Map<string, string>();
  for (const [index, reference] of references.entries()) {
    const arn = arns[index]!;
    const { scope, layer } = reference!;
    if (scope.region !== context.region) {
      throw invalid(
        `Layers are not in the same region as the function. Layers are expected to be in region ${context.region}.`,
      );
    }
    const key = `${scope.account} ${layer}`;
    const twin = byLayer.get(key);
    if (twin !== undefined) {
      throw invalid(
        `Two different versions of the same layer are not allowed to be referenced in the same function. ${twin} and ${arn}.`,
      );
    }
    byLayer.set(key, arn);
    const document = await findLayerVersion(documents, reference!, context);
    if (!document) throw invalid(`Layer version ${arn} does not exist.`);
    layers.push({ arn, code: document.code });
  }
  return layers;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, USER);
}
