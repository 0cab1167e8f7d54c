// REST routing from the http traits: method, path template, and what of the query string and headers an operation
// needs (`PUT /{Key+}?x-id=UploadPart` is UploadPart when partNumber and uploadId are there, PutObject otherwise).

import type { OperationShape } from './shapes.ts';

export interface RestMatch {
  operation: OperationShape;
  labels: Record<string, string>;
}

interface Route {
  operation: OperationShape;
  segments: Segment[];
  /** Query names that must be there, with a value where the template gives one. */
  staticQuery: [name: string, value: string | undefined][];
  requiredQuery: string[];
  requiredHeaders: string[];
  /** S3 addresses the bucket outside the template. */
  needsBucket: boolean;
  implemented: boolean;
}

type Segment = { literal: string } | { label: string; greedy: boolean };

/** Query parameter by which SDKs name the operation; other clients leave it out. */
const OPERATION_HINT = 'x-id';

export class RestRouter {
  readonly #routesByMethod = new Map<string, Route[]>();

  constructor(operations: Iterable<OperationShape>, isImplemented: (name: string) => boolean) {
    for (const operation of operations) {
      if (!operation.traits.http) continue;
      const [method, template] = operation.traits.http;
      const routes = this.#routesByMethod.get(method) ?? [];
      routes.push(compileRoute(operation, template, isImplemented(operation.name)));
      this.#routesByMethod.set(method, routes);
    }
  }

  /** `path` is still percent-encoded; `bucket` is given for S3 alone, where it has been taken off the path. */
  match(
    method: string,
    path: string,
    query: URLSearchParams,
    headers: Readonly<Record<string, string | undefined>>,
    bucket?: string,
  ): RestMatch | undefined {
    let best: RestMatch | undefined;
    let bestScore = -1;
    for (const route of this.#routesByMethod.get(method) ?? []) {
      if (route.needsBucket !== (bucket !== undefined)) continue;
      const score = scoreOf(route, query, headers);
      // S3 tells its operations apart by what they require; others tell what is missing.
      if (score <= bestScore || (score < 0 && bucket !== undefined)) continue;
      const labels = matchPath(route.segments, path);
      if (!labels) continue;
      if (bucket !== undefined) labels.Bucket = bucket;
      best = { operation: route.operation, labels };
      bestScore = score;
    }
    return best;
  }
}

function compileRoute(operation: OperationShape, template: string, implemented: boolean): Route {
  const [path, queryText = ''] = template.split('?') as [string, string?];
  const segments = path
    .split('/')
    .slice(1)
    .map((text): Segment => {
      const label = /^\{(\w+)(\+?)\}$/.exec(text);
      return label ? { label: label[1]!, greedy: label[2] === '+' } : { literal: text };
    });
  const inPath = new Set(segments.flatMap((segment) => ('label' in segment ? [segment.label] : [])));
  const staticQuery = queryText
    .split('&')
    .filter((part) => part !== '')
    .map((part): [string, string | undefined] => {
      const [name, value] = part.split('=') as [string, string?];
      return [name, value];
    });
  const required = operation.input.members.filter((member) => member.required);
  return {
    operation,
    segments,
    staticQuery,
    requiredQuery: required.flatMap((member) => (member.traits.httpQuery ? [member.traits.httpQuery] : [])),
    requiredHeaders: required.flatMap((member) =>
      member.traits.httpHeader ? [member.traits.httpHeader.toLowerCase()] : [],
    ),
    needsBucket: operation.input.members.some(
      (member) => member.name === 'Bucket' && member.traits.httpLabel && !inPath.has('Bucket'),
    ),
    implemented,
  };
}

/** Less than what others have where the request lacks what the operation requires. */
const INCOMPLETE = -0.5;

/** -1 when the request is for another operation; more specific routes score higher. */
function scoreOf(route: Route, query: URLSearchParams, headers: Readonly<Record<string, string | undefined>>): number {
  let score = route.implemented ? 1 : 0;
  for (const [name, value] of route.staticQuery) {
    if (name === OPERATION_HINT) {
      if (query.get(name) === value) score += 2;
      continue;
    }
    if (value === undefined ? !query.has(name) : query.get(name) !== value) return -1;
    score += 100;
  }
  for (const name of route.requiredQuery) if (!query.has(name)) return INCOMPLETE;
  for (const name of route.requiredHeaders) if (headers[name] === undefined) return INCOMPLETE;
  return score + 10 * (route.requiredQuery.length + route.requiredHeaders.length);
}

function matchPath(segments: Segment[], path: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  const parts = path.split('/').slice(1);
  const greedyAt = segments.findIndex((segment) => 'label' in segment && segment.greedy);
  if (greedyAt < 0) {
    // A trailing slash is no part of the path: `/2015-03-31/functions/` lists functions.
    if (parts.length === segments.length + 1 && parts.at(-1) === '') parts.pop();
    if (parts.length !== segments.length) return undefined;
  } else if (parts.length < segments.length) return undefined;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!;
    if ('literal' in segment) {
      if (segment.literal !== parts[i]) return undefined;
      continue;
    }
    const text = segment.greedy ? parts.slice(i).join('/') : parts[i]!;
    if (text === '') return undefined;
    labels[segment.label] = decodePercent(text);
    if (segment.greedy) break;
  }
  return labels;
}

export function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
