import { createRequire } from 'node:module';
import type * as OpaWasm from '@open-policy-agent/opa-wasm';

// The package's ES module leaves out loadPolicySync, which its CommonJS form and its types have.
const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof OpaWasm;

/** The rule that answers. */
const OWN_ENTRYPOINT = 'maestro/own/decision';

/** In pages of 64 KiB: what a question of 1 MiB needs, several times over. */
const MEMORY = { initial: 64, maximum: 2048 } as const;

/**
 * What a module may ask of its host: what the host has, and what answers the same whenever it is asked. Everything else that
 * OPA knows is either in the module itself, or reaches for clock, network, randomness or process.
 */
const HOST_FUNCTIONS = ['json.is_valid', 'regex.split', 'sprintf', 'yaml.is_valid', 'yaml.marshal', 'yaml.unmarshal'];
const IMPORTS = ['memory', 'opa_abort', 'opa_builtin0', 'opa_builtin1', 'opa_builtin2', 'opa_builtin3', 'opa_builtin4'];
const EXPORTS = [
  'builtins',
  'entrypoints',
  'opa_eval',
  'opa_heap_ptr_get',
  'opa_heap_ptr_set',
  'opa_json_dump',
  'opa_json_parse',
  'opa_malloc',
  'opa_wasm_abi_minor_version',
  'opa_wasm_abi_version',
];

/** Of the global that comes with a browser's types alone. */
declare const WebAssembly: {
  readonly Module: (new (
    bytes: Uint8Array,
  ) => object) & {
    imports(module: object): readonly { readonly module: string; readonly name: string }[];
    exports(module: object): readonly { readonly name: string }[];
  };
};

interface Instance {
  readonly mem: { readonly buffer: ArrayBuffer };
  readonly wasmInstance: { readonly exports: Readonly<Record<string, (...args: readonly number[]) => number>> };
  readonly entrypoints: Readonly<Record<string, number>>;
  setData(data: ArrayBuffer): void;
  evaluate(input: ArrayBuffer, entrypoint: string): unknown;
}

/** The compiled rules of a bundle, in memory. Only within a thread that can be ended: they may loop. */
export class OwnModule {
  readonly #module: object;
  readonly #data: ArrayBuffer;
  #instance: Instance | undefined;

  /** Throws, with what is wrong and what to do. */
  constructor(wasm: Uint8Array, data: Uint8Array) {
    this.#module = new WebAssembly.Module(wasm);
    this.#data = new Uint8Array(data).buffer;
    checkSeams(this.#module);
    this.#instance = this.#open();
    checkInstance(this.#instance);
  }

  /** The value of the entrypoint; undefined where it has none. Throws whatever the rules throw. */
  evaluate(question: ArrayBuffer): unknown {
    // One that failed is left as it was at that moment: the next question gets a new one.
    const instance = this.#instance ?? this.#open();
    this.#instance = undefined;
    const results = instance.evaluate(question, OWN_ENTRYPOINT);
    this.#instance = instance;
    return Array.isArray(results) ? (results[0] as { readonly result?: unknown } | undefined)?.result : undefined;
  }

  #open(): Instance {
    const instance = loadPolicySync(this.#module, { ...MEMORY }) as unknown as Instance;
    instance.setData(this.#data);
    return instance;
  }
}

function checkSeams(module: object): void {
  const foreign = WebAssembly.Module.imports(module).find((one) => one.module !== 'env' || !IMPORTS.includes(one.name));
  if (foreign) throw new Error(`policy.wasm wants ${foreign.module}.${foreign.name}: build it with \`opa build\``);
  const names = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  const missing = EXPORTS.find((name) => !names.has(name));
  if (missing) throw new Error(`policy.wasm lacks ${missing}: build it with \`opa build -t wasm\``);
}

function checkInstance(instance: Instance): void {
  const foreign = hostFunctionsOf(instance).find((name) => !HOST_FUNCTIONS.includes(name));
  if (foreign === 'internal.print') throw new Error('its rules print: build it without --wasm-include-print');
  if (foreign !== undefined)
    throw new Error(
      `its rules call ${foreign}, and may call only what answers the same each time it is asked, without clock, network or chance: take it out, or put what it would answer into data.json`,
    );
  if (!Object.hasOwn(instance.entrypoints, OWN_ENTRYPOINT))
    throw new Error(
      `it lacks the entrypoint ${OWN_ENTRYPOINT}: build it with \`opa build -t wasm -e ${OWN_ENTRYPOINT}\``,
    );
}

/** Names of OPA's functions that the module does not hold itself. */
function hostFunctionsOf({ mem, wasmInstance: { exports } }: Instance): readonly string[] {
  const address = exports['opa_json_dump']?.(exports['builtins']?.() ?? 0) ?? 0;
  const bytes = new Uint8Array(mem.buffer, address);
  const text = new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  return Object.keys(JSON.parse(text) as object);
}
