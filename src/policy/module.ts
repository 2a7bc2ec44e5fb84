import { createRequire } from 'node:module';
import type * as OpaWasm from '@open-policy-agent/opa-wasm';
import { MaestroError, messageOf } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { PolicyBundle } from './bundle.ts';

type LoadedPolicy = OpaWasm.LoadedPolicy;

// The package's ES module leaves out loadPolicySync, which its CommonJS form and its types have.
const { loadPolicy, loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof OpaWasm;

/** In pages of 64 KiB: what a question of INPUT_BYTES_MAX needs, several times over. */
const MEMORY_MAX = { initial: 16, maximum: 2048 } as const;

/**
 * The compiled rules with their data in memory.
 *
 * A trap leaves an instance's stack and heap as they were at that moment, so an instance that failed is never asked
 * again: the next question gets a new one.
 */
export class PolicyModule {
  readonly #bundle: PolicyBundle;
  readonly #data: JsonObject;
  #instance: LoadedPolicy | undefined;

  private constructor(bundle: PolicyBundle, data: JsonObject, instance: LoadedPolicy) {
    this.#bundle = bundle;
    this.#data = data;
    this.#instance = instance;
  }

  /** @throws MaestroError POLICY_INVALID where the bytes are no policy or lack an entrypoint. */
  static async load(bundle: PolicyBundle, data: JsonObject): Promise<PolicyModule> {
    let instance: LoadedPolicy;
    try {
      instance = await loadPolicy(bundle.wasm, { ...MEMORY_MAX });
      instance.setData(data);
    } catch (error) {
      throw new MaestroError('POLICY_INVALID', `expected a policy module: ${messageOf(error)}`, { cause: error });
    }
    const { entrypoint, explain } = bundle.manifest;
    const missing = [entrypoint, explain].find((path) => !Object.hasOwn(instance.entrypoints, path));
    if (missing !== undefined) {
      throw new MaestroError('POLICY_INVALID', `expected a policy module with the entrypoint ${missing}`);
    }
    return new PolicyModule(bundle, data, instance);
  }

  /** The value of an entrypoint; undefined where it has none. Throws whatever the module or its host throws. */
  evaluate(inputJson: Uint8Array, entrypoint: string = this.#bundle.manifest.entrypoint): unknown {
    const instance = this.#instance ?? this.#instantiate();
    this.#instance = undefined;
    const { buffer, byteOffset, byteLength } = inputJson;
    const isWhole = byteLength === buffer.byteLength;
    const input = isWhole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
    const results: unknown = instance.evaluate(input, entrypoint);
    this.#instance = instance;
    return Array.isArray(results) ? results[0]?.result : undefined;
  }

  #instantiate(): LoadedPolicy {
    const policy = loadPolicySync(this.#bundle.wasm, { ...MEMORY_MAX });
    policy.setData(this.#data);
    return policy;
  }
}
