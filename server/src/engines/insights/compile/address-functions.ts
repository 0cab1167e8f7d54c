// IP addresses: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html

import { join, type Sql, sql } from '#storage/telemetry/sql.ts';
import type { ScalarFunction } from './functions.ts';
import { asText, boolean, number } from './values.ts';

/** 0 where the argument is missing. */
const test =
  (render: (...args: Sql[]) => Sql): ScalarFunction =>
  (args) =>
    boolean(sql`toUInt8(ifNull(${render(...args.map(asText))}, 0))`);

/** https://www.rfc-editor.org/rfc/rfc1918 and https://www.rfc-editor.org/rfc/rfc4193 */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];
/** https://www.iana.org/assignments/iana-ipv4-special-registry and its sister for IPv6, without those above. */
const RESERVED = [
  ...['0.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24'],
  ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...['::/127', '::ffff:0:0/96', '100::/64', '2001:db8::/32', 'fe80::/10', 'ff00::/8'],
];

export const ADDRESS_FUNCTIONS: Record<string, ScalarFunction> = {
  isValidIp: test((a) => sql`isIPv4String(${a}) OR isIPv6String(${a})`),
  isValidIpv4: test((a) => sql`isIPv4String(${a})`),
  isValidIpv6: test((a) => sql`isIPv6String(${a})`),
  isIpInSubnet: test((a, subnet) => inSubnet(sql`isIPv4String(${a}) OR isIPv6String(${a})`, a!, subnet!)),
  isIpv4InSubnet: test((a, subnet) => inSubnet(sql`isIPv4String(${a})`, a!, subnet!)),
  isIpv6InSubnet: test((a, subnet) => inSubnet(sql`isIPv6String(${a})`, a!, subnet!)),
  ipv4ToNumber: ([a]) => number(sql`IPv4StringToNumOrNull(${asText(a!)})`),
  isPrivateIP: test((a) => inOneOf(a!, PRIVATE)),
  isReservedIP: test((a) => inOneOf(a!, RESERVED)),
  isPublicIP: test((a) => sql`(${isAddress(a!)}) AND NOT ${inOneOf(a!, [...PRIVATE, ...RESERVED])}`),
};

function isAddress(a: Sql): Sql {
  return sql`isIPv4String(${a}) OR isIPv6String(${a})`;
}

function inOneOf(a: Sql, subnets: readonly string[]): Sql {
  const each = subnets.map((subnet) => sql`isIPAddressInRange(${orZeros(isAddress(a), a)}, ${subnet})`);
  return sql`(ifNull(${isAddress(a)}, 0) AND (${join(each, ' OR ')}))`;
}

/** ClickHouse throws on what is no address, so it is not asked about one. */
function orZeros(valid: Sql, address: Sql): Sql {
  return sql`if(ifNull(${valid}, 0), assumeNotNull(${address}), '0.0.0.0')`;
}

/** The length of a prefix fits its kind of address. */
const SUBNET = '^(?:[0-9.]+/(?:[12]?[0-9]|3[0-2])|[^/]*:[^/]*/(?:[0-9]{1,2}|1[01][0-9]|12[0-8]))$';

function inSubnet(valid: Sql, address: Sql, subnet: Sql): Sql {
  const base = sql`extract(ifNull(${subnet}, ''), '^[^/]*')`;
  const subnetValid = sql`match(${subnet}, ${SUBNET}) AND (isIPv4String(${base}) OR isIPv6String(${base}))`;
  const safeSubnet = sql`if(ifNull(${subnetValid}, 0), assumeNotNull(${subnet}), '0.0.0.0/32')`;
  return sql`ifNull(${valid}, 0) AND ifNull(${subnetValid}, 0) AND isIPAddressInRange(${orZeros(valid, address)}, ${safeSubnet})`;
}
