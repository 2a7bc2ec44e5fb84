import type { TableRow } from './command.ts';
import type { OptionSpec, PositionalSpec } from './command-spec.ts';
import { PROVING } from './prove-commands.ts';
import { RUN, RUN_NAMES } from './run-names.ts';

export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'json', summary: 'answer with JSON on standard output' },
  { name: 'no-color', summary: 'no colours (also: NO_COLOR=1)' },
  { name: 'directory', short: 'C', value: 'DIR', summary: 'work in this folder', completion: 'directory' },
  { name: 'help', short: 'h', summary: 'show help' },
];

/** Known only where no command is named. */
export const VERSION_OPTION: OptionSpec = { name: 'version', summary: 'show the version' };

const RUN_OPTIONAL: PositionalSpec = { ...RUN, isOptional: true };
const PIPELINE: PositionalSpec = { name: 'PIPELINE', isOptional: true, completion: 'file' };
const PIPELINE_NAMES =
  'PIPELINE is a file or the name of a pipeline in `.maestro/`. It may be left out where the project has exactly one.';

const PARAM: OptionSpec = { name: 'param', value: 'NAME=VALUE', isRepeatable: true, summary: 'set a parameter' };
const MANIFEST: OptionSpec = {
  name: 'manifest',
  short: 'm',
  value: 'FILE',
  summary: 'the pipeline file',
  completion: 'file',
};
const TEMPLATE: OptionSpec = { name: 'template', value: 'NAME', summary: 'the pipeline, by its name' };
const BUDGET: OptionSpec = { name: 'budget', value: 'AMOUNT', summary: 'spend at most this, for example 5usd' };
const ACTOR: OptionSpec = {
  name: 'actor',
  value: 'NAME',
  summary: 'say that this person acts (default: your user name); claimed, not proven',
};
const REASON: OptionSpec = { name: 'reason', value: 'TEXT', summary: 'why; kept in the receipt' };
const GATE: OptionSpec = { name: 'gate', value: 'STEP', summary: 'the gate, where several wait' };
const GATE_OPTIONAL: PositionalSpec = { name: 'GATE', isOptional: true };
const PLAN_DIGEST: OptionSpec = {
  name: 'plan-digest',
  value: 'DIGEST',
  summary: 'with --server: answer only if the run has this plan, which you looked at',
};
const ANSWERED_SERVER: OptionSpec = {
  name: 'server',
  value: 'URL',
  summary: 'answer a run of that server, as the person of a GitHub token',
};
const SECRET: OptionSpec = {
  name: 'secret',
  value: 'NAME[=VARIABLE]',
  isRepeatable: true,
  summary: 'give a secret from the environment variable of that name',
};
const WAIT: OptionSpec = {
  name: 'wait',
  summary: 'stay while the run waits for people, who answer from another terminal',
};
const ANSWERS_SERVER =
  'With --server: RUN is the whole id, and the token is read from MAESTRO_TOKEN, GITHUB_TOKEN or GH_TOKEN. It must be one of a person (classic with the scope `repo`, fine-grained for the repository, or that of GitHub’s CLI); the server shows it to GitHub and does not keep it.';
const DRIVES = 'Without a server, this process then works the run onward until it ends or waits for a person.';

