import type { Engine } from '../../src/engine/engine.ts';
import type { RepositoryPipelines } from '../../src/github/commands/tools.ts';
import type { PolicyKeeper, Starter } from '../../src/github/starter.ts';
import type { RulesFolder } from '../../src/policy/own/rules-folder.ts';
import type { CheckBoard } from '../../src/protocol/check.ts';
import type { CommandRecords } from '../../src/protocol/command-record.ts';
import type { Demand } from '../../src/protocol/demand.ts';
import type { DeploymentBoard } from '../../src/protocol/deployment-board.ts';
import type { Dispatches } from '../../src/protocol/dispatch.ts';
import type { GitHubRuns } from '../../src/protocol/github-run.ts';
import type { Inbox } from '../../src/protocol/inbox.ts';
import type { Installations } from '../../src/protocol/installation.ts';
import type { ProtectionRules } from '../../src/protocol/protection.ts';
import type { ReleaseBoard } from '../../src/protocol/release-board.ts';
import type { ReleaseEvidence } from '../../src/protocol/release-evidence.ts';
import type { ReportBook } from '../../src/protocol/report-book.ts';
import type { TestGrants } from '../../src/protocol/test-grant.ts';
import type { WorkerSessions } from '../../src/protocol/worker-session.ts';
import type { WriteAllowance } from '../../src/protocol/write-allowance.ts';
import type { Claimant } from '../../src/store/claimants.ts';
import type { Pruning } from '../../src/store/pruning.ts';
import type { OpenedSigner } from '../open-signer.ts';
import type { GitHubDoor } from './github-access.ts';
import type { ProblemFeed } from './run-feed.ts';
import type { ServerSecrets } from './secret-source.ts';

/** What a server is made of, whatever its roles. */
export interface Rooms {
  readonly engine: Engine;
  readonly signer: OpenedSigner;
  /** Undefined where the operator has none. */
  readonly ownRules: RulesFolder | undefined;
  readonly secrets: ServerSecrets;
  readonly claimant: Claimant;
  readonly inbox: Inbox;
  readonly installations: Installations;
  readonly pruning: Pruning;
  readonly github: GitHubDoor;
  readonly runs: GitHubRuns;
  readonly checks: CheckBoard & ReportBook;
  readonly deployments: DeploymentBoard;
  readonly releases: ReleaseBoard;
  readonly evidence: ReleaseEvidence;
  readonly rules: ProtectionRules;
  readonly allowance: WriteAllowance;
  readonly grants: TestGrants;
  readonly records: CommandRecords;
  readonly dispatches: Dispatches;
  readonly demand: Demand;
  readonly sessions: WorkerSessions;
  readonly starter: Starter & RepositoryPipelines & PolicyKeeper;
  readonly feed: ProblemFeed;
}
