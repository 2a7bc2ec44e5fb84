import { expect, it } from 'vitest';
import { type Digest, digestBytes, hexOf } from '../../../src/base/digest.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { PREDICATE_TYPES } from '../../../src/provenance/attestations/predicate-types.ts';
import { verifyAttestation } from '../../../src/provenance/attestations/verify-attestation.ts';
import { envelopeIn } from '../../../src/provenance/envelope.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import type { TrustedKey } from '../../../src/provenance/verify.ts';
import { type BlobStore, openFileBlobs } from '../../../src/store/blobs.ts';
import { openTestEngine } from '../../fakes/engine.ts';
import { planStep } from '../../fakes/plans.ts';
import { PREDICATES } from '../../unit/provenance/attestations/samples.ts';
import { sampleSigner, scratchDirectory } from '../../unit/provenance/sample-run.ts';
import { onEveryStore } from './engines.ts';
import { bytesOf, IDS, PAPERS, Releaser, releasePlan } from './releaser.ts';
import { DONE, FAILED, TestWorker } from './world.ts';

/** Signs, and fails as a key far away does while it cannot be reached. */
let isKeyAway: (payload: string) => boolean = () => false;
/** What is known of keys that signed before, or sign elsewhere. */
let trusted: readonly TrustedKey[] = [];
let key: Signer | undefined;
let blobs: BlobStore;
const options = async () => {
  const own = (key = await sampleSigner());
  const signer: Signer = {
    ...own,
    sign: async (bytes) => {
      if (isKeyAway(Buffer.from(bytes).toString())) throw new Error('the key cannot be reached');
      return own.sign(bytes);
    },
  };
  blobs = openFileBlobs(scratchDirectory());
  return { signer, readTrustedKeys: async () => trusted, blobs };
};

