// A service together with what the official schemas say of it: operations, errors, REST routes. Loaded on first use.

import { AwsError, notImplemented } from '#core/errors.ts';
import { constraintMessage, findMissingMembers } from './required-members.ts';
import { RestRouter } from './rest-router.ts';
import type { Handler, RequestContext, Service } from './service.ts';
import { type OperationShape, readSchemas, type StructureShape } from './shapes.ts';

export class BoundService {
  readonly service: Service;
  #schemas: { operations: Map<string, OperationShape>; errors: Map<string, StructureShape> } | undefined;
  #router: RestRouter | undefined;
  #errorsByQueryCode: Map<string, StructureShape> | undefined;

  constructor(service: Service) {
    this.service = service;
  }

  get name(): string {
    return this.service.name;
  }

  get model() {
    return this.service.model;
  }

  get operations(): Map<string, OperationShape> {
    return this.#load().operations;
  }

  get router(): RestRouter {
    this.#router ??= new RestRouter(this.operations.values(), (name) => Object.hasOwn(this.service.operations, name));
    return this.#router;
  }

  /** The error's shape, by its own name or by the code that awsQuery knows it under. */
  findError(code: string): StructureShape | undefined {
    const { errors } = this.#load();
    const named = errors.get(code);
    if (named) return named;
    this.#errorsByQueryCode ??= new Map(
      [...errors.values()].flatMap((shape) =>
        shape.traits.awsQueryError ? [[shape.traits.awsQueryError[0], shape]] : [],
      ),
    );
    return this.#errorsByQueryCode.get(code);
  }

  handlerOf(operation: string): Handler {
    if (!Object.hasOwn(this.service.operations, operation)) throw notImplemented(operation);
    return this.service.operations[operation]!;
  }

  /** Checks what the schema requires (unless the decoder has), then runs the handler. */
  async run(
    operation: OperationShape,
    input: Record<string, unknown>,
    context: RequestContext,
    isComplete = false,
  ): Promise<unknown> {
    const handler = this.handlerOf(operation.name);
    const missing = isComplete ? [] : findMissingMembers(operation.input, input);
    if (missing.length > 0) {
      throw (
        this.model.missingMembers?.(missing, operation.name) ??
        new AwsError(this.#validationCode, constraintMessage(missing), { status: 400 })
      );
    }
    return (await handler(input, context)) ?? {};
  }

  get #validationCode(): string {
    return this.model.protocols.every((protocol) => protocol === 'awsQuery')
      ? 'ValidationError'
      : 'ValidationException';
  }

  #load() {
    this.#schemas ??= readSchemas(this.service.model.schemas());
    return this.#schemas;
  }
}
