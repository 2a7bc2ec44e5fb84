import type { KeyObject } from 'node:crypto';
import type { Git } from './git.ts';
import type { Fields } from './shape.ts';

export type Role = 'read' | 'triage' | 'write' | 'maintain' | 'admin';
export type Permissions = Readonly<Record<string, string>>;

export interface Account {
  readonly id: number;
  login: string;
  readonly type: 'User' | 'Organization' | 'Bot';
  /** What a person signs requests with; null for organizations and bots. */
  readonly token: string | null;
}

export interface App {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  readonly webhookUrl: string;
  readonly webhookSecret: string;
  readonly publicKey: KeyObject;
  readonly bot: Account;
  readonly createdAt: string;
}

export interface Installation {
  readonly id: number;
  readonly app: App;
  readonly account: Account;
  readonly permissions: Permissions;
  readonly repositoryIds: Set<number>;
  readonly createdAt: string;
  /** While it is, its tokens are refused and it hears of nothing. */
  suspendedAt: string | null;
}

/** Who asks. `permissions` and `repositoryIds` are what this very token was narrowed to. */
export type Credential =
  | { readonly kind: 'anonymous' }
  /** `scopes` are of classic tokens, and null for those that have permissions instead. */
  | { readonly kind: 'user'; readonly account: Account; readonly scopes: readonly string[] | null }
  | { readonly kind: 'app'; readonly app: App }
  | {
      readonly kind: 'installation';
      readonly installation: Installation;
      readonly permissions: Permissions;
      readonly repositoryIds: ReadonlySet<number>;
      readonly expiresAtMs: number;
    };

export interface Repository {
  readonly id: number;
  owner: Account;
  name: string;
  isPrivate: boolean;
  defaultBranch: string;
  /** Everybody reads as before, nobody writes. */
  isArchived: boolean;
  readonly parent: Repository | null;
  readonly git: Git;
  readonly createdAt: string;
  readonly collaborators: Map<string, Role>;
  readonly issues: Map<number, Issue>;
  readonly pulls: Map<number, Pull>;
  readonly comments: Map<number, Comment>;
  readonly reviews: Map<number, Review>;
  readonly reviewComments: Map<number, ReviewComment>;
  readonly checkSuites: Map<number, CheckSuite>;
  readonly checkRuns: Map<number, CheckRun>;
  readonly statuses: CommitStatus[];
  readonly deployments: Map<number, Deployment>;
  readonly environments: Map<string, Environment>;
  readonly releases: Map<number, Release>;
  readonly attestations: Attestation[];
  readonly workflowRuns: Map<number, WorkflowRun>;
  /** Groups of the merge queue, by the number of their pull request. */
  readonly mergeGroups: Map<number, MergeGroup>;
  hasImmutableReleases: boolean;
  pushedAt: string;
}

export interface Issue {
  readonly id: number;
  readonly number: number;
  readonly author: Account;
  readonly createdAt: string;
  readonly labels: string[];
  title: string;
  body: string | null;
  state: 'open' | 'closed';
  updatedAt: string;
  /** Nobody reacts, and only people with write access comment. */
  isLocked: boolean;
  lockReason: string | null;
  readonly reactions: Reaction[];
  readonly events: IssueEvent[];
}

/** Something that happened to an issue or pull request, as its list of events keeps it. */
export interface IssueEvent {
  readonly id: number;
  readonly event: string;
  readonly actor: Account;
  readonly app: App | null;
  readonly createdAt: string;
  /** Of `merged`. */
  readonly commitSha: string | null;
  /** What only this kind of event has. */
  readonly details: Fields;
}

export interface Pull {
  readonly id: number;
  readonly issue: Issue;
  readonly headRepository: Repository;
  readonly headRef: string;
  baseRef: string;
  headSha: string;
  /** The tip of the base when this was opened, its head pushed to, or its base changed: not where the base is now. */
  baseSha: string;
  isDraft: boolean;
  mergedAt: string | null;
  mergeSha: string | null;
}

/** A pull request merged with its base on a branch of the queue, to be tested before the base gets it. */
export interface MergeGroup {
  readonly pull: Pull;
  readonly ref: string;
  readonly headSha: string;
  readonly baseSha: string;
  readonly sender: Account;
}

export interface Comment {
  readonly id: number;
  readonly issue: Issue;
  readonly author: Account;
  readonly app: App | null;
  readonly createdAt: string;
  readonly reactions: Reaction[];
  body: string;
  updatedAt: string;
}

/** What somebody thinks of a commit of a pull request. A comment on a line is always part of one. */
export interface Review {
  readonly id: number;
  readonly pull: Pull;
  readonly author: Account;
  readonly commitSha: string;
  body: string;
  state: 'PENDING' | 'COMMENTED' | 'APPROVED' | 'CHANGES_REQUESTED';
  submittedAt: string | null;
}

