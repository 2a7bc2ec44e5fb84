import { describe, expect, it } from 'vitest';
import { ADDRESSES_MAX, LOOKUPS_MAX } from '../../../src/worker/egress/limits.ts';
import { Lookups } from '../../../src/worker/egress/lookups.ts';

describe('names', () => {
  it('are looked up a few at a time, each once however many ask, and anew when they ask later', async () => {
    const asked: string[] = [];
    let running = 0;
    const lookups = new Lookups(async (host) => {
      asked.push(host);
      expect(++running).toBeLessThanOrEqual(LOOKUPS_MAX);
      await new Promise((done) => setImmediate(done));
      running--;
      return [`address of ${host}`];
    });
    const hosts = ['a', 'b', 'a', 'c', 'd', 'a', 'd'];
    const found = await Promise.all(hosts.map((host) => lookups.find(host)));
    expect(found).toEqual(hosts.map((host) => [`address of ${host}`]));
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
    await lookups.find('a');
    expect(asked).toEqual(['a', 'b', 'c', 'd', 'a']);
  });

  it('that are not known hold up no other', async () => {
    const lookups = new Lookups(async (host) => {
      if (host.startsWith('bad')) throw new Error('ENOTFOUND');
      return [host];
    });
    const bad = Array.from({ length: 5 }, (_, i) => lookups.find(`bad${i}`));
    const good = lookups.find('good');
    for (const one of bad) await expect(one).rejects.toThrow('ENOTFOUND');
    expect(await good).toEqual(['good']);
  });

  it('with thousands of addresses give a few', async () => {
    const lookups = new Lookups(async () => Array.from({ length: 5000 }, (_, i) => `10.0.0.${i}`));
    expect(await lookups.find('many')).toHaveLength(ADDRESSES_MAX);
  });
});
