import { setImmediate } from 'node:timers/promises';
import { canonicalJson } from '../../base/canonical-json.ts';
import { type Digest, DigestStream } from '../../base/digest.ts';
import { MaestroError, messageOf } from '../../base/errors.ts';
import { isJsonObject, type Json } from '../../base/json.ts';
import { judgeCase } from '../cases/judge-case.ts';
import { type PolicyCase, readCases } from '../cases/policy-case.ts';
import { type Archive, readArchive } from './archive.ts';
import { ownWords, readOwnAnswer } from './own-answer.ts';
import type { OpenBundle } from './own-rules.ts';
import { RulesThread } from './rules-thread.ts';
import { textOf, verifyArchive } from './verify-archive.ts';
import type { VerifyKeys } from './verify-keys.ts';

const CASES_MS_MAX = 10_000;
const PROBLEMS_SHOWN_MAX = 10;

/**
 * Loads a bundle of `opa build`: verifies who signed it, sees that its rules can be asked again and again with the same
 * answer, and runs the cases that it brings.
 * @param name of the file, without `.tar.gz`
 * @throws MaestroError POLICY_INVALID, saying why and what to do
 */
export async function openBundle(name: string, packed: Uint8Array, keys: VerifyKeys): Promise<OpenBundle> {
  try {
    const files = await readArchive(packed);
    await verifyArchive(files, keys);
    const { wasm, data } = contentOf(files);
    const cases = casesIn(textOf('data.json', data));
    const thread = await RulesThread.open({ wasm, data });
    try {
      await pass(name, cases, thread);
    } catch (error) {
      await thread.close();
      throw error;
    }
    return { name, digest: digestOf(wasm, data), thread };
  } catch (cause) {
    throw new MaestroError('POLICY_INVALID', `the rules of ${name} are refused: ${messageOf(cause)}`, { cause });
  }
}

/** Copies, so that the whole archive need not be kept. */
function contentOf(files: Archive): { readonly wasm: Uint8Array; readonly data: Uint8Array } {
  const foreign = [...files.keys()].find((name) => !FILES.includes(name) && !name.endsWith('.rego'));
  if (foreign !== undefined)
    throw invalid(`${foreign} does not belong into a bundle: build it with \`opa build -b FOLDER -t wasm\``);
  const wasm = files.get('policy.wasm');
  if (wasm === undefined) throw invalid('it holds no policy.wasm: build it with `opa build -t wasm`');
  return { wasm: wasm.slice(), data: (files.get('data.json') ?? new TextEncoder().encode('{}')).slice() };
}

const FILES: readonly string[] = ['policy.wasm', 'data.json', '.manifest', '.signatures.json'];

function casesIn(data: string): readonly PolicyCase[] {
  const document: unknown = JSON.parse(data);
  const maestro = isJsonObject(document) ? document['maestro'] : undefined;
  const cases = isJsonObject(maestro) ? maestro['cases'] : undefined;
  if (cases === undefined)
    throw invalid('it brings no cases, and rules that nobody has tried are not taken: put them into maestro/data.yaml');
  const problems: string[] = [];
  const read = readCases(cases, (path, message) => problems.push(`${['cases', ...path].join('.')}: ${message}`));
  if (problems.length > 0) throw invalid(problems.slice(0, PROBLEMS_SHOWN_MAX).join('\n'));
  return read;
}

/** Asks the rules each of their cases, and lets others work in between. */
async function pass(name: string, cases: readonly PolicyCase[], thread: RulesThread): Promise<void> {
  const endMs = performance.now() + CASES_MS_MAX;
  const problems: string[] = [];
  for (const one of cases) {
    const problem = problemOf(name, one, thread);
    if (problem !== null) problems.push(`case "${one.name}": ${problem}`);
    if (problems.length === PROBLEMS_SHOWN_MAX) break;
    if (performance.now() > endMs) throw invalid(`its cases take longer than ${CASES_MS_MAX} ms`);
    await setImmediate();
  }
  if (problems.length > 0) throw invalid(`its own cases do not hold\n${problems.join('\n')}`);
}

function problemOf(name: string, one: PolicyCase, thread: RulesThread): string | null {
  thread.ask(new TextEncoder().encode(canonicalJson(one.input as unknown as Json)));
  const answer = readOwnAnswer(name, thread.answer());
  return answer.failure ?? judgeCase(one, ownWords(answer)).problem;
}

function digestOf(wasm: Uint8Array, data: Uint8Array): Digest {
  const stream = new DigestStream();
  stream.update(wasm);
  stream.update(data);
  return stream.digest();
}

function invalid(why: string): MaestroError {
  return new MaestroError('POLICY_INVALID', why);
}
