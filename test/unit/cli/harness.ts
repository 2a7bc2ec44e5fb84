import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  CommandContext,
  Compiler,
  Door,
  LocalMaestro,
  OpenOptions,
  OwnRulesFolders,
  PolicyDesk,
} from '../../../src/cli/context.ts';
import { runCli } from '../../../src/cli/main.ts';
import type { RunView } from '../../../src/protocol/run.ts';
import { planOf, runView, type Scene, ScriptedClient, stepView } from '../../fakes/client.ts';

export interface Shell {
  readonly cwd: string;
  readonly client?: ScriptedClient;
  readonly compiler?: Compiler;
  readonly desk?: PolicyDesk;
  readonly variables?: Readonly<Record<string, string>>;
  readonly isTty?: boolean;
}

/** Plans any text as one step `build`; finds an error in text that says `broken`. */
const COMPILER: Compiler = {
  lint: ({ text }) => {
    const index = text.split('\n').findIndex((line) => line.includes('broken'));
    return index < 0
      ? []
      : [{ line: index + 1, column: 3, severity: 'error', code: 'schema-value', message: 'is broken' }];
  },
  compile: (source, params) => {
    const findings = COMPILER.lint(source);
    const plan = { ...planOf(runView([stepView('build')])), params };
    return { plan: findings.length > 0 ? undefined : plan, findings };
  },
};

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'maestro-cli-'));
}

/** A process around the commands: streams that are kept, signals that a test can send, the scripted far end. */
export class FakeProcess {
  out = '';
  err = '';
  readonly opened: OpenOptions[] = [];
  readonly desks: (OwnRulesFolders | undefined)[] = [];
  readonly #shell: Shell;
  #listeners: ((signal: 'interrupt' | 'terminate') => void)[] = [];

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  run(...words: string[]): Promise<number> {
    return runCli(words, this.#door());
  }

  interrupt(signal: 'interrupt' | 'terminate' = 'interrupt'): void {
    for (const listener of this.#listeners) listener(signal);
  }

  #door(): Door {
    return {
      version: '1.2.3',
      streams: {
        writeOut: (text) => void (this.out += text),
        writeErr: (text) => void (this.err += text),
        drained: () => Promise.resolve(),
      },
      terminal: {
        isTty: this.#shell.isTty ?? false,
        hasColors: false,
        hasUnicode: true,
        size: () => ({ columns: 80, rows: 24 }),
      },
      openContext: async ({ directory }) => this.#context(directory ?? this.#shell.cwd),
    };
  }

  #context(cwd: string): Omit<CommandContext, 'output' | 'terminal' | 'version'> {
    const { client, compiler, desk, variables } = this.#shell;
    return {
      cwd,
      root: cwd,
      clock: { now: () => Date.parse('2026-01-02T03:04:05.000Z') },
      principal: { provider: 'local', id: 'ana' },
      environment: (name) => variables?.[name],
      fetch,
      keyRing: { keyFile: join(cwd, 'keys', 'signing-key.pem'), ringFile: join(cwd, 'keys', 'keys.json') },
      onInterrupt: (listener) => {
        this.#listeners.push(listener);
        return () => {
          this.#listeners = this.#listeners.filter((other) => other !== listener);
        };
      },
      openMaestro: async (options = {}) => {
        this.opened.push(options);
        return localMaestro(client);
      },
      openPreview: async () => (request) => required(client).preview(request),
      openCompiler: async () => compiler ?? COMPILER,
      openPolicyDesk: async (folders) => {
        this.desks.push(folders);
        if (!desk) throw new Error('this test gave no desk');
        return desk;
      },
    };
  }
}

function localMaestro(client: ScriptedClient | undefined): LocalMaestro {
  const known = required(client);
  return { client: known, drive: (_run, signal) => known.play(signal), close: () => known.close() };
}

function required(client: ScriptedClient | undefined): ScriptedClient {
  if (!client) throw new Error('this test gave no client');
  return client;
}

export function project(files: Readonly<Record<string, string>> = { '.maestro/ci.yaml': 'name: golden\n' }): string {
  const root = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

export function started(client: ScriptedClient, more: Partial<Shell> = {}): FakeProcess {
  return new FakeProcess({ cwd: project(), client, ...more });
}

export function oneStep(scenes: readonly Scene[], later: readonly Scene[] = []): ScriptedClient {
  return new ScriptedClient(runView([stepView('build')]), scenes, later);
}

export function finished(status: RunView['status'], step: Parameters<typeof stepView>[2] = {}): ScriptedClient {
  const finishedAt = '2026-01-02T03:04:04.000Z';
  const startedAt = '2026-01-02T03:04:01.000Z';
  const receipt = { status: 'signed', payloadSha256: 'c'.repeat(64) } as const;
  return new ScriptedClient(
    runView([stepView('build', [], { status: 'succeeded', startedAt, finishedAt, attempts: 1, ...step })], {
      status,
      finishedAt,
      receipt,
    }),
  );
}
