import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const ADVISORIES = '/-/npm/v1/security/advisories/bulk';
/** Of the one package that the library is made with. */
const ADVISORY = {
  '@acme/lint-rules': [
    {
      id: 1,
      url: 'https://packages.acme.example/advisories/1',
      title: 'A rule looks at a long line for minutes',
      severity: 'moderate',
      vulnerable_versions: '<1.5.0',
    },
  ],
};

export interface NpmRegistry {
  readonly url: string;
  close(): Promise<void>;
}

/** The organisation's own registry of npm packages, on loopback: `npm audit` asks it which weaknesses are known. */
export async function startNpmRegistry(): Promise<NpmRegistry> {
  const server = createServer((request, response) => {
    request.resume();
    const isAudit = request.method === 'POST' && request.url === ADVISORIES;
    response.writeHead(isAudit ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isAudit ? ADVISORY : { error: 'not found' }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
