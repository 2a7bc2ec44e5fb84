import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Digest, digestBytes } from '../../../src/base/digest.ts';
import type { PlanStep } from '../../../src/pipeline/plan.ts';
import type { AttestationKind, AttestRequest } from '../../../src/protocol/attestation.ts';
import type { Lease, LeaseClient } from '../../../src/protocol/lease.ts';
import type { Outcome } from '../../../src/protocol/outcome.ts';
import { PREDICATE_TYPES } from '../../../src/provenance/attestations/predicate-types.ts';
import { verifyAttestation } from '../../../src/provenance/attestations/verify-attestation.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { planStep } from '../../fakes/plans.ts';
import { freshDatabase } from '../../fresh-database.ts';
import { sampleSigner } from '../../unit/provenance/sample-run.ts';
import { World } from '../engine/world.ts';
import { FarServer } from './far-server.ts';

const DONE: Outcome = { kind: 'succeeded' };

interface Bound {
  readonly client: LeaseClient;
  readonly worker: number;
}

type Open = (run: string, world: World, server: FarServer) => LeaseClient;

function contract(kind: string, open: Open): void {
  onEveryDatabase(`statements that a lease client asks for ${kind}`, (url) => {
    let world: World;
    let drop: () => Promise<void>;
    let signer: Signer;
    const server = new FarServer();

    beforeAll(async () => {
      const fresh = await freshDatabase(url);
      drop = fresh.drop;
      signer = await sampleSigner();
      world = await World.open(await fresh.open(), { signer });
      await server.listen(world.engine, world.db);
    });
    afterAll(async () => {
      await server.close();
      await world.close();
      await world.db.close();
      await drop();
      expect(server.errors).toEqual([]);
    });

    const begin = async (steps: readonly PlanStep[]): Promise<{ run: number; key: string }> => {
      const run = await world.start(steps, { isDedicated: true });
      return { run, key: (await world.engine.readRun(run)).id };
    };
    const bind = async (run: string): Promise<Bound> => {
      const client = open(run, world, server);
      const { workerId } = await client.register({ name: 'asking', runners: ['*'], capacity: 64, run });
      return { client, worker: workerId };
    };
    const take = async ({ client, worker }: Bound): Promise<Lease> => {
      for (;;) {
        const [lease] = await client.acquire(worker, 1, 5000, new AbortController().signal);
        if (lease) return lease;
      }
    };
    const held = ({ stepId, fence }: Lease) => ({ stepId, fence });
    const build = planStep('build');
    const asking = (uses: string, change: Partial<PlanStep> = {}) =>
      planStep('ask', { uses, with: {}, needs: ['build'], ...change });
    const put = async ({ client, worker }: Bound, lease: Lease, text: string): Promise<Digest> =>
      (await client.putBlob(worker, held(lease), bytesOf(text))).digest;
    /** A run whose first step left an artifact, and whose second one asks. */
    const built = async (uses: string, steps: readonly PlanStep[] = [build, asking(uses)]) => {
      const { run, key } = await begin(steps);
      const one = await bind(key);
      const first = await take(one);
      const text = `made in ${key}`;
      const digest = await put(one, first, text);
      const artifacts = [{ name: 'app', path: 'app.tgz', digest, sizeBytes: text.length }];
      await one.client.complete(one.worker, [{ ...held(first), outcome: { ...DONE, artifacts } }], 0);
      const lease = await take(one);
      const ask = (request: AttestRequest, of = held(lease)) => one.client.attest(one.worker, of, request);
      const end = async (): Promise<void> => {
        await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
        await world.end(run);
      };
      return { run, key, one, lease, ask, end, digest, subjects: [{ name: 'app.tgz', digest }] };
    };
    const verified = (bundle: string, kind: AttestationKind, subjectDigest: Digest, change = {}) =>
      verifyAttestation({
        bundle: Buffer.from(bundle),
        key: signer.publicKeyPem,
        predicateType: PREDICATE_TYPES[kind],
        subjectDigest,
        ...change,
      }).statement;

    it('are signed by the conductor, from what it knows', async () => {
      const { key, ask, end, subjects, digest } = await built('supplychain.provenance@1');
      const bundle = await ask({ kind: 'provenance', subjects });
      const { predicate } = verified(bundle, 'provenance', digest, { runIds: [key] });
      expect(predicate).toMatchObject({
        buildDefinition: {
          externalParameters: { pipeline: { name: 'sample' }, inputs: {}, trigger: { type: 'manual' } },
        },
        runDetails: {
          metadata: { invocationId: key, startedOn: expect.any(String), finishedOn: expect.any(String) },
        },
      });
      expect(await ask({ kind: 'provenance', subjects })).toBe(bundle);
      await end();
    });

    it('state a document that the step stored, or that one before left', async () => {
      const { one, lease, ask, end, subjects, digest } = await built('supplychain.sbom');
      const sbom = await put(one, lease, '{"specVersion":"1.6", "bomFormat":"CycloneDX"}');
      const bundle = await ask({ kind: 'sbom', subjects, predicate: sbom });
      expect(verified(bundle, 'sbom', digest).predicate).toEqual({ bomFormat: 'CycloneDX', specVersion: '1.6' });
      const twice = await put(one, lease, '{"bomFormat":"CycloneDX","specVersion":"1.6","specVersion":"1.5"}');
      await expect(ask({ kind: 'sbom', subjects, predicate: twice })).rejects.toMatchObject({
        code: 'INPUT_INVALID',
      });
      await expect(ask({ kind: 'sbom', subjects })).rejects.toMatchObject({ code: 'INPUT_INVALID' });
      await end();
    });

    it('are about what the run made, and nothing else', async () => {
      const { one, lease, ask, end } = await built('supplychain.sign');
      const elsewhere = await built('supplychain.sign');
      const own = await put(one, lease, 'written by the signing step');
      const named = (digest: Digest) => ({ kind: 'signature', subjects: [{ name: 'x', digest }] }) as const;
      expect(verified(await ask(named(own)), 'signature', own).predicate).toEqual({});
      for (const digest of [elsewhere.digest, digestBytes('nowhere')])
        await expect(ask(named(digest))).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
      await Promise.all([end(), elsewhere.end()]);
    });

    it('are not about what a worker merely names as an artifact', async () => {
      const { key } = await begin([build, asking('supplychain.sign')]);
      const one = await bind(key);
      const first = await take(one);
      const digest = digestBytes('never stored');
      const outcome = { ...DONE, artifacts: [{ name: 'app', path: 'app', digest, sizeBytes: 1 }] };
      await one.client.complete(one.worker, [{ ...held(first), outcome }], 0);
      const lease = await take(one);
      const request = { kind: 'signature', subjects: [{ name: 'app', digest }] } as const;
      await expect(one.client.attest(one.worker, held(lease), request)).rejects.toMatchObject({
        code: 'ARTIFACT_NOT_FOUND',
      });
      await one.client.complete(one.worker, [{ ...held(lease), outcome: DONE }], 0);
    });

    it.each([
      ['shell', 'signature'],
      ['./supplychain.sign', 'signature'],
      ['supplychain.sign', 'provenance'],
      ['security.scan', 'sbom'],
    ] as const)('are not given to %s that asks for %s', async (uses, kind) => {
      const { ask, end, subjects } = await built(uses);
      await expect(ask({ kind, subjects })).rejects.toMatchObject({ code: 'POLICY_DENIED' });
      await end();
    });

    it('are not given to who does not hold the step', async () => {
      const { lease, ask, end, subjects } = await built('supplychain.sign');
      const request = { kind: 'signature', subjects } as const;
      const stale = { ...held(lease), fence: lease.fence + 1 };
      await expect(ask(request, stale)).rejects.toMatchObject({ code: 'LEASE_LOST' });
      await end();
      await expect(ask(request)).rejects.toMatchObject({ code: 'LEASE_LOST' });
    });

    it('are one where the same is asked for at the same time', async () => {
      const { ask, end, subjects } = await built('supplychain.sign');
      const bundles = await Promise.all(Array.from({ length: 5 }, () => ask({ kind: 'signature', subjects })));
      expect(new Set(bundles).size).toBe(1);
      await end();
    });
  });
}

contract('in process', (_run, world) => ({ ...world.engine.leases }));
contract('over HTTP', (run, _world, server) => server.client({ run, class: '*' }));

async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}
