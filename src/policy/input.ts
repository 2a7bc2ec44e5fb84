import type { Digest } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import type { Principal } from '../base/principal.ts';
import type { WallClock } from '../base/wall-clock.ts';

/**
 * The question to policy.
 *
 * It says what a step *does* (code, runner, egress, secrets, tags), never what it is called: a step's id is chosen by
 * whoever writes the pipeline, so a rule that keys on it is evaded by renaming. Questions of the phases `run` and `step` hold
 * neither time nor run id, so equal ones have equal digests and one evaluation answers them all. The other phases are asked
 * once for each deed; where time matters to them it is in the question, so that the answer can be replayed.
 */
export type PolicyInput = RunInput | StepInput | SecretInput | ActionInput | ApprovalInput | PromotionInput;

export type PolicyPhase = PolicyInput['phase'];

/** What every question says: what was asked for, by whom, and to what end. */
export interface PolicyFacts {
  readonly pipeline: {
    readonly name: string;
    readonly kind: string;
    readonly version: string | null;
    /** How many steps its plan has. */
    readonly steps: number;
  };
  readonly trigger: {
    readonly type: string;
    readonly actor: { readonly provider: string; readonly id: string };
    readonly repository: string;
    readonly ref: string | null;
    readonly isFork: boolean;
  };
  readonly purpose: string | null;
  readonly authority: string | null;
  readonly licence: string | null;
  readonly autonomy: string | null;
  readonly budget: {
    readonly microUsd: number | null;
    readonly tokens: number | null;
    readonly minutes: number | null;
  };
}

/** Whether a run may be admitted. */
export interface RunInput extends PolicyFacts {
  readonly phase: 'run';
  readonly step: null;
}

/** Whether a step may become ready. */
export interface StepInput extends PolicyFacts {
  readonly phase: 'step';
  readonly step: PolicyStep;
}

/** Whether the values of a step's secrets may go to the worker that holds it. */
export interface SecretInput extends PolicyFacts {
  readonly phase: 'secret';
  readonly step: PolicyStep;
  readonly secret: {
    /** How the worker keeps steps apart from itself; null where it does not say. */
    readonly isolation: 'none' | 'process' | 'user' | 'container' | null;
  };
}

/** Whether a person may do something: a slash command, a button, a call of the API. About a pipeline's run where there is one. */
export interface ActionInput extends Partial<PolicyFacts> {
  readonly phase: 'action';
  readonly step: null;
  readonly action: {
    /** `status`, `run`, `retry`, `cancel`, `approve`, `deny`, `explain`, `logs`, `plan`, `ok-to-test`, `help`. */
    readonly name: string;
    /** Everybody may read the repository. */
    readonly isPublic: boolean;
    readonly person: Principal;
  };
}

/** Whether an answer of a person counts: to a step that waits, or, where `step` is null, to the run itself. */
export interface ApprovalInput extends PolicyFacts {
  readonly phase: 'approval';
  readonly step: PolicyStep | null;
  readonly approval: {
    readonly decision: 'approve' | 'deny';
    readonly person: Principal;
    /** They started the run. */
    readonly isActor: boolean;
    /** They wrote, pushed or proposed the change. */
    readonly isAuthor: boolean;
    /** RFC 3339, UTC. */
    readonly at: string;
  };
}

/** Whether what a run made may go to an environment now: asked for `gate.promote` and `gate.freeze`, and for protection rules. */
export interface PromotionInput extends PolicyFacts {
  readonly phase: 'promotion';
  readonly step: PolicyStep;
  readonly promotion: PromotionFacts;
}

export interface PromotionFacts {
  readonly environment: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  /** `at` as a clock on the wall shows it, in each time zone that the data names. */
  readonly clocks: Readonly<Record<string, WallClock>>;
  /** What is promoted: artifacts by digest, and where there are none, the commit. */
  readonly artifacts: readonly Digest[];
  readonly commit: string | null;
  /** Exactly this was deployed to the environment before, successfully. */
  readonly isRollback: boolean;
  /** Successful deployments of exactly this, the newest of each environment. */
  readonly deployments: readonly {
    readonly environment: string;
    /** Whole seconds for which it was what the environment ran. */
    readonly ageSeconds: number;
    /** A receipt that was signed names it. */
    readonly isVerified: boolean;
  }[];
  /** Of the commit, without those of the run that asks; null where nobody can see checks. `conclusion` is null while one runs. */
  readonly checks: readonly { readonly name: string; readonly conclusion: string | null }[] | null;
}

export interface PolicyStep {
  readonly kind: 'work' | 'wait' | 'gate';
  readonly uses: string;
  readonly code: { readonly uri: string; readonly digest: Digest | null };
  readonly runner: string;
  readonly tags: readonly string[];
  /** What the step declares, and the host of `with.url` for `http` and `notify`; `*` where it is not known yet. */
  readonly egress: readonly string[];
  readonly secrets: readonly string[];
  /** What the step declares; for a gate, what its `with` names. */
  readonly environment: string | null;
  /** Environments that a `gate.promote` before it has promoted to: people and policy have agreed there. */
  readonly gatedBy: readonly string[];
  readonly isIdempotent: boolean;
  readonly timeoutMs: number;
  /** Templates as written where they read outputs of other steps; values where they do not. */
  readonly with: JsonObject;
}
