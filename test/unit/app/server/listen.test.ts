import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { listen } from '../../../../app/server/listen.ts';

it('a port that somebody else has is told as a wrong setting', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const door = (): Promise<void> => Promise.resolve();
  const listening = listen({ host: '127.0.0.1', port }, { webhooks: door, api: door }, () => {});
  await expect(listening).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  other.close();
});
