// What a service hands to wire/: how AWS speaks to it, and its table operation -> handler.

import type { Caller, ServiceName } from '#core/caller.ts';
import type { AwsError } from '#core/errors.ts';
import type { MissingMember } from './required-members.ts';
import type { WebSite } from './web-exchange.ts';

export type ProtocolName = 'awsJson1_0' | 'awsJson1_1' | 'awsQuery' | 'restJson1' | 'restXml' | 'rpcV2Cbor';

/** How a service is spoken to: the facts that the SDK's schemas do not carry. */
export interface ServiceModel {
  /** Loads the official client package, whose exports hold the schemas (`PutMetricData$`, …). */
  schemas: () => Record<string, unknown>;
  /** The service in the credential scope (`monitoring`, `logs`). */
  signingName: string;
  protocols: readonly ProtocolName[];
  /** X-Amz-Target prefix of the awsJson protocols and service name in rpc-v2-cbor paths. */
  targetPrefix?: string;
  /** `Version` parameter of awsQuery. */
  queryVersion?: string;
  /** xmlns of awsQuery and restXml answers. */
  xmlNamespace?: string;
  /** awsJson and CBOR errors carry `x-amzn-query-error`. */
  awsQueryCompatible?: boolean;
  /** The error for members that the schema requires and the client left out; a coral-style ValidationException by default. */
  missingMembers?: (missing: readonly MissingMember[], operation: string) => AwsError;
  /** Largest body that is held in memory (streamed payloads aside); 16 MiB by default. */
  largestBodyBytes?: number;
  /** State is one for all regions (IAM, STS): handlers still see the caller's region. */
  global?: boolean;
}

/** A call as a handler sees it. */
export interface RequestContext extends Caller {
  service: string;
  operation: string;
  /** Aborted when the client goes away or Brume stops. */
  signal: AbortSignal;
  /** Scheme, host and port under which the client reached Brume: `http://localhost:4566`. */
  endpoint: string;
  sourceIp: string;
  userAgent: string;
  /** The HTTP headers, lower case; empty for in-process calls. Only for what AWS itself derives from them. */
  headers: Readonly<Record<string, string | undefined>>;
}

/**
 * A handler takes the SDK's input type and gives its output type, both plain objects. Streaming members:
 * the input's payload is a Readable, the output's may be a Readable, Uint8Array or string; an event stream
 * output is an AsyncIterable of union values. Optional hook for headers AWS sends beyond the schema: see
 * `responseHeaders`.
 */
export type Handler<Input = any, Output = any> = (input: Input, context: RequestContext) => Promise<Output> | Output;

/**
 * Answers a JSON body by itself, faster than through the schema; undefined, at once, for a body that it does not know or
 * finds fault with, which then takes the ordinary way. Must not change the body.
 */
export type RawHandler = (body: Buffer, context: RequestContext) => Promise<object> | undefined;

export interface Service {
  readonly name: ServiceName;
  readonly model: ServiceModel;
  readonly operations: Readonly<Record<string, Handler>>;
  /** For the few operations whose decoding is most of their cost. */
  readonly rawOperations?: Readonly<Record<string, RawHandler>>;
  /** What it serves beside its operations. */
  readonly web?: WebSite;
  /** After all services exist: timers, pollers, recovery. */
  start?(): Promise<void>;
  /** Finishes what is under way and stops timers. */
  stop?(): Promise<void>;
  /** Forgets what is in memory after the stores were emptied. */
  reset?(): Promise<void>;
}

/** Set on an output object to add HTTP headers that no schema names (S3's `Server`-like ones). */
export const RESPONSE_HEADERS = Symbol('response headers');
/** Set on an output object to choose another status than the schema's (206 for ranges, 304 …). */
export const RESPONSE_STATUS = Symbol('response status');