export interface ReviewComment {
  readonly id: number;
  readonly pull: Pull;
  readonly review: Review;
  readonly author: Account;
  readonly path: string;
  readonly line: number | null;
  readonly side: Side;
  /** The part of the diff that ends with the line. */
  readonly hunk: string;
  readonly commitSha: string;
  readonly replyTo: number | null;
  readonly createdAt: string;
  readonly reactions: Reaction[];
  body: string;
  updatedAt: string;
}

/** Of a diff: a line that goes is on the left, one that comes or stays on the right. */
export type Side = 'LEFT' | 'RIGHT';

export interface Reaction {
  readonly id: number;
  readonly content: string;
  readonly author: Account;
  readonly createdAt: string;
}

export interface CheckSuite {
  readonly id: number;
  readonly app: App;
  readonly headSha: string;
  readonly headBranch: string | null;
  readonly createdAt: string;
}

export interface CheckRun {
  readonly id: number;
  readonly suite: CheckSuite;
  readonly headSha: string;
  name: string;
  externalId: string;
  detailsUrl: string | null;
  status: string;
  conclusion: string | null;
  startedAt: string | null;
  completedAt: string | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  readonly annotations: Fields[];
  actions: readonly Fields[];
}

export interface CommitStatus {
  readonly id: number;
  readonly sha: string;
  readonly state: string;
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly creator: Account;
  readonly createdAt: string;
}

export interface Deployment {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly environment: string;
  readonly description: string | null;
  readonly payload: unknown;
  /** Specific to this deployment, and gone one day. */
  readonly isTransient: boolean;
  /** Users reach it directly. */
  readonly isProduction: boolean;
  readonly creator: Account;
  readonly app: App | null;
  /** The attempt of a workflow run whose job deploys; null where somebody made it by the API. */
  readonly run: { readonly id: number; readonly attempt: number } | null;
  readonly createdAt: string;
  readonly statuses: DeploymentStatus[];
}

export interface DeploymentStatus {
  readonly id: number;
  readonly state: string;
  readonly description: string;
  readonly logUrl: string;
  readonly environmentUrl: string;
  readonly creator: Account;
  readonly createdAt: string;
}

/** `protectionApps` are the apps that are asked before a job may deploy to it. */
export interface Environment {
  readonly id: number;
  readonly name: string;
  readonly createdAt: string;
  readonly protectionApps: Set<App>;
}

export interface Release {
  readonly id: number;
  readonly author: Account;
  readonly createdAt: string;
  readonly assets: Asset[];
  tag: string;
  target: string;
  name: string | null;
  body: string | null;
  isDraft: boolean;
  isPrerelease: boolean;
  publishedAt: string | null;
}

/** A sigstore bundle about something that was built here. */
interface Attestation {
  readonly id: number;
  readonly bundle: Fields;
  /** `sha256:…` of each subject of its statement. */
  readonly subjects: readonly string[];
  readonly initiator: Account;
}

export interface Asset {
  readonly id: number;
  /** Whoever has it may fetch the content: it is in the address that downloads are led to. */
  readonly key: string;
  name: string;
  label: string | null;
  readonly contentType: string;
  readonly content: Buffer;
  /** `sha256:…`; null of a broken upload, and on an Enterprise Server. */
  readonly digest: string | null;
  readonly state: 'uploaded' | 'starter';
  readonly uploader: Account;
  readonly createdAt: string;
}

type RunStatus = 'queued' | 'in_progress' | 'completed' | 'waiting';

export interface WorkflowRun {
  readonly id: number;
  readonly number: number;
  readonly workflow: Workflow;
  readonly suite: CheckSuite;
  readonly event: string;
  readonly payload: Fields;
  readonly inputs: Readonly<Record<string, string>>;
  readonly ref: string;
  readonly headSha: string;
  readonly title: string;
  readonly actor: Account;
  readonly createdAt: string;
  readonly jobs: WorkflowJob[];
  /** Protection rules that were answered: what an app said about an environment. */
  readonly reviews: {
    readonly app: string;
    readonly environment: string;
    readonly attempt: number;
    /** `approved` or `rejected`; null for a word in between. */
    readonly state: string | null;
    readonly comment: string;
    readonly createdAt: string;
  }[];
  attempt: number;
  /** Of the present attempt. */
  attemptStartedAt: string;
  status: RunStatus;
  conclusion: string | null;
  updatedAt: string;
}

export interface Workflow {
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly text: string;
}

export interface WorkflowJob {
  readonly id: number;
  readonly attempt: number;
  readonly key: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly environment: string | null;
  readonly createdAt: string;
  readonly log: string[];
  readonly steps: { readonly name: string; status: string; conclusion: string | null }[];
  /** Cancels it. */
  readonly stop: AbortController;
  /** Its machine is gone. */
  readonly death: AbortController;
  status: RunStatus;
  conclusion: string | null;
  startedAt: string | null;
  completedAt: string | null;
  runnerName: string | null;
  summary: string;
  /** Of a job with an environment. */
  deployment: Deployment | null;
}
