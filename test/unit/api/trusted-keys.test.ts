import { expect, it } from 'vitest';
import { parseTrustedKeys, trustedKeysDocument } from '../../../src/provenance/trusted-keys.ts';
import { sampleSigner } from '../provenance/sample-run.ts';
import { Door } from './door.ts';

const GET = { method: 'GET', body: null } as const;
const PATH = '/.well-known/maestro/keys.json';

it('publishes to anyone the public keys of receipts, as a verifier reads them', async () => {
  const { publicKeyPem } = await sampleSigner();
  const door = await new Door().open({
    trustedKeys: trustedKeysDocument([{ publicKeyPem, notAfter: '2027-01-01T00:00:00Z' }]),
  });
  const answer = await fetch(door.url + PATH);
  expect(answer.status).toBe(200);
  const keys = parseTrustedKeys(Buffer.from(await answer.arrayBuffer()));
  expect(keys).toEqual([{ publicKeyPem, notAfter: '2027-01-01T00:00:00Z' }]);
  const document = await door.call('/api/v1/openapi.json', null, GET);
  expect(Object.keys(document.body.paths)).toContain(PATH);
  await door.close();
});
