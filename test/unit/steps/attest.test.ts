import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import { MaestroError } from '../../../src/base/errors.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { leaseOf } from '../worker/leases.ts';
import { WorkRoom } from '../worker/work-room.ts';

const APP = { step: 'build', name: 'app', path: 'dist/app-1.tgz', digest: digestBytes('app'), sizeBytes: 3 };
const IMAGE = digestBytes('manifest');

describe.each([
  ['supplychain.sign', 'signature', '.sigstore.json'],
  ['supplychain.provenance', 'provenance', '.intoto.jsonl'],
] as const)('%s', (uses, kind, extension) => {
  let room: WorkRoom;
  beforeEach(() => {
    room = new WorkRoom();
  });
  afterEach(() => room.remove());
  const run = (input: JsonObject): Promise<Outcome> => room.run(leaseOf({}, { uses, with: input }));
  const written = (path: string): string => readFileSync(join(room.repositoryRoot, path), 'utf8');
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(room.repositoryRoot, path)), { recursive: true });
    writeFileSync(join(room.repositoryRoot, path), text);
  };

  it('asks for a statement about each file of an artifact, and keeps it beside the file', async () => {
    const other = { ...APP, path: 'dist/app-2.tgz', digest: digestBytes('app 2') };
    room.client.made.push(APP, other, { ...APP, name: 'docs' });
    const outcome = await run({ artifact: 'app' });
    expect(outcome).toMatchObject({
      kind: 'succeeded',
      outputs: {
        attested: [
          { name: 'app-1.tgz', digest: APP.digest, bundle: `dist/app-1.tgz${extension}` },
          { name: 'app-2.tgz', digest: other.digest, bundle: `dist/app-2.tgz${extension}` },
        ],
      },
      artifacts: [
        { name: 'app', path: `app-1.tgz${extension}` },
        { name: 'app', path: `app-2.tgz${extension}` },
      ],
    });
    expect(room.client.attested).toEqual([
      { kind, subjects: [{ name: 'app-1.tgz', digest: APP.digest }] },
      { kind, subjects: [{ name: 'app-2.tgz', digest: other.digest }] },
    ]);
    expect(written(`dist/app-1.tgz${extension}`)).toBe(JSON.stringify({ bundle: kind }));
  });

  it('stores files of the checkout before it asks, and keeps them with their statements', async () => {
    write('out/a.bin', 'content of a');
    const outcome = await run({ artifact: 'out/*.bin' });
    expect(room.client.blobs.has(digestBytes('content of a'))).toBe(true);
    expect(outcome.artifacts?.map(({ name, path }) => [name, path])).toEqual([
      ['attested', 'a.bin'],
      ['attested', `a.bin${extension}`],
    ]);
    expect(room.client.attested).toMatchObject([
      { subjects: [{ name: 'a.bin', digest: digestBytes('content of a') }] },
    ]);
  });

  it('asks for an image by its digest', async () => {
    const outcome = await run({ image: IMAGE, name: 'ghcr.io/acme/app' });
    expect(room.client.attested).toEqual([{ kind, subjects: [{ name: 'ghcr.io/acme/app', digest: IMAGE }] }]);
    expect(outcome.artifacts).toMatchObject([{ name: 'attested', path: `image-${IMAGE.slice(7, 19)}${extension}` }]);
  });

  it.each([
    [{}, 'INPUT_INVALID'],
    [{ artifact: 'app', name: 'x' }, 'INPUT_INVALID'],
    [{ image: 'sha256:short' }, 'INPUT_INVALID'],
    [{ artifact: 'nothing' }, 'ARTIFACT_NOT_FOUND'],
    [{ artifact: '../outside' }, 'INPUT_INVALID'],
  ])('refuses %j', async (input, errorCode) => {
    expect(await run(input)).toMatchObject({ kind: 'failed', errorCode });
    expect(room.client.attested).toEqual([]);
  });

  it('writes no statement outside of the checkout, nor through a link', async () => {
    room.client.made.push({ ...APP, path: '../../evil.tgz' });
    expect(await run({ artifact: 'app' })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
    room.client.made.splice(0, 1, { ...APP, path: 'away/app.tgz' });
    symlinkSync(dirname(room.repositoryRoot), join(room.repositoryRoot, 'away'));
    expect(await run({ artifact: 'app' })).toMatchObject({ kind: 'failed', errorCode: 'INPUT_INVALID' });
    expect(existsSync(join(dirname(room.repositoryRoot), `app.tgz${extension}`))).toBe(false);
  });

  it('refuses files whose statements would stand in one place, and more than it may ask about', async () => {
    room.client.made.push(APP, { ...APP, step: 'build[2]', digest: digestBytes('another') });
    expect(await run({ artifact: 'app' })).toMatchObject({ errorCode: 'INPUT_INVALID' });
    for (let i = 0; i < 65; i++) write(`many/${i}`, `${i}`);
    expect(await run({ artifact: 'many' })).toMatchObject({ errorCode: 'INPUT_INVALID' });
    expect(room.client.blobs.size).toBe(0);
  });

  it('fails where the conductor refuses, and says why', async () => {
    room.client.made.push(APP);
    room.client.beforeCall = (name) => {
      if (name === 'attest') throw new MaestroError('POLICY_DENIED', 'no statement for this step');
    };
    expect(await run({ artifact: 'app' })).toMatchObject({ kind: 'failed', errorCode: 'POLICY_DENIED' });
  });
});
