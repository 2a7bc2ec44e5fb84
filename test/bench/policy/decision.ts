import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import type { Json, JsonObject } from '../../../src/base/json.ts';
import { readBundle } from '../../../src/policy/bundle.ts';
import { openPolicy, type PolicyEngine } from '../../../src/policy/evaluate.ts';
import type { PolicyInput } from '../../../src/policy/input.ts';
import { stepInput } from '../../../src/policy/input-from-plan.ts';
import { planOf, planStep, TRIGGER } from '../../fakes/plans.ts';
import { percentile, rounded } from '../statistics.ts';

const POLICY = resolve(import.meta.dirname, '../../../policy');
const OPA = resolve(import.meta.dirname, '../../../.tools/bin/opa');
const LARGE_BYTES = 65_536;
/** Of a step that runs a few lines. */
const USUAL_BYTES = 2048;
/** What a question holds beside the script. */
const REST_BYTES = 1200;
const WARM = 50;
const P95_MS_MAX = 2;
const RATIO_MIN = 5;

/** What one decision costs with all packs, each question a new one: in process, and of a running `opa` beside it. */
export async function measureDecisions(count: number): Promise<object> {
  const [wasm, manifest] = await Promise.all([
    readFile(join(POLICY, 'dist/policy.wasm')),
    readFile(join(POLICY, 'dist/manifest.json')),
  ]);
  const bundle = readBundle({ wasm, manifest });
  const policy = await openPolicy(bundle);
  const opa = await openOpa(bundle.manifest.defaults);
  try {
    const usual = await race(policy, opa, USUAL_BYTES, count);
    const large = await race(policy, opa, LARGE_BYTES, count);
    const ratio = Math.min(large.timesFasterAtP50, large.timesFasterAtP95);
    const isWithin = large.p95Ms < P95_MS_MAX && ratio >= RATIO_MIN;
    return { decisions: count, usual, large, isWithin };
  } finally {
    await opa.close();
  }
}

interface Race {
  readonly inputBytes: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly opaP50Ms: number;
  readonly opaP95Ms: number;
  readonly timesFasterAtP50: number;
  readonly timesFasterAtP95: number;
}

/** Each question is put to both, one after the other. */
async function race(policy: PolicyEngine, opa: OpaServer, bytes: number, count: number): Promise<Race> {
  const own: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < WARM + count; i++) {
    const input = question(i, bytes);
    const begin = performance.now();
    const { verdict } = policy.evaluate(input);
    const decided = performance.now();
    const answer = await opa.ask(input);
    const answered = performance.now();
    if (verdict !== answer) throw new Error(`Maestro says ${verdict}, opa says ${String(answer)}`);
    if (i < WARM) continue;
    own.push(decided - begin);
    theirs.push(answered - decided);
  }
  const [p50Ms, p95Ms, opaP50Ms, opaP95Ms] = [at(own, 50), at(own, 95), at(theirs, 50), at(theirs, 95)];
  return {
    inputBytes: Buffer.byteLength(canonicalJson(question(0, bytes) as unknown as Json)),
    p50Ms: round(p50Ms, 3),
    p95Ms: round(p95Ms, 3),
    opaP50Ms: round(opaP50Ms, 3),
    opaP95Ms: round(opaP95Ms, 3),
    timesFasterAtP50: round(opaP50Ms / p50Ms, 1),
    timesFasterAtP95: round(opaP95Ms / p95Ms, 1),
  };
}

/** As a step with a script asks, of about that size. Plans are read from JSON: their texts lie in memory as one piece. */
function question(i: number, bytes: number): PolicyInput {
  const line = `node --test test/part-${i}.test.js --test-reporter=junit\n`;
  const pieces = line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - REST_BYTES);
  const script = Buffer.from(pieces).toString();
  const step = planStep('a', {
    with: { run: script, shell: 'bash' },
    tags: ['build', 'test'],
    egress: ['registry.npmjs.org', 'api.example.com:443'],
    environment: 'staging',
  });
  return stepInput(planOf([step]), step, TRIGGER);
}

interface OpaServer {
  ask(input: PolicyInput): Promise<unknown>;
  close(): Promise<void>;
}

/** Stock `opa` with the same rules and data, over a connection that is kept. */
async function openOpa(data: JsonObject): Promise<OpaServer> {
  const folder = await mkdtemp(join(tmpdir(), 'maestro-opa-'));
  await writeFile(join(folder, 'data.json'), JSON.stringify(data));
  const port = await freePort();
  const sources = await rulesIn(POLICY);
  const args = [
    'run',
    '--server',
    '--log-level=error',
    `--addr=127.0.0.1:${port}`,
    join(folder, 'data.json'),
    ...sources,
  ];
  const child = spawn(OPA, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (input: PolicyInput): Promise<unknown> => post(agent, port, JSON.stringify({ input }));
  await untilAnswers(child, port, agent);
  return {
    ask,
    close: async () => {
      agent.destroy();
      child.kill();
      await rm(folder, { recursive: true });
    },
  };
}

async function rulesIn(folder: string): Promise<readonly string[]> {
  const manifest = JSON.parse(await readFile(join(folder, 'dist/manifest.json'), 'utf8')) as { sources: object };
  return Object.keys(manifest.sources)
    .filter((path) => path.endsWith('.rego'))
    .map((path) => join(folder, path));
}

function post(agent: Agent, port: number, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const options = { agent, host: '127.0.0.1', port, path: '/v1/data/maestro/decision', method: 'POST' };
    const call = request({ ...options, headers: { 'content-type': 'application/json' } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const { result } = JSON.parse(Buffer.concat(parts).toString()) as { result?: { verdict?: unknown } };
        resolve(result?.verdict);
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}

async function untilAnswers(child: ChildProcess, port: number, agent: Agent): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`opa ended with ${child.exitCode}`);
    if ((await post(agent, port, '{}').catch(() => undefined)) !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('opa does not answer');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function at(times: readonly number[], percent: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return percentile(sorted, percent) ?? Number.NaN;
}

function round(value: number, digits: number): number {
  return rounded(value, digits) ?? Number.NaN;
}
