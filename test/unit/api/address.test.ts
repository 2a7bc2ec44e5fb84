import { describe, expect, it } from 'vitest';
import { addressKey, forwardedAddress } from '../../../src/api/address.ts';

describe('the address that calls count for', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['[::ffff:203.0.113.7]:443', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
    ['unknown', 'unknown'],
    ['x'.repeat(1000), 'x'.repeat(64)],
  ])('%s is that of %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it.each([
    ['1.1.1.1', '1.1.1.1'],
    ['9.9.9.9, 1.1.1.1', '1.1.1.1'],
    ['9.9.9.9,  1.1.1.1 ', '1.1.1.1'],
    ['', '10.0.0.1'],
    [', ', '10.0.0.1'],
    [null, '10.0.0.1'],
    [undefined, '10.0.0.1'],
  ])('behind a proxy that says %j is what the nearest one saw', (header, address) => {
    expect(forwardedAddress(header, '10.0.0.1')).toBe(address);
  });
});
