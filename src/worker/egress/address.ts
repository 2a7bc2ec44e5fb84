import { BlockList, isIP } from 'node:net';

/**
 * What kind of place an address is.
 *
 * `forbidden`: no step has business there, whatever it lists: this link with its metadata services, which hand out the
 * machine's credentials; groups, and what stands for no host. `loopback`, `private`: a name that somebody else controls
 * must not lead there.
 */
export type AddressKind = 'forbidden' | 'loopback' | 'private' | 'public';

/** @source https://www.iana.org/assignments/iana-ipv4-special-registry */
const FORBIDDEN_V4 = ['0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'];
/** Metadata services outside of 169.254.0.0/16: of Alibaba, Azure (its WireServer) and Oracle. */
const METADATA_V4 = ['100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32'];
const PRIVATE_V4 = ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16', '198.18.0.0/15'];
const LOOPBACK_V4 = ['127.0.0.0/8'];
/**
 * 6to4 and Teredo are tunnels to an IPv4 address, and given up; then link-local, groups; the metadata services of AWS and Google.
 * @source https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const FORBIDDEN_V6 = [
  '::/128',
  '2002::/16',
  '2001::/32',
  'fe80::/10',
  'ff00::/8',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
];
const PRIVATE_V6 = ['64:ff9b:1::/48', 'fc00::/7', 'fec0::/10'];
const LOOPBACK_V6 = ['::1/128'];
/** Addresses behind it end with one of IPv4 (NAT64, RFC 6052), which is where they lead. */
const NAT64_PREFIX = '64:ff9b::';
const NAT64_BITS = 96;

const FORBIDDEN = blockList([...FORBIDDEN_V4, ...METADATA_V4], FORBIDDEN_V6);
// "IPv4-compatible", given up with RFC 4291; what begins like ::1 and is not it.
FORBIDDEN.addRange('::2', '::ffff:ffff', 'ipv6');
const LOOPBACK = blockList(LOOPBACK_V4, LOOPBACK_V6);
const PRIVATE = blockList(PRIVATE_V4, PRIVATE_V6);

export function addressKind(address: string): AddressKind {
  const version = isIP(address);
  // A zone (`fe80::1%eth0`) belongs to a link, and no list would find such an address.
  if (version === 0 || address.includes('%')) return 'forbidden';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (FORBIDDEN.check(address, family)) return 'forbidden';
  if (LOOPBACK.check(address, family)) return 'loopback';
  return PRIVATE.check(address, family) ? 'private' : 'public';
}

/** A list finds addresses of IPv4 also where they are written as mapped ones of IPv6. */
function blockList(v4: readonly string[], v6: readonly string[]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of v4.map(parts)) {
    list.addSubnet(network, bits, 'ipv4');
    list.addSubnet(`${NAT64_PREFIX}${network}`, NAT64_BITS + bits, 'ipv6');
  }
  for (const [network, bits] of v6.map(parts)) list.addSubnet(network, bits, 'ipv6');
  return list;
}

function parts(subnet: string): readonly [string, number] {
  const [network = '', bits = ''] = subnet.split('/');
  return [network, Number(bits)];
}
