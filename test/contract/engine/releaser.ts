import { type Digest, digestBytes } from '../../../src/base/digest.ts';
import type { Plan } from '../../../src/pipeline/plan.ts';
import type { AttestationKind } from '../../../src/protocol/attestation.ts';
import type { Lease } from '../../../src/protocol/lease.ts';
import { planOf, planStep } from '../../fakes/plans.ts';
import { PREDICATES } from '../../unit/provenance/attestations/samples.ts';
import { DONE, type TestWorker, type World } from './world.ts';

export const PAPERS: readonly (readonly [id: string, uses: string, kind: AttestationKind])[] = [
  ['sbom', 'supplychain.sbom', 'sbom'],
  ['provenance', 'supplychain.provenance', 'provenance'],
  ['scan', 'security.scan', 'vulnerabilities'],
];

export const IDS = PAPERS.map(([id]) => id);

export function releasePlan(papers = PAPERS, change: Partial<Plan> = {}): Plan {
  const asking = papers.map(([id, uses]) => planStep(id, { uses, with: {}, needs: ['build'] }));
  return planOf([planStep('build'), ...asking], { purpose: 'release', ...change });
}

export async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

/** Does what the steps of `releasePlan` do: builds, and asks for papers. */
export class Releaser {
  readonly world: World;
  readonly worker: TestWorker;
  /** What each paper is about; by default what was built. */
  about: (step: string, built: Digest) => Digest | readonly Digest[] = (_step, built) => built;
  built: Digest = digestBytes('');

  static async open(world: World): Promise<Releaser> {
    return new Releaser(world, await world.worker());
  }

  private constructor(world: World, worker: TestWorker) {
    this.world = world;
    this.worker = worker;
  }

  put(lease: Lease, text: string): Promise<{ readonly digest: Digest; readonly sizeBytes: number }> {
    const { engine } = this.world;
    return engine.leases.putBlob(this.worker.id, lease, bytesOf(text));
  }

  async build(text = 'the release', path = 'app.tgz'): Promise<void> {
    const lease = await this.worker.take('build');
    const { digest, sizeBytes } = await this.put(lease, text);
    this.built = digest;
    await this.worker.complete(lease, { ...DONE, artifacts: [{ name: 'app', path, digest, sizeBytes }] });
  }

  async papers(steps: readonly string[] = IDS, outcomeOf: (step: string) => typeof DONE = () => DONE): Promise<void> {
    for (const lease of await this.worker.lease(...steps)) {
      await this.paper(lease);
      await this.worker.complete(lease, outcomeOf(lease.step.id));
    }
  }

  async paper(lease: Lease): Promise<string> {
    const kind = PAPERS.find(([id]) => id === lease.step.id)?.[2] ?? 'signature';
    const document = kind === 'provenance' ? undefined : await this.put(lease, JSON.stringify(PREDICATES[kind]));
    const about = this.about(lease.step.id, this.built);
    const digests = typeof about === 'string' ? [about] : about;
    const subjects = digests.map((digest, i) => ({ name: i === 0 ? 'app.tgz' : `app-${i}.tgz`, digest }));
    const predicate = document ? { predicate: document.digest } : {};
    return this.world.engine.leases.attest(this.worker.id, lease, { kind, subjects, ...predicate });
  }
}
