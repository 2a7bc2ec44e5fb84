import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../../app/open-database.ts';
import { describeWith } from '../../real-parts.ts';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  return port;
}

const open = (databaseUrl: string) => openDatabase({ databaseUrl, stateFolder: '/nowhere' });

function refusal(place: string): object {
  return {
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(new RegExp(`\\(${place}\\)(?!.*(?:hunter2|s3cret))`)),
  };
}

describe('a Postgres that cannot be reached', () => {
  it('is named by host and port, never by user or password', async () => {
    const port = await closedPort();
    await expect(open(`postgres://s3cret:hunter2@127.0.0.1:${port}/db?password=hunter2`)).rejects.toMatchObject(
      refusal(`127.0.0.1:${port}`),
    );
    await expect(open('postgres://s3cret:hunter2@nowhere.invalid/db')).rejects.toMatchObject(
      refusal('nowhere.invalid:5432'),
    );
  });

  it('also where something else listens there', async () => {
    const server = createServer((socket) => socket.destroy());
    onTestFinished(() => void server.close());
    const port = await listening(server);
    await expect(open(`postgres://s3cret:hunter2@127.0.0.1:${port}/db`)).rejects.toMatchObject(
      refusal(`127.0.0.1:${port}`),
    );
  });
});

describeWith('postgres', 'a Postgres that refuses', (given) => {
  it.each(['user', 'database'])('the %s is named by host and port', async (part) => {
    const url = new URL(given);
    if (part === 'user') url.username = 's3cret';
    else url.pathname = '/s3cret';
    await expect(open(url.href)).rejects.toMatchObject(refusal(`${url.hostname}:${url.port || 5432}`));
  });
});
