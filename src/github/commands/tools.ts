import type { Clock } from '../../base/clock.ts';
import type { Engine } from '../../engine/engine.ts';
import type { CheckBoard } from '../../protocol/check.ts';
import type { StartRun } from '../../protocol/client.ts';
import type { CommandRecords } from '../../protocol/command-record.ts';
import type { GitHubRuns } from '../../protocol/github-run.ts';
import type { TestGrants } from '../../protocol/test-grant.ts';
import type { WriteAllowance } from '../../protocol/write-allowance.ts';
import type { CodeEvent } from '../code-event.ts';
import type { GitHubAccess } from '../octokit.ts';
import type { Role } from '../people/role.ts';
import type { Starter } from '../starter.ts';

/** A command that a pipeline declares (`on: command`). */
export interface PipelineCommand {
  readonly name: string;
  readonly pipeline: string;
  readonly permission: Role;
}

/** What would come of a pipeline. */
export interface PipelineIntent {
  readonly pipeline: string;
  /** What the run would be started with; null where none would be. */
  readonly request: StartRun | null;
  /** Why none would be started: its filters, or findings. */
  readonly reason: string | null;
}

/** The pipelines of a repository as an event sees them: at its `definitionsSha`. */
export interface RepositoryPipelines {
  commands(event: CodeEvent): Promise<readonly PipelineCommand[]>;
  /** Starts nothing. */
  intents(event: CodeEvent): Promise<readonly PipelineIntent[]>;
}

/** What commands and buttons act with. */
export interface CommandTools {
  readonly access: GitHubAccess;
  /** Of the App: only checks of our own are acted upon. */
  readonly appId: number;
  readonly engine: Pick<
    Engine,
    | 'resolve'
    | 'answerGate'
    | 'retryRun'
    | 'cancelRun'
    | 'readRun'
    | 'readPlan'
    | 'readTrigger'
    | 'readLogs'
    | 'preview'
    | 'mayAct'
    | 'policyData'
    | 'explain'
    | 'disclose'
    | 'releases'
  >;
  readonly starter: Starter;
  readonly pipelines: RepositoryPipelines;
  readonly runs: GitHubRuns;
  readonly board: CheckBoard;
  readonly grants: TestGrants;
  readonly records: CommandRecords;
  readonly allowance: Pick<WriteAllowance, 'take' | 'close'>;
  readonly clock: Clock;
  /** A name that no other call has: who holds a request. */
  readonly newHolder: () => string;
}
