// Log lines for benches: text of services, JSON of functions and access logs, mixed, each from its number alone, so that
// the same count gives the same lines. About 200 bytes a line.

/** A word that stands in one line of 200,000. */
export const NEEDLE = 'needle-7f3a9c';
const NEEDLE_EVERY = 200_000;

const ROUTES = ['/api/v1/orders', '/api/v1/items', '/health', '/api/v2/customers', '/static/app.js'];
const LEVELS = ['debug', 'info', 'info', 'info', 'info', 'warn', 'error'];

export function logLine(n: number): string {
  const random = mix(n);
  const id = random.toString(16).padStart(8, '0');
  const ms = random % 4_000;
  const route = ROUTES[random % ROUTES.length]!;
  const needle = n % NEEDLE_EVERY === NEEDLE_EVERY / 2 ? ` ${NEEDLE}` : '';
  switch (n % 3) {
    case 0:
      return `${LEVELS[random % 7]!.toUpperCase()} worker-${random % 16} request ${id} to ${route}/${random % 50_000} took ${ms} ms, ${random % 11 === 0 ? 'timed out after 3 attempts and was handed to the dead letter queue' : 'answered from the second replica without a retry'} trace=${id}-${(ms * 7919).toString(16)}-${id} region=eu-central-1${needle}`;
    case 1:
      return `{"level":"${LEVELS[random % 7]}","requestId":"${id}-4c2e-9d1b","route":"${route}","status":${random % 23 === 0 ? 500 : 200},"duration":${ms},"customer":{"id":${random % 90_000},"plan":"${random % 2 === 0 ? 'free' : 'paid'}"},"traceId":"1-${id}-${id}${id}","message":"order transformed and stored${needle}"}`;
    default:
      return `10.${random % 256}.${(random >>> 8) % 256}.${(random >>> 16) % 256} - user${random % 5_000} [23/Nov/2026:02:10:06 +0000] "GET ${route}/${random % 50_000}?page=${random % 40} HTTP/1.1" ${random % 31 === 0 ? 404 : 200} ${random % 9_000} "-" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)${needle}"`;
  }
}

/** 32 bits that look random. */
function mix(n: number): number {
  let x = Math.imul(n + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  return (x ^ (x >>> 13)) >>> 0;
}
