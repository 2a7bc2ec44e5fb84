import type { Sandbox, SandboxOptions } from '../../../../sandbox/sandbox.ts';
import { digestBytes } from '../../../../src/base/digest.ts';
import { MaestroError } from '../../../../src/base/errors.ts';
import type { Octokit } from '../../../../src/github/octokit.ts';
import { openReleaseTeller } from '../../../../src/github/release/tell-releases.ts';
import type { Reporter, ReporterOptions } from '../../../../src/github/report/reporter.ts';
import type { PlanRelease } from '../../../../src/pipeline/plan.ts';
import type {
  ReleaseAsset,
  ReleaseEvidence,
  ReleaseGate,
  ReleaseWish,
} from '../../../../src/protocol/release-evidence.ts';
import type { RunView } from '../../../../src/protocol/run.ts';
import { openReleaseBoard } from '../../../../src/store/release-board.ts';
import { openPromotingWorld, type PromotingWorld } from '../deployments/promoting-world.ts';
import type { Reporting } from '../report/reporting.ts';
import { placeOf, planOf, runView } from '../report/views.ts';

export const TAG = 'v1.0.0';
export const PASSED: ReleaseGate = {
  isPassed: true,
  reasons: [],
  papers: [{ name: 'Receipt of run r1', isVerified: true }],
};

/** What runs have to show, of texts that a test says. */
class Evidence implements ReleaseEvidence {
  readonly files = new Map<string, string>([
    ['app.tgz', 'the app'],
    ['run.json', '{}'],
    ['SHA256SUMS', 'sums'],
  ]);
  verdict: ReleaseGate | undefined = PASSED;
  reads = 0;
  /** What judging comes to instead of files. */
  fault: Error | undefined;
  /** A file whose content the store finds damaged. */
  corrupt: string | undefined;

  async gate(): Promise<ReleaseGate | undefined> {
    return this.verdict;
  }

  async assets(_runId: string, { artifacts }: ReleaseWish): Promise<readonly ReleaseAsset[]> {
    if (this.fault) throw this.fault;
    const missing = artifacts?.find((name) => !this.files.has(name));
    if (missing !== undefined) throw new MaestroError('ARTIFACT_NOT_FOUND', `no artifact ${missing}`);
    return [...this.files].map(([name, text]) => ({
      name,
      mediaType: 'application/octet-stream',
      digest: digestBytes(text),
      sizeBytes: Buffer.byteLength(text),
    }));
  }

  async read(_runId: string, { name }: ReleaseAsset): Promise<ReadableStream<Uint8Array>> {
    this.reads++;
    const text = this.files.get(name);
    if (text === undefined) throw new MaestroError('ARTIFACT_NOT_FOUND', `no content of ${name}`);
    return ReadableStream.from(name === this.corrupt ? damaged(text) : [Buffer.from(text)]);
  }
}

/** As the store does: what is wrong shows at the end. */
async function* damaged(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text).subarray(1);
  throw new MaestroError('BLOB_CORRUPT', 'the content has another digest');
}

type Release = Awaited<ReturnType<Octokit['rest']['repos']['getRelease']>>['data'];

/** A GitHub with a tag, the App that fills its release, and runs that a test moves. */
export interface ReleasingWorld {
  readonly sandbox: Sandbox;
  readonly place: PromotingWorld['place'];
  readonly ada: Octokit;
  /** As the App's installation. */
  readonly octokit: Octokit;
  readonly repositoryId: number;
  readonly evidence: Evidence;
  /** A process of its own. */
  reporter(change?: Partial<ReporterOptions>): Reporter;
  show(runId: string, change: Partial<RunView>): Promise<void>;
  /** The run goes on, then ends well; each is told. */
  release(runId?: string): Promise<void>;
  /** Whatever is due, by a process of its own, after all that waits. */
  turns(count: number): Promise<void>;
  releases(): Promise<readonly Release[]>;
  /** Conclusion and title of the check of the release. */
  check(runId?: string): Promise<string | undefined>;
  lookAgain(): Promise<void>;
  close(): Promise<void>;
}

export async function openReleasingWorld(
  at: Reporting,
  wish: Partial<PlanRelease> = {},
  options: SandboxOptions = {},
): Promise<ReleasingWorld> {
  const world = await openPromotingWorld({ 'a.ts': 'a' }, options);
  const { ada, place } = world;
  const headSha = await world.sha();
  await ada.rest.git.createRef({ ...place, ref: `refs/tags/${TAG}`, sha: headSha });
  const evidence = new Evidence();
  const board = openReleaseBoard(at.db);
  at.plan = planOf({ release: { isPrerelease: false, isKeptDraft: false, ...wish } });
  const { installationId, repositoryId } = world;
  const reporter = (change: Partial<ReporterOptions> = {}): Reporter =>
    at.reporter({
      access: world.access,
      app: world.app,
      tellers: [openReleaseTeller({ board, checks: at.board, evidence, onError: (error) => at.errors.push(error) })],
      releases: { evidence, checks: at.board },
      ...change,
    });
  const releases = async (): Promise<readonly Release[]> =>
    (await ada.rest.repos.listReleases({ ...place, per_page: 100 })).data;
  const show = (runId: string, change: Partial<RunView>): Promise<void> =>
    at.show(
      placeOf(runId, { installationId, repositoryId, headSha, ref: `refs/tags/${TAG}` }),
      runView(runId, { trigger: { type: 'tag', actor: { provider: 'github', id: 'ada' } }, ...change }),
    );
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await reporter().turn();
      at.clock.ms += 3_600_000;
    }
  };
  return {
    sandbox: world.sandbox,
    place,
    ada,
    octokit: world.octokit,
    repositoryId,
    evidence,
    reporter,
    show,
    release: async (runId = 'r1') => {
      await show(runId, { status: 'running' });
      await turns(1);
      await show(runId, { status: 'succeeded' });
      await turns(2);
    },
    turns,
    releases,
    check: async (runId = 'r1') => {
      const { data } = await ada.rest.checks.listForRef({ ...place, ref: headSha, filter: 'all', per_page: 100 });
      const found = data.check_runs.find(({ external_id: id }) => id === `${runId}/release/check`);
      return found && `${found.conclusion}: ${found.output.title}`;
    },
    lookAgain: async () => {
      for (const { id } of await releases()) await board.lookAgain(repositoryId, id);
      await turns(2);
    },
    close: () => world.close(),
  };
}
