import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type BodyRead, openBodyReader } from '../../../../app/server/webhook-body.ts';

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

/** A server that reads bodies under limits, and what it made of them in the order of their ends. */
async function reading(limits: { readonly heldBytesMax: number; readonly msMax: number }) {
  const reads: BodyRead[] = [];
  const read = openBodyReader({ bytesMax: 1000, ...limits });
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      reads.push(await read(incoming));
      outgoing.end();
    })();
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  /** Sends a part and leaves the rest open. */
  const send = async (text: string, isWhole: boolean): Promise<void> => {
    const sent = request({ port, method: 'POST', headers: { 'content-length': isWhole ? text.length : 999 } });
    sent.on('error', () => {});
    await new Promise<void>((resolve) => sent.write(text, () => resolve()));
    if (isWhole) sent.end();
  };
  return { reads, send };
}

describe('bodies of strangers', () => {
  it('take no more memory together than there is room for, and give it back', async () => {
    const { reads, send } = await reading({ heldBytesMax: 1500, msMax: 60_000 });
    await send('x'.repeat(900), true);
    await expect.poll(() => reads.map(({ type }) => type)).toEqual(['whole']);
    // The first one is still worked on.
    await send('x'.repeat(900), true);
    await expect.poll(() => reads.map(({ type }) => type)).toEqual(['whole', 'no-room']);
    const [first] = reads;
    if (first?.type === 'whole') first.release();
    await send('x'.repeat(900), true);
    await expect.poll(() => reads.map(({ type }) => type)).toEqual(['whole', 'no-room', 'whole']);
  });

  it('that never end are cut off, and hold nothing any more', async () => {
    const { reads, send } = await reading({ heldBytesMax: 1500, msMax: 100 });
    await send('x'.repeat(900), false);
    await expect.poll(() => reads).toEqual([{ type: 'gone' }]);
    await send('x'.repeat(900), true);
    await expect.poll(() => reads.map(({ type }) => type)).toEqual(['gone', 'whole']);
  });
});
