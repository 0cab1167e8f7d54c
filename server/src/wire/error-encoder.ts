// Errors on the wire, per protocol. https://smithy.io/2.0/aws/protocols/index.html

import type { AwsError } from '#core/errors.ts';
import type { BoundService } from './bound-service.ts';
import { serializeCbor } from './cbor-codec.ts';
import { encodeHeaders } from './http-bindings.ts';
import { encodeJson } from './json-codec.ts';
import type { ProtocolName } from './service.ts';
import type { StructureShape } from './shapes.ts';
import { element, encodeXmlMembers, escapeXml } from './xml-codec.ts';

export interface ErrorResponse {
  status: number;
  headers: Record<string, string>;
  body: string | Uint8Array;
}

export function encodeError(
  error: AwsError,
  protocol: ProtocolName,
  service: BoundService | undefined,
  requestId: string,
  hostId: string,
): ErrorResponse {
  const shape = service?.findError(error.code);
  const status =
    error.status ??
    shape?.traits.awsQueryError?.[1] ??
    shape?.traits.httpError ??
    (shape?.traits.error === 'server' ? 500 : 400);
  const queryCode = shape?.traits.awsQueryError?.[0] ?? shape?.name ?? error.code;
  const fault = status >= 500 ? 'Receiver' : 'Sender';
  switch (protocol) {
    case 'awsJson1_0':
    case 'awsJson1_1':
    case 'rpcV2Cbor': {
      const type =
        shape && protocol !== 'awsJson1_1' ? `${shape.namespace}#${shape.name}` : (shape?.name ?? error.code);
      const fields = { __type: type, ...modelledFields(error, shape), [messageName(shape)]: error.message };
      const headers: Record<string, string> = {};
      if (service?.model.awsQueryCompatible) headers['x-amzn-query-error'] = `${queryCode};${fault}`;
      if (protocol === 'rpcV2Cbor') {
        return {
          status,
          headers: { ...headers, 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' },
          body: serializeCbor(fields),
        };
      }
      const version = protocol === 'awsJson1_0' ? '1.0' : '1.1';
      return {
        status,
        headers: { ...headers, 'content-type': `application/x-amz-json-${version}` },
        body: JSON.stringify(fields),
      };
    }
    case 'restJson1': {
      const code = shape?.name ?? error.code;
      const type = status >= 500 ? 'Service' : 'User';
      const fields = {
        ...(shape?.memberByName.has('Type') ? { Type: type } : {}),
        ...modelledFields(error, shape),
        [messageName(shape)]: error.message,
      };
      const headers = {
        'content-type': 'application/json',
        'x-amzn-errortype': code,
        ...(shape ? encodeHeaders(shape, error.fields) : {}),
      };
      return { status, headers, body: JSON.stringify(fields) };
    }
    case 'awsQuery': {
      const fields = shape ? encodeXmlMembers(shape, error.fields, (member) => /^message$/i.test(member.name)) : '';
      const content =
        element('Type', fault) + element('Code', queryCode) + element('Message', escapeXml(error.message)) + fields;
      const body = element(
        'ErrorResponse',
        element('Error', content) + element('RequestId', requestId),
        xmlns(service),
      );
      return { status, headers: { 'content-type': 'text/xml' }, body: `${body}\n` };
    }
    case 'restXml': {
      const fields = Object.entries(error.fields).map(([name, value]) => element(name, escapeXml(String(value))));
      const content =
        element('Code', error.code) +
        element('Message', escapeXml(error.message)) +
        fields.join('') +
        element('RequestId', requestId) +
        element('HostId', hostId);
      return {
        status,
        headers: { 'content-type': 'application/xml' },
        body: `<?xml version="1.0" encoding="UTF-8"?>\n${element('Error', content)}`,
      };
    }
  }
}

function modelledFields(error: AwsError, shape: StructureShape | undefined): Record<string, unknown> {
  return shape ? (encodeJson(shape, error.fields, { useJsonName: false }) as Record<string, unknown>) : {};
}

/** Shapes write it `message` or `Message`; each client reads both. */
function messageName(shape: StructureShape | undefined): string {
  return shape?.memberByName.has('Message') ? 'Message' : 'message';
}

function xmlns(service: BoundService | undefined): string {
  return service?.model.xmlNamespace ? ` xmlns="${service.model.xmlNamespace}"` : '';
}
