// Without access keys anything on this machine may call Brume, but a web page in the user's browser must not: a form post
// needs no preflight and could create a function. Pages of other origins are told by Origin and Sec-Fetch-Site, and names
// that a stranger's DNS could point at loopback (rebinding) by Host.

import { AwsError } from '#core/errors.ts';

/** Throws AccessDenied for what only a foreign web page would send. */
export function refuseForeignPages(headers: Readonly<Record<string, string | undefined>>): void {
  const { origin, host } = headers;
  if (origin !== undefined && !(URL.canParse(origin) && isLocalName(new URL(origin).hostname))) {
    throw denied(`the web page ${origin} is not on this machine`);
  }
  if (headers['sec-fetch-site'] === 'cross-site') throw denied('a web page of another site sent it');
  if (host !== undefined && !isLocalName(host.replace(/:\d+$/, ''))) {
    throw denied(`the host name ${host} is not one of this machine`);
  }
}

/** Loopback, names without a dot (containers), and domains that public DNS does not serve. */
function isLocalName(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (!name.includes('.')) return true;
  return /^127\.\d+\.\d+\.\d+$|\.localhost$|\.internal$|\.local$|\.test$|\.amazonaws\.com$/.test(name);
}

function denied(reason: string): AwsError {
  return new AwsError('AccessDenied', `Brume refused the request: ${reason}. Configure access keys to serve it.`, {
    status: 403,
  });
}
