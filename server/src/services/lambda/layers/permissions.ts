// AddLayerVersionPermission, RemoveLayerVersionPermission, GetLayerVersionPolicy:
// https://docs.aws.amazon.com/lambda/latest/api/API_AddLayerVersionPermission.html

import type {
  AddLayerVersionPermissionRequest,
  AddLayerVersionPermissionResponse,
  GetLayerVersionPolicyRequest,
  GetLayerVersionPolicyResponse,
  RemoveLayerVersionPermissionRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '#core/errors.ts';
import { uuid } from '#core/ids.ts';
import type { RequestContext } from '#wire/service.ts';
import { checkConstraints } from '../constraints.ts';
import type { LambdaDependencies } from '../dependencies.ts';
import { checkRevision } from '../revision.ts';
import { LAYERS, type LayerStatement, type LayerVersionDocument, layerKey } from './documents.ts';
import { type LayerVersionReference, layerArn, readLayerVersion } from './layer-name.ts';

const USER = { fields: { Type: 'User' } };
const LARGEST_POLICY_BYTES = 20_480;

const STATEMENT_ID = { min: 1, max: 100, pattern: /([a-zA-Z0-9-_]+)/ };

export function addLayerVersionPermission({ state }: LambdaDependencies) {
  return async (
    input: AddLayerVersionPermissionRequest,
    context: RequestContext,
  ): Promise<AddLayerVersionPermissionResponse> => {
    const reference = readLayerVersion(input.LayerName!, input.VersionNumber!, context);
    checkConstraints([
      { at: 'statementId', value: input.StatementId, ...STATEMENT_ID },
      { at: 'action', value: input.Action, max: 22, pattern: /lambda:GetLayerVersion/ },
      { at: 'principal', value: input.Principal, pattern: /\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root/ },
      { at: 'organizationId', value: input.OrganizationId, max: 34, pattern: /o-[a-z0-9]{10,32}/ },
    ]);
    const principal = input.Principal!;
    const statement: LayerStatement = {
      Sid: input.StatementId!,
      Effect: 'Allow',
      Principal:
        principal === '*' ? '*' : { AWS: /^\d{12}$/.test(principal) ? `arn:aws:iam::${principal}:root` : principal },
      Action: input.Action!,
      Resource: layerArn(reference, reference.version),
      ...(input.OrganizationId ? { Condition: { StringEquals: { 'aws:PrincipalOrgID': input.OrganizationId } } } : {}),
    };
    const revisionId = await change({ state }, reference, input.RevisionId, (statements) => {
      if (statements.some(({ Sid }) => Sid === statement.Sid)) {
        throw new AwsError(
          'ResourceConflictException',
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
          USER,
        );
      }
      return [...statements, statement];
    });
    return { Statement: JSON.stringify(statement), RevisionId: revisionId! };
  };
}

export function removeLayerVersionPermission({ state }: LambdaDependencies) {
  return async (input: RemoveLayerVersionPermissionRequest, context: RequestContext): Promise<object> => {
    const reference = readLayerVersion(input.LayerName!, input.VersionNumber!, context);
    checkConstraints([{ at: 'statementId', value: input.StatementId, ...STATEMENT_ID }]);
    await change({ state }, reference, input.RevisionId, (statements) => {
      if (statements.length === 0) throw notFound('No policy is associated with the given resource.');
      const left = statements.filter(({ Sid }) => Sid !== input.StatementId);
      if (left.length === statements.length) {
        throw notFound(`Statement ${input.StatementId} is not found in resource policy.`);
      }
      return left;
    });
    return {};
  };
}

export function getLayerVersionPolicy({ state }: LambdaDependencies) {
  return async (
    input: GetLayerVersionPolicyRequest,
    context: RequestContext,
  ): Promise<GetLayerVersionPolicyResponse> => {
    const reference = readLayerVersion(input.LayerName!, input.VersionNumber!, context);
    const document = await state.documents.get(LAYERS, reference.scope, layerKey(reference.layer, reference.version));
    if (!document) throw absent(reference);
    if (!document.policy) throw notFound('No policy is associated with the given resource.');
    return { Policy: showPolicy(document.policy.statements), RevisionId: document.policy.revisionId };
  };
}

/** Gives the new revision; undefined when no statement is left. */
function change(
  { state }: Pick<LambdaDependencies, 'state'>,
  reference: LayerVersionReference,
  revisionId: string | undefined,
  by: (statements: LayerStatement[]) => LayerStatement[],
): Promise<string | undefined> {
  const { scope, layer, version } = reference;
  return state.transact(async (tx) => {
    const document = await tx.documents.get(LAYERS, scope, layerKey(layer, version));
    if (!document) throw absent(reference);
    const { policy, ...rest } = document;
    if (revisionId !== undefined) checkRevision(revisionId, policy?.revisionId, 'GetLayerPolicy');
    const statements = by(policy?.statements ?? []);
    const size = Buffer.byteLength(showPolicy(statements));
    if (size > LARGEST_POLICY_BYTES) {
      throw new AwsError(
        'PolicyLengthExceededException',
        `The final policy size (${size}) is bigger than the limit (${LARGEST_POLICY_BYTES}).`,
      );
    }
    const after: LayerVersionDocument =
      statements.length === 0 ? rest : { ...rest, policy: { revisionId: uuid(), statements } };
    await tx.documents.put(LAYERS, scope, layerKey(layer, version), after);
    return after.policy?.revisionId;
  });
}

function showPolicy(statements: readonly LayerStatement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements });
}

function absent(reference: LayerVersionReference): AwsError {
  return notFound(`Layer version ${layerArn(reference, reference.version)} does not exist.`);
}

function notFound(message: string): AwsError {
  return new AwsError('ResourceNotFoundException', message, USER);
}
