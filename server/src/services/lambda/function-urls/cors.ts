// Cross-origin answers of function URLs. https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors

import type { CorsDocument } from './documents.ts';

/** Whether a request is a preflight, which Lambda answers by itself where CORS is configured. */
export function isPreflight(method: string, headers: Readonly<Record<string, string>>): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

/** The headers of an answer; none for an origin that is not allowed. Lower case: they replace the function's own. */
export function corsHeaders(
  cors: CorsDocument,
  request: Readonly<Record<string, string>>,
  preflight: boolean,
): Record<string, string> {
  const { origin } = request;
  if (origin === undefined) return {};
  const origins = cors.allowOrigins ?? [];
  const isAllowed = origins.includes('*') || origins.some((allowed) => allowed.toLowerCase() === origin.toLowerCase());
  if (!isAllowed) return {};
  const common = {
    // With credentials browsers refuse the star.
    'access-control-allow-origin': origins.includes('*') && !cors.allowCredentials ? '*' : origin,
    ...(origins.includes('*') && !cors.allowCredentials ? {} : { vary: 'Origin' }),
    ...(cors.allowCredentials ? { 'access-control-allow-credentials': 'true' } : {}),
  };
  if (!preflight) {
    return cors.exposeHeaders ? { ...common, 'access-control-expose-headers': cors.exposeHeaders.join(',') } : common;
  }
  return {
    ...common,
    ...(cors.allowMethods ? { 'access-control-allow-methods': cors.allowMethods.join(',') } : {}),
    ...(cors.allowHeaders ? { 'access-control-allow-headers': cors.allowHeaders.join(',') } : {}),
    ...(cors.maxAgeS === undefined ? {} : { 'access-control-max-age': String(cors.maxAgeS) }),
  };
}