onEveryStore(
  'statements of a run',
  (world) => {
    const released = async (plan: Plan): Promise<number> => {
      const run = await world().start(plan);
      const releaser = await Releaser.open(world());
      await releaser.build();
      await releaser.papers(plan.steps.slice(1).map(({ id }) => id));
      await world().end(run);
      await world().engine.seal();
      return run;
    };
    const gateOf = (run: number) => world().engine.releases.readGate(run);
    const codesOf = async (run: number): Promise<readonly string[]> =>
      (await gateOf(run)).reasons.map(({ code }) => code);

    it('let a release pass that has all papers, and the conductor signs that', async () => {
      const run = await released(releasePlan());
      const gate = await gateOf(run);
      expect(gate).toMatchObject({ isPassed: true, reasons: [], statements: { length: 2 } });
      const attestations = await world().engine.releases.readAttestations(run);
      expect(attestations.map(({ step }) => step)).toEqual(['sbom', 'provenance', 'scan', null, null]);
      const [artifact] = gate.artifacts;
      for (const { bundle, predicateType, payloadSha256, publicKey } of attestations) {
        const subjectDigest = artifact?.digest ?? digestBytes('');
        const verified = verifyAttestation({
          bundle: Buffer.from(bundle),
          key: publicKey,
          predicateType,
          subjectDigest,
        });
        expect(verified.payloadSha256).toBe(payloadSha256);
      }
      const types = attestations.slice(3).map(({ predicateType }) => predicateType);
      expect(types).toEqual([PREDICATE_TYPES['gate-result'], PREDICATE_TYPES['verification-summary']]);
    });

    it.each(PAPERS)('do not let it pass without %s', async (id) => {
      const run = await released(releasePlan(PAPERS.filter((paper) => paper[0] !== id)));
      const code = { sbom: 'SBOM_MISSING', provenance: 'PROVENANCE_MISSING', scan: 'RISK_MISSING' }[id];
      expect(await codesOf(run)).toEqual([code]);
      const summary = (await world().engine.releases.readAttestations(run)).at(-1);
      expect(Buffer.from(JSON.parse(summary?.bundle ?? '').dsseEnvelope.payload, 'base64').toString()).toContain(
        'FAILED',
      );
    });

    it('do not let it pass where one is of another content', async () => {
      const run = await world().start(releasePlan());
      const releaser = await Releaser.open(world());
      await releaser.build();
      const [sbom, ...others] = await releaser.worker.lease(...IDS);
      const { digest } = await releaser.put(sbom as Lease, 'never an artifact');
      releaser.about = (step, built) => (step === 'sbom' ? digest : built);
      for (const lease of [sbom as Lease, ...others]) {
        await releaser.paper(lease);
        await releaser.worker.complete(lease, DONE);
      }
      await world().end(run);
      expect(await codesOf(run)).toEqual(['ATTESTATION_FOR_OTHER_DIGEST', 'SBOM_MISSING']);
    });

    it('are worth nothing once somebody changed them in the store', async () => {
      const run = await released(releasePlan());
      await world().sql(
        `update attestation set payload = replace(payload, 'left-pad', 'left-pae') where run_id = ${run} and idx = 1`,
      );
      expect(await codesOf(run)).toEqual(['ATTESTATION_INVALID', 'SBOM_MISSING']);
      const forger = await sampleSigner();
      await world().sql(
        `update attestation set public_key = '${forger.publicKeyPem}' where run_id = ${run} and idx = 1`,
      );
      expect(await codesOf(run)).toEqual(['ATTESTATION_INVALID', 'SBOM_MISSING']);
    });

    it('do not release a run that failed', async () => {
      const run = await world().start(releasePlan());
      const releaser = await Releaser.open(world());
      await releaser.build();
      await releaser.papers(IDS, (step) => (step === 'scan' ? FAILED : DONE));
      await world().end(run);
      expect(await codesOf(run)).toEqual(['RUN_NOT_SUCCEEDED']);
    });

    it('stay with the results that a retry keeps, and provenance may name the run that built them', async () => {
      const first = await world().start(releasePlan());
      const releaser = await Releaser.open(world());
      await releaser.build();
      await releaser.papers(IDS, (step) => (step === 'scan' ? FAILED : DONE));
      await world().end(first);
      const again = await world().engine.retryRun(first, { type: 'failed' });
      await releaser.papers(['scan']);
      await world().end(again);
      expect(await gateOf(again)).toMatchObject({ isPassed: true, reasons: [] });
    });

    it('of the gate come late, and are not lost, while the key cannot be reached', async () => {
      isKeyAway = (payload) => payload.includes('release-gate/v1');
      const run = await released(releasePlan());
      expect(await gateOf(run)).toMatchObject({ isPassed: true, statements: [] });
      expect(world().errors.splice(0)).toHaveLength(1);
      isKeyAway = () => false;
      await world().sql(`update outbox set due_at = now() where run_id = ${run}`);
      await world().engine.seal();
      await world().engine.seal();
      expect(await gateOf(run)).toMatchObject({ statements: { length: 2 } });
      expect(await world().sql(`select 1 from outbox where run_id = ${run}`)).toEqual([]);
    });

    it('let a release pass whose statements another key of this Maestro signed, and none whose key was revoked', async () => {
      const old = await sampleSigner();
      const run = await world().start(releasePlan());
      const releaser = await Releaser.open(world());
      await releaser.build();
      // As before a rotation, or by a conductor with a key of its own.
      const other = await openTestEngine(world().db, { signer: old, blobs });
      try {
        const worker = await TestWorker.register(other);
        for (const lease of await worker.lease('sbom')) {
          const document = await other.leases.putBlob(worker.id, lease, bytesOf(JSON.stringify(PREDICATES.sbom)));
          const subjects = [{ name: 'app.tgz', digest: releaser.built }];
          await other.leases.attest(worker.id, lease, { kind: 'sbom', subjects, predicate: document.digest });
          await worker.complete(lease, DONE);
        }
        await worker.leave();
      } finally {
        await other.close();
      }
      // Of an embedded database the other one has given up all workers.
      const again = await Releaser.open(world());
      again.built = releaser.built;
      await again.papers(['provenance', 'scan']);
      await world().end(run);
      expect(await codesOf(run)).toEqual(['ATTESTATION_INVALID', 'SBOM_MISSING']);
      trusted = [{ publicKeyPem: old.publicKeyPem }];
      expect(await gateOf(run)).toMatchObject({ isPassed: true });
      trusted = [{ publicKeyPem: old.publicKeyPem, isRevoked: true }];
      expect(await codesOf(run)).toEqual(['ATTESTATION_INVALID', 'SBOM_MISSING']);
      // Also where it is the present one that was revoked since.
      trusted = [{ publicKeyPem: key?.publicKeyPem ?? '', isRevoked: true }];
      expect(await codesOf(run)).toContain('PROVENANCE_MISSING');
      trusted = [];
    });

    it('are signed also where a step left two files under one name', async () => {
      const run = await world().start(releasePlan());
      const releaser = await Releaser.open(world());
      const lease = await releaser.worker.take('build');
      const [first, second] = [await releaser.put(lease, 'linux'), await releaser.put(lease, 'darwin')];
      const artifacts = [first, second].map((content) => ({ name: 'my app', path: 'app', ...content }));
      await releaser.worker.complete(lease, { ...DONE, artifacts });
      releaser.about = () => [first.digest, second.digest];
      await releaser.papers();
      await world().end(run);
      await world().engine.seal();
      const gate = await gateOf(run);
      expect(gate).toMatchObject({ isPassed: true, statements: { length: 2 } });
      const [verdict] = (await world().engine.releases.readAttestations(run)).filter(({ step }) => step === null);
      const { payload } = JSON.parse(envelopeIn(verdict?.bundle ?? '')) as { payload: string };
      const { subject } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { subject: { name: string }[] };
      // As the receipt calls it, encoded once.
      const called = (digest: Digest): string => `build/my%20app/app@${hexOf(digest)}`;
      expect(subject.map(({ name }) => name)).toEqual([called(first.digest), called(second.digest)]);
    });

    it('are not stored where the key cannot be reached, and the step may ask again', async () => {
      const run = await world().start(releasePlan([['provenance', 'supplychain.provenance', 'provenance']]));
      const releaser = await Releaser.open(world());
      await releaser.build();
      const lease = await releaser.worker.take('provenance');
      isKeyAway = () => true;
      await expect(releaser.paper(lease)).rejects.toThrow('cannot be reached');
      isKeyAway = () => false;
      expect(await world().engine.releases.readAttestations(run)).toEqual([]);
      expect(await releaser.paper(lease)).toContain('dsseEnvelope');
      await releaser.worker.complete(lease, DONE);
      await world().end(run);
    });

    it('make a manifest that names decisions, papers and the receipt', async () => {
      const run = await released(releasePlan());
      const manifest = await world().engine.releases.readManifest(run);
      const { payloadSha256 } = await world().engine.readReceipt(run);
      expect(manifest).toMatchObject({
        run: { purpose: 'release', receiptSha256: payloadSha256, decisions: expect.arrayContaining([]) as string[] },
        artifacts: [{ isReleasable: true, sbom: { length: 1 } }],
        gate: { isPassed: true },
      });
      expect(await world().engine.releases.readManifest(run)).toEqual(manifest);
    });

    it('are no business of runs that release nothing', async () => {
      const run = await world().start([planStep('a')]);
      await (await world().worker()).run('a');
      await world().end(run);
      expect(await world().engine.releases.readAttestations(run)).toEqual([]);
      expect(await gateOf(run)).toMatchObject({ isPassed: false, reasons: [{ code: 'NO_ARTIFACT' }], statements: [] });
    });

    it('are not judged before the run has ended', async () => {
      const run = await world().start([planStep('a')]);
      await expect(gateOf(run)).rejects.toMatchObject({ code: 'RUN_NOT_FINISHED' });
    });
  },
  options,
);
