// XML bodies (restXml, awsQuery answers): https://smithy.io/2.0/spec/protocol-traits.html#xml-bindings

import { isUtf8 } from 'node:buffer';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { toBase64 } from './json-codec.ts';
import { SerializationError } from './serialization-error.ts';
import type { ListShape, MapShape, Member, Shape, StructureShape, Traits } from './shapes.ts';
import { formatTimestamp, parseTimestamp } from './timestamps.ts';

const TEXT = '#text';
const ATTRIBUTE = '@';
/** Deeper documents than any AWS shape has are refused before they can exhaust the stack. */
const DEEPEST_NESTING = 100;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE,
  textNodeName: TEXT,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  removeNSPrefix: false,
  processEntities: true,
  htmlEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  alwaysCreateTextNode: true,
});

type XmlNode = { [name: string]: XmlNode | XmlNode[] | string };

/** Reads a document whose root stands for `shape`; the root's name is not checked, as AWS does not. */
export function decodeXmlBody(shape: StructureShape, body: Buffer): Record<string, unknown> {
  return decodeStructure(shape, parseXmlRoot(body).node);
}

export function parseXmlRoot(body: Buffer): { name: string; node: XmlNode } {
  if (!isUtf8(body)) throw new SerializationError('Invalid UTF-8 in the request body');
  const text = body.toString('utf8');
  // Entities that a document declares itself have no place in an API call, and are a way to exhaust memory.
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new SerializationError('A document type declaration is not allowed');
  checkNesting(text);
  const valid = XMLValidator.validate(text, { allowBooleanAttributes: false });
  if (valid !== true) throw new SerializationError(valid.err.msg);
  const document = parser.parse(text) as XmlNode;
  const name = Object.keys(document).find((key) => key !== TEXT);
  if (name === undefined) throw new SerializationError('The document has no root element');
  const node = document[name]!;
  if (Array.isArray(node) || typeof node === 'string') throw new SerializationError('The document has several roots');
  return { name, node };
}

function checkNesting(text: string): void {
  let depth = 0;
  for (const [tag] of text.matchAll(/<[^!?][^>]*>/g)) {
    if (tag.startsWith('</')) depth--;
    else if (!tag.endsWith('/>') && ++depth > DEEPEST_NESTING)
      throw new SerializationError('Elements are nested too deeply');
  }
}

function decode(shape: Shape, node: XmlNode, traits: Traits): unknown {
  switch (shape.kind) {
    case 'structure':
      return decodeStructure(shape, node);
    case 'list':
      return decodeItems(shape, children(node, itemName(shape)));
    case 'map':
      return decodeEntries(shape, children(node, 'entry'));
    default:
      return decodeText(shape, textOf(node), traits);
  }
}

function decodeStructure(shape: StructureShape, node: XmlNode): Record<string, unknown> {
  const output: Record<string, unknown> = {};
  for (const member of shape.members) {
    const name = member.traits.xmlName ?? member.name;
    if (member.traits.xmlAttribute) {
      const attribute = node[ATTRIBUTE + name];
      if (typeof attribute === 'string') output[member.name] = attribute;
      continue;
    }
    const found = children(node, name);
    if (found.length === 0) continue;
    const { shape: memberShape, traits } = member;
    if (memberShape.kind === 'list' && traits.xmlFlattened) output[member.name] = decodeItems(memberShape, found);
    else if (memberShape.kind === 'map' && traits.xmlFlattened) output[member.name] = decodeEntries(memberShape, found);
    else output[member.name] = decode(memberShape, found[0]!, traits);
  }
  return output;
}

function decodeItems(shape: ListShape, nodes: XmlNode[]): unknown[] {
  return nodes.map((node) => decode(shape.member.shape, node, shape.member.traits));
}

function decodeEntries(shape: MapShape, nodes: XmlNode[]): Record<string, unknown> {
  const output: Record<string, unknown> = {};
  for (const node of nodes) {
    const key = children(node, shape.key.traits.xmlName ?? 'key')[0];
    const value = children(node, shape.value.traits.xmlName ?? 'value')[0];
    if (key) output[textOf(key)] = value ? decode(shape.value.shape, value, shape.value.traits) : undefined;
  }
  return output;
}

function itemName(shape: ListShape): string {
  return shape.member.traits.xmlName ?? 'member';
}

function children(node: XmlNode, name: string): XmlNode[] {
  if (!Object.hasOwn(node, name)) return [];
  const found = node[name]!;
  return (Array.isArray(found) ? found : [found]).map((child) =>
    typeof child === 'string' ? { [TEXT]: child } : child,
  );
}

