// From a request line and headers to (service, protocol, operation).

import { AwsError } from '#core/errors.ts';
import type { BoundService } from './bound-service.ts';
import { readS3Address } from './s3-address.ts';
import type { ProtocolName } from './service.ts';
import type { OperationShape } from './shapes.ts';
import type { Signature } from './sigv4.ts';

export interface IncomingRequest {
  method: string;
  rawPath: string;
  rawQuery: string;
  query: URLSearchParams;
  headers: Readonly<Record<string, string | undefined>>;
}

export interface Route {
  service: BoundService;
  protocol: ProtocolName;
  /** Undefined for awsQuery, where the body names it. */
  operation: OperationShape | undefined;
  labels: Record<string, string>;
}

export class UnroutableError extends AwsError {
  readonly protocol: ProtocolName;
  readonly service: BoundService | undefined;

  constructor(
    protocol: ProtocolName,
    service: BoundService | undefined,
    code: string,
    message: string,
    status: number,
  ) {
    super(code, message, { status });
    this.protocol = protocol;
    this.service = service;
  }
}

export class Services {
  readonly all: readonly BoundService[];
  readonly #byTargetPrefix: Map<string, BoundService>;
  readonly #bySigningName: Map<string, BoundService>;
  readonly #byQueryVersion: Map<string, BoundService>;

  constructor(services: readonly BoundService[]) {
    this.all = services;
    this.#byTargetPrefix = new Map(services.flatMap((s) => (s.model.targetPrefix ? [[s.model.targetPrefix, s]] : [])));
    this.#bySigningName = new Map(services.map((s) => [s.model.signingName, s]));
    this.#byQueryVersion = new Map(services.flatMap((s) => (s.model.queryVersion ? [[s.model.queryVersion, s]] : [])));
  }

  named(name: string): BoundService | undefined {
    return this.all.find((service) => service.name === name);
  }

  route(request: IncomingRequest, signature: Signature | undefined): Route {
    return (
      this.#routeCbor(request) ??
      this.#routeJson(request) ??
      this.#routeQuery(request, signature) ??
      this.#routeRest(request, signature)
    );
  }

  #routeCbor({ headers, rawPath }: IncomingRequest): Route | undefined {
    if (headers['smithy-protocol'] !== 'rpc-v2-cbor') return undefined;
    const [, target, name] = /^(?:\/.*)?\/service\/([^/]+)\/operation\/([^/]+)$/.exec(rawPath) ?? [];
    const service = this.#byTargetPrefix.get(target ?? '');
    if (!service)
      throw new UnroutableError('rpcV2Cbor', undefined, 'UnknownOperationException', `Unknown service ${target}`, 404);
    return { service, protocol: 'rpcV2Cbor', operation: findOperation(service, name ?? '', 'rpcV2Cbor'), labels: {} };
  }

  #routeJson({ headers }: IncomingRequest): Route | undefined {
    const target = headers['x-amz-target'];
    if (target === undefined) return undefined;
    const protocol = headers['content-type']?.startsWith('application/x-amz-json-1.0') ? 'awsJson1_0' : 'awsJson1_1';
    const dot = target.lastIndexOf('.');
    const service = this.#byTargetPrefix.get(target.slice(0, dot));
    if (!service)
      throw new UnroutableError(
        protocol,
        undefined,
        'UnknownOperationException',
        `Brume does not know the target ${target}.`,
        400,
      );
    return { service, protocol, operation: findOperation(service, target.slice(dot + 1), protocol), labels: {} };
  }

  /** POST with a form body, or GET with `Action` in the query string. */
  #routeQuery(request: IncomingRequest, signature: Signature | undefined): Route | undefined {
    const { method, headers, query } = request;
    const isForm = method === 'POST' && headers['content-type']?.startsWith('application/x-www-form-urlencoded');
    if (!isForm && !query.has('Action')) return undefined;
    const service = signature
      ? this.#bySigningName.get(signature.service)
      : this.#byQueryVersion.get(query.get('Version') ?? '');
    if (service?.model.protocols.includes('awsQuery'))
      return { service, protocol: 'awsQuery', operation: undefined, labels: {} };
    if (service) return undefined;
    // Unsigned form: the Version parameter in the body tells; the reader of the body calls back with it. `curl -d` calls
    // everything a form, so a path that says it all goes first.
    return signature || this.#matchRestJson(request, undefined)
      ? undefined
      : {
          service: this.all.find((s) => s.model.queryVersion)!,
          protocol: 'awsQuery',
          operation: undefined,
          labels: {},
        };
  }

  byQueryVersion(version: string): BoundService | undefined {
    return this.#byQueryVersion.get(version);
  }

  #routeRest(request: IncomingRequest, signature: Signature | undefined): Route {
    const signed = signature ? this.#bySigningName.get(signature.service) : undefined;
    if (signature && !signed) {
      throw new UnroutableError(
        'restJson1',
        undefined,
        'NotImplemented',
        `Brume does not implement the service ${signature.service} yet.`,
        501,
      );
    }
    const route = this.#matchRestJson(request, signed);
    if (route) return route;
    const service = signed ?? this.named('s3');
    if (!service?.model.protocols.includes('restXml')) {
      const protocol = service?.model.protocols[0] ?? 'restJson1';
      throw new UnroutableError(
        protocol,
        service,
        'UnknownOperationException',
        `No operation stands at ${request.method} ${request.rawPath}.`,
        404,
      );
    }
    const { bucket, path } = readS3Address(request.headers.host ?? '', request.rawPath);
    const match = service.router.match(request.method, path, request.query, request.headers, bucket);
    if (!match) {
      throw new UnroutableError(
        'restXml',
        service,
        'MethodNotAllowed',
        'The specified method is not allowed against this resource.',
        405,
      );
    }
    return { service, protocol: 'restXml', ...match };
  }

  #matchRestJson(request: IncomingRequest, signed: BoundService | undefined): Route | undefined {
    for (const service of this.all) {
      if (signed && service !== signed) continue;
      if (!service.model.protocols.includes('restJson1')) continue;
      const match = service.router.match(request.method, request.rawPath, request.query, request.headers);
      if (match) return { service, protocol: 'restJson1', ...match };
    }
    return undefined;
  }
}

export function findOperation(service: BoundService, name: string, protocol: ProtocolName): OperationShape {
  const operation = service.operations.get(name);
  if (operation) return operation;
  if (protocol === 'awsQuery') {
    throw new UnroutableError(
      protocol,
      service,
      'InvalidAction',
      `The action ${name} is not valid for this web service.`,
      400,
    );
  }
  throw new UnroutableError(protocol, service, 'UnknownOperationException', `Unknown operation ${name}`, 400);
}
