import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listening, listen } from '../../../../app/server/listen.ts';

const errors: string[] = [];
let server: Listening;

beforeAll(async () => {
  server = await listen(
    { host: '127.0.0.1', port: 0 },
    {
      webhooks: async (request, response) => {
        await once(request.resume(), 'end');
        response.end('a webhook');
      },
      api: async (_request, response) => void response.end('the API'),
    },
    (error) => errors.push(error instanceof Error ? error.message : String(error)),
  );
});

afterAll(() => server.close(0));

/** Answers what came back until the server closed the connection. */
async function say(text: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (part) => {
    answer += part;
  });
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

describe('the door of a server', () => {
  it('lives on when it is asked for what is no URL', async () => {
    for (const path of ['//', 'http://[', '/\\'])
      expect(await say(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`)).toContain('the API');
  });

  it('tells webhooks by their path, whatever the query', async () => {
    const post = (path: string) => say(`POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(await post('/api/github/webhooks?a=b')).toContain('a webhook');
    expect(await post('/api/github/webhooks/more')).toContain('the API');
  });

  it('lives on when a caller goes away in the middle of a body', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write('POST /api/github/webhooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf', () => {
      setImmediate(() => socket.destroy());
    });
    await once(socket, 'close');
    await expect.poll(() => errors).toEqual(['aborted']);
    expect(await say('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toContain('the API');
  });
});
