import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { EMPTY_ROOT } from '../../src/provenance/disclosure/verify-text.ts';
import { openLocalSigner } from '../../src/provenance/signers/local.ts';
import { describeWith, type PartName, part } from '../real-parts.ts';
import { openRegistry, type RealRegistry } from '../real-registry.ts';
import { PushScene } from '../unit/steps/push-scene.ts';
import { Project } from './maestro.ts';

const TIMEOUT_MS = 90_000;
const GUIDE = readFileSync(resolve(import.meta.dirname, '../../docs/guides/containers.md'), 'utf8');
/** Block `index` of a language on the page: what people copy is what is tried out. */
const block = (language: string, index: number): string =>
  [...GUIDE.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language)[index]?.[2] ?? '';
const PROVENANCE = ['--type', 'https://slsa.dev/provenance/v1'];

/** What each cosign needs beside key and image. Only the newer one looks for bundles by itself. */
const CLIENTS: readonly { client: PartName; verify: readonly string[]; attestation: readonly string[] }[] = [
  { client: 'cosign3', verify: [], attestation: [] },
  { client: 'cosign2', verify: [], attestation: ['--new-bundle-format', '--trusted-root', 'empty-root.json'] },
];

describeWith('registry', 'an image, from its Containerfile to cosign', (program) => {
  describe.each([
    ['with referrers', true],
    ['without referrers', false],
  ])('at a registry %s', (_, hasReferrers) => {
    const project = new Project();
    let registry: RealRegistry;
    let to: string;
    const outputs = async (...words: readonly string[]): Promise<Record<string, Record<string, unknown>>> => {
      const ended = await project.maestro('run', ...words, '--json');
      expect(ended.code, `${ended.stdout}${ended.stderr}`).toBe(EXIT.ok);
      const { steps } = JSON.parse(ended.stdout) as { steps: { id: string; outputs: Record<string, unknown> }[] };
      return Object.fromEntries(steps.map(({ id, outputs }) => [id, outputs]));
    };

    beforeAll(async () => {
      registry = await openRegistry(program, hasReferrers);
      to = `${registry.host}/team/app`;
      project.write('Containerfile', block('dockerfile', 0));
      project.write('app/hello.txt', 'hello\n');
      project.write('.maestro/image.yaml', block('yaml', 0).replaceAll('localhost:5000', registry.host));
      project.write('.maestro/signed.yaml', block('yaml', 1).replaceAll('localhost:5000', registry.host));
      project.write('empty-root.json', EMPTY_ROOT);
    }, TIMEOUT_MS);
    afterAll(async () => {
      project.remove();
      await registry.close();
    });

    it('is built, kept as an artifact and pushed, and the same again', { timeout: TIMEOUT_MS }, async () => {
      const first = await outputs('image');
      expect(first.push).toMatchObject({ digest: first.build?.digest, sentBlobs: 2, tags: ['v1'] });
      const again = await outputs('image');
      expect(again.push).toMatchObject({ digest: first.build?.digest, sentBlobs: 0 });
      const { stdout } = await project.maestro('status', 'latest', '--json');
      expect(stdout).toContain('"oci-layout"');
    });

    it('is verified by both cosigns with the key that signed it, and with no other', {
      timeout: TIMEOUT_MS,
    }, async () => {
      const digest = (await outputs('image')).build?.digest as `sha256:${string}`;
      // What the control plane does where steps ask it to sign.
      const scene = Object.assign(Object.create(PushScene.prototype) as PushScene, { root: project.root, digest });
      const signer = await openLocalSigner(scene.at('.keys/signing.pem'));
      await scene.writeBundles(to, signer);
      project.write('maestro.pub', signer.publicKeyPem);
      project.write('other.pub', (await openLocalSigner(scene.at('.keys/other.pem'))).publicKeyPem);
      expect((await outputs('signed')).push?.referrers).toHaveLength(2);
      for (const { client, verify, attestation } of CLIENTS) {
        const cosign = part(client);
        if (!cosign) continue;
        const run = (key: string, ...words: readonly string[]): number | null =>
          spawnSync(cosign, [...words, '--key', key, '--insecure-ignore-tlog', '--allow-http-registry', `${to}:v1`], {
            cwd: project.root,
            // Nothing but the registry on this machine can be reached: the check is an offline one.
            env: {
              HOME: project.root,
              PATH: process.env.PATH,
              HTTPS_PROXY: 'http://127.0.0.1:1',
              NO_PROXY: '127.0.0.1',
            },
          }).status;
        expect([client, run('maestro.pub', 'verify', ...verify)]).toEqual([client, 0]);
        expect([client, run('maestro.pub', 'verify-attestation', ...PROVENANCE, ...attestation)]).toEqual([client, 0]);
        expect(run('other.pub', 'verify', ...verify)).not.toBe(0);
        expect(run('other.pub', 'verify-attestation', ...PROVENANCE, ...attestation)).not.toBe(0);
        expect(run('maestro.pub', 'verify-attestation', '--type', 'cyclonedx', ...attestation)).not.toBe(0);
      }
    });
  });
});

describeWith('cosign2', 'cosign 2', () => {
  it('is there for the tests above', () => expect(part('cosign2')).toBeDefined());
});
describeWith('cosign3', 'cosign 3', () => {
  it('is there for the tests above', () => expect(part('cosign3')).toBeDefined());
});
