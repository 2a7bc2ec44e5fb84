import { isIPv4, isIPv6 } from 'node:net';

const KEY_CHARS_MAX = 64;
/** Of an IPv6 address: whoever has one has all that begin alike, and could come from a new one with each call. */
const HEXTETS = 4;

/** The address that the nearest proxy saw: it appends it, and what stands before was written by the caller. */
export function forwardedAddress(forwardedFor: string | null | undefined, socketAddress: string): string {
  return forwardedFor?.split(',').at(-1)?.trim() || socketAddress;
}

/** What calls from an address are counted under: without a port, and for IPv6 the network of 64 bits. */
export function addressKey(address: string): string {
  const bare = /^\[([^\]]*)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([0-9.]+):\d+$/, '$1');
  const mapped = /^::ffff:([0-9.]+)$/i.exec(bare)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return isIPv6(bare) ? network(bare) : bare.slice(0, KEY_CHARS_MAX);
}

function network(address: string): string {
  const [head = '', tail] = address.replace(/%.*$/, '').toLowerCase().split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const hextets = [...front, ...Array.from({ length: gap }, () => '0'), ...back];
  return `${hextets
    .slice(0, HEXTETS)
    .map((hextet) => hextet.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
