// Aliases: what clients may set, and how Lambda shows them.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html

import type { AliasConfiguration, AliasRoutingConfiguration } from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import type { Transaction } from '#storage/state/state.ts';
import { checkConstraints, constraintViolated } from '../constraints.ts';
import { type AliasDocument, VERSIONS, versionKey } from '../documents.ts';
import { type FunctionReference, functionArn, functionNotFound, LATEST } from '../function-name.ts';

const NAME = /(?!^[0-9]+$)([a-zA-Z0-9-_]+)/;
const VERSION = /(\$LATEST|[0-9]+)/;

export interface AliasInput {
  Name?: string | undefined;
  FunctionVersion?: string | undefined;
  Description?: string | undefined;
  RoutingConfig?: AliasRoutingConfiguration | undefined;
}

export function checkAlias(input: AliasInput): void {
  checkConstraints([
    { at: 'name', value: input.Name, min: 1, max: 128, pattern: NAME },
    { at: 'functionVersion', value: input.FunctionVersion, min: 1, max: 1_024, pattern: VERSION },
    { at: 'description', value: input.Description, max: 256 },
  ]);
  const weights = Object.entries(input.RoutingConfig?.AdditionalVersionWeights ?? {});
  const shown = `{${weights.map(([version, weight]) => `${version}=${Number.isInteger(weight) ? weight.toFixed(1) : weight}`).join(', ')}}`;
  const at = 'routingConfig.additionalVersionWeights';
  if (weights.some(([version]) => !/^[0-9]{1,1024}$/.test(version))) {
    throw constraintViolated(
      at,
      shown,
      'Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+, Member must not be null]',
    );
  }
  if (weights.some(([, weight]) => !(weight >= 0 && weight <= 1))) {
    throw constraintViolated(
      at,
      shown,
      'Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]',
    );
  }
  if (weights.length > 1) throw invalid('Number of items in AdditionalVersionWeights cannot be greater than 1');
}

/** The second version of an alias that points to `version`; undefined for none. Throws where the pair cannot be. */
export function readRouting(
  input: AliasRoutingConfiguration | undefined,
  version: string,
): AliasDocument['routing'] | undefined {
  const [second] = Object.entries(input?.AdditionalVersionWeights ?? {});
  if (!second) return undefined;
  if (version === LATEST) throw invalid('$LATEST is not supported for an alias pointing to more than 1 version');
  if (second[0] === version) {
    throw invalid(
      `Invalid function version ${version}. Function version ${version} is already included in routing configuration.`,
    );
  }
  return { version: second[0], weight: second[1] };
}

/** Throws ResourceNotFoundException unless the versions that the alias names are there. */
export async function checkVersions(
  tx: Transaction,
  reference: FunctionReference,
  { version, routing }: Pick<AliasDocument, 'version' | 'routing'>,
): Promise<void> {
  const { scope, name } = reference;
  for (const number of [version, ...(routing ? [routing.version] : [])]) {
    if (number === LATEST) continue;
    if (!(await tx.documents.get(VERSIONS, scope, versionKey(name, number)))) {
      throw functionNotFound({ scope, name, qualifier: number });
    }
  }
}

export function showAlias(reference: FunctionReference, alias: AliasDocument): AliasConfiguration {
  return {
    AliasArn: functionArn(reference, alias.alias),
    Name: alias.alias,
    FunctionVersion: alias.version,
    Description: alias.description,
    ...(alias.routing
      ? { RoutingConfig: { AdditionalVersionWeights: { [alias.routing.version]: alias.routing.weight } } }
      : {}),
    RevisionId: alias.revisionId,
  };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, { fields: { Type: 'User' } });
}
