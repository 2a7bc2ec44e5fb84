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
  /** Sends as it comes, without saying how much that will be; resolves when an answer or the end of the connection came. */
  const stream = async (parts: readonly string[]): Promise<void> => {
    const sent = request({ port, method: 'POST' });
    const over = new Promise<void>((resolve) => {
      for (const event of ['response', 'close', 'error']) sent.on(event, () => resolve());
    });
    for (const part of parts) sent.write(part);
    sent.end();
    await over;
  };
  /** Sends a part and leaves the rest open. */
  const send = async (text: string, isWhole: boolean): Promise<void> => {
    const sent = request({ port, method: 'POST', headers: { 'content-length': isWhole ? text.length : 999 } });
    sent.on('error', () => {});
    await new Promise<void>((resolve) => sent.write(text, () => resolve()));
    if (isWhole) sent.end();
  };
  return { reads, send, stream };
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

  it('are whole with as many bytes as they may have, and too large with one more, also where none were announced', async () => {
    const { reads, send, stream } = await reading({ heldBytesMax: 1500, msMax: 60_000 });
    await send('x'.repeat(1001), true);
    await stream(['x'.repeat(600), 'x'.repeat(401)]);
    await expect.poll(() => reads).toEqual([{ type: 'too-large' }, { type: 'too-large' }]);
    await stream(['x'.repeat(600), 'x'.repeat(400)]);
    expect(reads.map(({ type }) => type)).toEqual(['too-large', 'too-large', 'whole']);
    // What was too large holds nothing any more.
    if (reads[2]?.type === 'whole') reads[2].release();
    await stream(['x'.repeat(1000)]);
    expect(reads.map(({ type }) => type)).toEqual(['too-large', 'too-large', 'whole', 'whole']);
  });

  it('that never end are cut off, and hold nothing any more', async () => {
    const { reads, send } = await reading({ heldBytesMax: 1500, msMax: 100 });
    await send('x'.repeat(900), false);
    await expect.poll(() => reads).toEqual([{ type: 'gone' }]);
    await send('x'.repeat(900), true);
    await expect.poll(() => reads.map(({ type }) => type)).toEqual(['gone', 'whole']);
  });
});