function textOf(node: XmlNode): string {
  const text = node[TEXT];
  return typeof text === 'string' ? text : '';
}

/** Reads a scalar from its text; shared by XML, query strings, headers and path labels. */
export function decodeText(shape: Shape, text: string, _traits: Traits = {}): unknown {
  switch (shape.kind) {
    case 'number': {
      const trimmed = text.trim();
      if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) return Number(trimmed);
      if (/^[+-]?Infinity$|^NaN$/.test(trimmed)) return Number(trimmed);
      throw new SerializationError(`${JSON.stringify(text)} is not a number`);
    }
    case 'boolean': {
      const lower = text.trim().toLowerCase();
      if (lower === 'true' || lower === '1') return true;
      if (lower === 'false' || lower === '0') return false;
      throw new SerializationError(`${JSON.stringify(text)} is not a boolean`);
    }
    case 'timestamp':
      return parseTimestamp(text.trim());
    case 'blob':
      return Buffer.from(text, 'base64');
    case 'bigInteger':
      if (!/^[+-]?\d+$/.test(text.trim())) throw new SerializationError(`${JSON.stringify(text)} is not an integer`);
      return BigInt(text.trim());
    default:
      return text;
  }
}

/** The text of a scalar in XML or a header. */
export function encodeText(shape: Shape, value: any, timestampFormat: 'dateTime' | 'httpDate'): string {
  switch (shape.kind) {
    case 'timestamp':
      return formatTimestamp(value, shape.format ?? timestampFormat);
    case 'blob':
      return toBase64(value);
    default:
      return String(value);
  }
}

/** `<name>…</name>` of a structure's members; `skip` leaves out those bound elsewhere. */
export function encodeXmlMembers(shape: StructureShape, value: any, skip?: (member: Member) => boolean): string {
  let xml = '';
  for (const member of shape.members) {
    const given = value[member.name];
    if (given === undefined || given === null || member.traits.xmlAttribute || skip?.(member)) continue;
    xml += encodeXmlElement(member.traits.xmlName ?? member.name, member.shape, given, member.traits);
  }
  return xml;
}

export function encodeXmlElement(name: string, shape: Shape, value: any, traits: Traits = {}): string {
  switch (shape.kind) {
    case 'structure':
      return element(name, encodeXmlMembers(shape, value), attributesOf(shape, value, traits));
    case 'list': {
      if (traits.xmlFlattened) {
        return value
          .map((item: unknown) => encodeXmlElement(name, shape.member.shape, item, shape.member.traits))
          .join('');
      }
      const items = value.map((item: unknown) =>
        encodeXmlElement(itemName(shape), shape.member.shape, item, shape.member.traits),
      );
      return element(name, items.join(''), attributesOf(shape, value, traits));
    }
    case 'map': {
      const entries = Object.entries(value)
        .filter(([, item]) => item !== undefined && item !== null)
        .map(
          ([key, item]) =>
            element(shape.key.traits.xmlName ?? 'key', escapeXml(key)) +
            encodeXmlElement(shape.value.traits.xmlName ?? 'value', shape.value.shape, item, shape.value.traits),
        );
      if (traits.xmlFlattened) return entries.map((entry) => element(name, entry)).join('');
      return element(name, entries.map((entry) => element('entry', entry)).join(''));
    }
    default:
      return element(name, escapeXml(encodeText(shape, value, 'dateTime')), attributesOf(shape, value, traits));
  }
}

function attributesOf(shape: Shape, value: any, traits: Traits): string {
  let attributes = traits.xmlNamespace ? namespaceAttribute(traits.xmlNamespace) : '';
  if (shape.kind !== 'structure') return attributes;
  for (const member of shape.members) {
    const given = value[member.name];
    if (member.traits.xmlAttribute && given !== undefined && given !== null) {
      attributes += ` ${member.traits.xmlName ?? member.name}="${escapeXml(String(given))}"`;
    }
  }
  return attributes;
}

function namespaceAttribute([prefix, uri]: [string, string]): string {
  return prefix ? ` xmlns:${prefix}="${uri}"` : ` xmlns="${uri}"`;
}

export function element(name: string, content: string, attributes = ''): string {
  return content === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\r': '&#xD;' };

/** XML 1.0 cannot carry most control characters at all; AWS writes them as numeric references all the same. */
export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"\x00-\x08\x0b-\x1f]/g,
    (c) => ENTITIES[c] ?? `&#x${c.charCodeAt(0).toString(16).toUpperCase()};`,
  );
}
