import { canonicalJson } from '../base/canonical-json.ts';
import { type Digest, DigestStream, digestBytes } from '../base/digest.ts';
import { messageOf } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';
import { type Answer, denial, readAnswer } from './answer.ts';
import type { PolicyBundle } from './bundle.ts';
import type { Decision, PackVerdict } from './decision.ts';
import { DecisionCache } from './decision-cache.ts';
import { explainDenial, readExplanation } from './explanation.ts';
import type { PolicyInput } from './input.ts';
import { PolicyModule } from './module.ts';
import { narrowed, ownVerdict } from './own/own-answer.ts';
import type { OwnRules } from './own/own-rules.ts';

/** A larger question is denied: it would be kept in memory and in the receipt for nothing that a rule reads. */
export const INPUT_BYTES_MAX = 1_048_576;
/** Deeper nesting would exhaust the stack of the module's JSON parser. */
export const INPUT_DEPTH_MAX = 200;
const CACHE_GENERATION_SIZE = 8192;

export interface PolicyEngine {
  /** SHA-256 over the module's bytes, the canonical data document and the digests of own rules: what can change an answer. */
  readonly packDigest: Digest;
  readonly revision: Digest;
  /** The rule that answers, as a path: `maestro/decision`. */
  readonly entrypoint: string;
  readonly data: JsonObject;
  /**
   * The answer to a question; never throws, what cannot be evaluated is denied. Equal questions are evaluated once and
   * share one frozen decision.
   */
  evaluate(input: PolicyInput): Decision;
  /**
   * As `evaluate`, where the caller has a cheaper name for the question than its digest: equal keys must stand for equal
   * questions. See `questionKey`.
   */
  evaluateKeyed(key: string, makeInput: () => PolicyInput): Decision;
  /** What each pack says to a question, by name of the pack; never throws. Not kept: people ask for it now and then. */
  explain(input: PolicyInput): readonly PackVerdict[];
}

/**
 * Loads compiled rules and their data once; questions are then answered in process and synchronously.
 * @param bundle see `readBundle`
 * @throws MaestroError POLICY_INVALID where the bytes are not a policy
 */
export async function openPolicy(bundle: PolicyBundle & PolicyOptions): Promise<PolicyEngine> {
  const data = bundle.data ?? bundle.manifest.defaults;
  const module = await PolicyModule.load(bundle, data);
  return new WasmPolicyEngine(module, bundle, data, bundle.own);
}

export interface PolicyOptions {
  /** The whole data document, see `parsePolicyFile`; the bundle's defaults where a repository says nothing. */
  readonly data?: JsonObject;
  /** Asked beside ours, each time; the strictest verdict wins. */
  readonly own?: OwnRules | undefined;
}

class WasmPolicyEngine implements PolicyEngine {
  readonly packDigest: Digest;
  readonly revision: Digest;
  readonly entrypoint: string;
  readonly data: JsonObject;
  readonly #module: PolicyModule;
  readonly #explain: string;
  readonly #own: OwnRules | undefined;
  readonly #byKey = new DecisionCache<Decision>(CACHE_GENERATION_SIZE);
  readonly #byDigest = new DecisionCache<Decision>(CACHE_GENERATION_SIZE);

  constructor(module: PolicyModule, bundle: PolicyBundle, data: JsonObject, own: OwnRules | undefined) {
    this.#module = module;
    this.#own = own;
    this.data = data;
    this.revision = bundle.manifest.revision;
    this.entrypoint = bundle.manifest.entrypoint;
    this.#explain = bundle.manifest.explain;
    const stream = new DigestStream();
    stream.update(bundle.wasm);
    stream.update(new TextEncoder().encode(canonicalJson(data)));
    for (const { name, digest } of own?.bundles ?? []) stream.update(new TextEncoder().encode(`\n${name} ${digest}`));
    this.packDigest = stream.digest();
  }

