// awsQuery requests: form parameters such as `MetricData.member.1.Dimensions.member.2.Name=x`.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html

import { SerializationError } from './serialization-error.ts';
import type { ListShape, MapShape, Member, Shape, StructureShape } from './shapes.ts';
import { decodeText } from './xml-codec.ts';

/** Parameters as a tree on their dots. */
interface ParameterNode {
  value: string | undefined;
  children: Map<string, ParameterNode> | undefined;
}

/** More parameters than AWS's largest query request (1,000 data of 30 dimensions) could need. */
const MOST_PARAMETERS = 200_000;
const DEEPEST_PATH = 32;

export function decodeQueryInput(
  shape: StructureShape,
  parameters: Iterable<[string, string]>,
): Record<string, unknown> {
  return decodeStructure(shape, buildTree(parameters));
}

function buildTree(parameters: Iterable<[string, string]>): ParameterNode {
  const root: ParameterNode = { value: undefined, children: undefined };
  let count = 0;
  for (const [path, value] of parameters) {
    if (++count > MOST_PARAMETERS) throw new SerializationError('Too many parameters');
    const names = path.split('.');
    if (names.length > DEEPEST_PATH)
      throw new SerializationError(`Parameter name is nested too deeply: ${path.slice(0, 100)}`);
    let node = root;
    for (const name of names) {
      node.children ??= new Map();
      let child = node.children.get(name);
      if (!child) {
        child = { value: undefined, children: undefined };
        node.children.set(name, child);
      }
      node = child;
    }
    node.value = value;
  }
  return root;
}

function decode(shape: Shape, node: ParameterNode, flattened: boolean): unknown {
  switch (shape.kind) {
    case 'structure':
      return decodeStructure(shape, node);
    case 'list':
      return decodeList(shape, node, flattened);
    case 'map':
      return decodeMap(shape, node, flattened);
    default:
      if (node.value === undefined) throw new SerializationError('Unexpected complex element');
      return decodeText(shape, node.value);
  }
}

function decodeStructure(shape: StructureShape, node: ParameterNode): Record<string, unknown> {
  const output: Record<string, unknown> = {};
  if (!node.children) return output;
  for (const member of shape.members) {
    const child = findMember(node, member);
    if (child) output[member.name] = decode(member.shape, child, member.traits.xmlFlattened === 1);
  }
  return output;
}

function findMember(node: ParameterNode, member: Member): ParameterNode | undefined {
  const wireName = member.traits.xmlName;
  if (wireName !== undefined) {
    const named = node.children!.get(wireName);
    if (named) return named;
  }
  return node.children!.get(member.name);
}

function decodeList(shape: ListShape, node: ParameterNode, flattened: boolean): unknown[] {
  // `List=` is how an empty list is sent. Some clients write flattened lists with `member`, and the other way round.
  let container: ParameterNode | undefined = node;
  const itemName = shape.member.traits.xmlName ?? 'member';
  const named = node.children?.get(itemName) ?? node.children?.get('member');
  if (named && (!flattened || !isIndexed(node))) container = named;
  if (!container.children) return [];
  return [...container.children.entries()]
    .map(([index, child]) => [parseIndex(index), child] as const)
    .sort(([a], [b]) => a - b)
    .map(([, child]) => decode(shape.member.shape, child, false));
}

function decodeMap(shape: MapShape, node: ParameterNode, flattened: boolean): Record<string, unknown> {
  const entries = flattened && isIndexed(node) ? node : (node.children?.get('entry') ?? node);
  const output: Record<string, unknown> = {};
  for (const entry of entries.children?.values() ?? []) {
    const key = findNamed(entry, shape.key.traits.xmlName, 'key');
    const value = findNamed(entry, shape.value.traits.xmlName, 'value');
    if (key?.value === undefined) continue;
    Object.defineProperty(output, key.value, {
      value: value === undefined ? undefined : decode(shape.value.shape, value, false),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return output;
}

function findNamed(entry: ParameterNode, wireName: string | undefined, plainName: string): ParameterNode | undefined {
  return (wireName === undefined ? undefined : entry.children?.get(wireName)) ?? entry.children?.get(plainName);
}

function isIndexed(node: ParameterNode): boolean {
  for (const name of node.children?.keys() ?? []) if (/^\d+$/.test(name)) return true;
  return false;
}

function parseIndex(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new SerializationError(`Invalid list index ${JSON.stringify(text)}`);
  return Number(text);
}