/** Every command, in the order of the help. */
export const COMMANDS: readonly TableRow[] = [
  {
    name: 'init',
    group: 'Write',
    summary: 'write a first pipeline that fits this project, and the workflow for a server',
    details: [
      'Looks at package.json, pyproject.toml and go.mod, and writes `.maestro/ci.yaml`. Never overwrites a file without --force.',
      'With --server: writes `.github/workflows/maestro.yml`, through which that Maestro server runs steps on the repository’s runners; a pipeline that exists stays as it is.',
    ],
    options: [
      { name: 'server', value: 'URL', summary: 'address of the Maestro server; writes the workflow for GitHub' },
      {
        name: 'action',
        value: 'OWNER/NAME@REF',
        summary: 'the repository and commit of the action (default: that of this version)',
      },
      { name: 'force', summary: 'overwrite the file that is asked for' },
    ],
    examples: ['maestro init', 'maestro init --server https://maestro.example.com --action acme/maestro@v0.1.0'],
    load: async () => (await import('./commands/init.ts')).init,
  },
  {
    name: 'lint',
    aliases: ['template lint'],
    group: 'Write',
    summary: 'check pipelines, all findings at once',
    details: [
      'Without FILE: every pipeline of the project (`.maestro/*.yaml`, `.yml`, `.json` and `maestro.pipeline.yaml`).',
      'Exits with 1 where a finding is an error. With --json: `[{file,line,column,severity,code,message}]`.',
    ],
    positionals: [{ name: 'FILE', isOptional: true, isRepeatable: true, completion: 'file' }],
    examples: ['maestro lint', 'maestro lint .maestro/ci.yaml --json'],
    load: async () => (await import('./commands/lint.ts')).lint,
  },
  {
    name: 'plan',
    group: 'Write',
    summary: 'show what would run and what policy says, without side effects',
    details: [PIPELINE_NAMES, 'With --json: `{name,digest,steps,decisions,estimate}`.'],
    positionals: [PIPELINE],
    options: [MANIFEST, TEMPLATE, PARAM, BUDGET, ACTOR],
    examples: ['maestro plan', 'maestro plan ci --param env=staging --json'],
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  {
    name: 'policy',
    group: 'Write',
    summary: 'try the policy with cases, or explain what it says',
    details: [
      '`maestro policy test [FILE]` asks the policy of this project each question in FILE (default: `.maestro/policy-cases.yaml`) and exits with 1 where an answer is not the expected one. With --json: `[{name,problem,verdict,reasons,obligations}]`.',
      '`maestro policy explain RUN [STEP]` shows what policy was asked about a run, and what each pack says to it. ' +
        RUN_NAMES,
      '`maestro policy explain --pipeline NAME [STEP]` shows the same for a pipeline before it runs. With --json: `{asked: [{step,phase,decision,packs,packDigest,input}], more}`.',
      'With --bundles and --keys, own rules of an organisation are loaded as a server does it, and asked too.',
    ],
    positionals: [
      { name: 'test|explain', completion: ['test', 'explain'] },
      { name: 'FILE|RUN', isOptional: true },
      { name: 'STEP', isOptional: true },
    ],
    options: [
      { name: 'pipeline', value: 'NAME', summary: 'explain this pipeline, a file or a name', completion: 'file' },
      PARAM,
      BUDGET,
      ACTOR,
      { name: 'bundles', value: 'DIR', summary: 'own rules: a folder of bundles', completion: 'directory' },
      { name: 'keys', value: 'DIR', summary: 'the public keys that may sign them', completion: 'directory' },
    ],
    examples: [
      'maestro policy test',
      'maestro policy explain latest deploy',
      'maestro policy explain --pipeline ci --param env=prod',
      'maestro policy test --bundles bundles --keys keys',
    ],
    load: async () => (await import('./commands/policy.ts')).policy,
  },
  {
    name: 'run',
    isActing: true,
    group: 'Run',
    summary: 'run a pipeline and watch it',
    details: [
      PIPELINE_NAMES,
      'Ctrl-C once cancels the run gracefully; twice leaves it as it is for `maestro resume`.',
      'With --json: the run at its end, `{id,status,planDigest,steps,receipt}`.',
    ],
    positionals: [PIPELINE],
    options: [MANIFEST, TEMPLATE, PARAM, SECRET, BUDGET, WAIT, ACTOR],
    examples: [
      'maestro run',
      'maestro run ci --param env=staging --budget 5usd',
      'maestro run deploy --secret DEPLOY_TOKEN',
    ],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'retry',
    isActing: true,
    group: 'Run',
    summary: 'make a new attempt of a finished run',
    details: [RUN_NAMES, 'Keeps what succeeded outside the scope (default: --failed).', DRIVES],
    positionals: [RUN],
    options: [
      { name: 'failed', summary: 'steps that did not succeed, and what follows from them' },
      { name: 'all', summary: 'every step' },
      { name: 'from', value: 'STEP', summary: 'this step and what follows from it' },
      SECRET,
      WAIT,
    ],
    examples: ['maestro retry latest', 'maestro retry 01jd --from deploy'],
    load: async () => (await import('./commands/retry.ts')).retry,
  },
  {
    name: 'resume',
    isActing: true,
    group: 'Run',
    summary: 'go on with a run whose process ended',
    details: [RUN_NAMES, 'Without RUN: the latest. Steps that succeeded do not run again.'],
    positionals: [RUN_OPTIONAL],
    options: [SECRET, WAIT],
    examples: ['maestro resume'],
    load: async () => (await import('./commands/resume.ts')).resume,
  },
  {
    name: 'replay',
    isActing: true,
    group: 'Run',
    summary: 'run the stored plan of a run again and compare',
    details: [
      RUN_NAMES,
      'Runs the plan that is named by its digest, never the source. Compares statuses, outputs, artifacts and durations. Exits with 0 where the results are equal.',
    ],
    positionals: [RUN],
    options: [SECRET, ACTOR],
    examples: ['maestro replay latest'],
    load: async () => (await import('./commands/replay.ts')).replay,
  },
  {
    name: 'cancel',
    isActing: true,
    group: 'Run',
    summary: 'stop a run; its compensations run',
    details: [RUN_NAMES],
    positionals: [RUN],
    options: [REASON],
    examples: ['maestro cancel latest --reason "wrong branch"'],
    load: async () => (await import('./commands/cancel.ts')).cancel,
  },
  {
    name: 'status',
    group: 'Watch',
    summary: 'show a run, or list runs',
    details: [RUN_NAMES, 'Without RUN: the latest runs.'],
    positionals: [RUN_OPTIONAL],
    options: [{ name: 'limit', value: 'COUNT', summary: 'list at most this many runs (default 20)' }],
    examples: ['maestro status', 'maestro status latest --json'],
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'logs',
    group: 'Watch',
    summary: 'print what the steps wrote, secrets masked',
    details: [RUN_NAMES, 'Escape sequences of steps are neutralised. With --json: one `{step,attempt,text}` per line.'],
    positionals: [RUN],
    options: [
      { name: 'step', value: 'ID', summary: 'of this step only' },
      { name: 'follow', short: 'f', summary: 'go on until the run has ended' },
    ],
    examples: ['maestro logs latest --step test --follow'],
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'watch',
    group: 'Watch',
    summary: 'follow a run that another process works',
    details: [RUN_NAMES, 'With --json: one event per line. Ctrl-C stops watching; the run goes on.'],
    positionals: [RUN],
    examples: ['maestro watch latest'],
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  {
    name: 'approve',
    isActing: true,
    group: 'Answer',
    summary: 'let a waiting step go on',
    details: [RUN_NAMES, 'The approval is bound to the plan’s digest and kept in the receipt.', DRIVES, ANSWERS_SERVER],
    positionals: [RUN, GATE_OPTIONAL],
    options: [GATE, REASON, ACTOR, SECRET, WAIT, ANSWERED_SERVER, PLAN_DIGEST],
    examples: [
      'maestro approve latest --gate to-prod --reason "release 1.4"',
      'GH_TOKEN=$(gh auth token) maestro approve 01kdxyz0a0m1n2p3q4r5s6t7v8 to-prod --server https://maestro.example.com',
    ],
    load: async () => (await import('./commands/answer.ts')).approve,
  },
  {
    name: 'deny',
    isActing: true,
    group: 'Answer',
    summary: 'refuse a waiting step',
    details: [RUN_NAMES, DRIVES, ANSWERS_SERVER],
    positionals: [RUN, GATE_OPTIONAL],
    options: [GATE, REASON, ACTOR, SECRET, WAIT, ANSWERED_SERVER, PLAN_DIGEST],
    examples: ['maestro deny latest --gate to-prod --reason "freeze"'],
    load: async () => (await import('./commands/answer.ts')).deny,
  },
  {
    name: 'revoke',
    isActing: true,
    group: 'Answer',
    summary: 'take back your own approval of a step that still waits',
    details: [
      RUN_NAMES,
      'What enough people approved is used at once: cancel the run instead. Afterwards you may approve again.',
      ANSWERS_SERVER,
    ],
    positionals: [RUN, GATE_OPTIONAL],
    options: [GATE, REASON, ACTOR, SECRET, WAIT, ANSWERED_SERVER, PLAN_DIGEST],
    examples: ['maestro revoke latest to-prod --reason "found a bug"'],
    load: async () => (await import('./commands/answer.ts')).revoke,
  },
  ...PROVING,
  {
    name: 'completion',
    group: 'Shell',
    summary: 'print a completion script',
    positionals: [{ name: 'SHELL', completion: ['bash', 'zsh', 'fish'] }],
    examples: [
      'eval "$(maestro completion bash)"',
      'maestro completion fish > ~/.config/fish/completions/maestro.fish',
    ],
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  {
    name: 'help',
    group: 'Shell',
    summary: 'show help for a command',
    positionals: [{ name: 'COMMAND', isOptional: true }],
    examples: ['maestro help run'],
    load: async () => (await import('./commands/help.ts')).help,
  },
];