  evaluateKeyed(key: string, makeInput: () => PolicyInput): Decision {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const decision = this.evaluate(makeInput());
    if (this.#byDigest.get(decision.inputDigest) === decision) this.#byKey.set(key, decision);
    return decision;
  }

  evaluate(input: PolicyInput): Decision {
    const bytes = questionBytes(input);
    if (bytes === undefined) return this.#decide(denial(NO_QUESTION), UNREADABLE);
    const inputDigest = digestBytes(bytes);
    const known = this.#byDigest.get(inputDigest);
    if (known !== undefined) return known;
    try {
      const { answer, isPassing } = this.#ask(bytes);
      const decision = this.#decide(answer, inputDigest);
      if (!isPassing) this.#byDigest.set(inputDigest, decision);
      return decision;
    } catch (error) {
      // Not remembered: it may be for want of memory or stack at this moment.
      return this.#decide(denial(`the rules failed: ${messageOf(error)}`), inputDigest);
    }
  }

  explain(input: PolicyInput): readonly PackVerdict[] {
    const bytes = questionBytes(input);
    if (bytes === undefined) return explainDenial(denial(NO_QUESTION));
    try {
      if (bytes.byteLength > INPUT_BYTES_MAX) return explainDenial(denial(tooLarge(bytes.byteLength)));
      const ours = readExplanation(this.#module.evaluate(bytes, this.#explain));
      return [...ours, ...(this.#own?.ask(bytes) ?? []).map(ownVerdict)];
    } catch (error) {
      return explainDenial(denial(`the rules failed: ${messageOf(error)}`));
    }
  }

  #ask(bytes: Uint8Array): { readonly answer: Answer; readonly isPassing: boolean } {
    if (bytes.byteLength > INPUT_BYTES_MAX) return { answer: denial(tooLarge(bytes.byteLength)), isPassing: false };
    const ours = this.#module.evaluate(bytes);
    const own = this.#own?.ask(bytes) ?? [];
    return { answer: readAnswer(narrowed(ours, own)), isPassing: own.some((one) => one.isPassing) };
  }

  #decide(answer: Answer, inputDigest: Digest): Decision {
    return Object.freeze({ ...answer, packDigest: this.packDigest, inputDigest });
  }
}

const NO_QUESTION = 'the question is not JSON, or is nested too deeply';
/** Stands for every question that has no canonical form. */
const UNREADABLE = digestBytes('');

function tooLarge(sizeBytes: number): string {
  return `the question has ${sizeBytes} bytes, more than ${INPUT_BYTES_MAX}; make the step's with smaller`;
}

function questionBytes(input: PolicyInput): Uint8Array | undefined {
  try {
    const bytes = new TextEncoder().encode(canonicalJson(input as unknown as Json));
    return isDeeperThan(bytes, INPUT_DEPTH_MAX) ? undefined : bytes;
  } catch {
    return undefined;
  }
}

/** Reads the JSON: to walk the value of a large question once more takes longer than its rules do. */
function isDeeperThan(json: Uint8Array, depthMax: number): boolean {
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === CODES.quote) at = endOfText(json, at);
    else if (byte === CODES.bracket || byte === CODES.brace) depth++;
    else if (byte === CODES.bracketEnd || byte === CODES.braceEnd) depth--;
    if (depth > depthMax) return true;
  }
  return false;
}

/** Where the text that begins at a quote ends: at the next one that no odd number of backslashes stands before. */
function endOfText(json: Uint8Array, begin: number): number {
  for (let end = json.indexOf(CODES.quote, begin + 1); ; end = json.indexOf(CODES.quote, end + 1)) {
    if (end < 0) return json.length;
    let at = end;
    while (json[at - 1] === CODES.backslash) at--;
    if ((end - at) % 2 === 0) return end;
  }
}

const CODES = { quote: 0x22, backslash: 0x5c, bracket: 0x5b, bracketEnd: 0x5d, brace: 0x7b, braceEnd: 0x7d } as const;
