import { type Digest, digestBytes, isDigest } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';

/** What `npm run policy:build` says about the module that it built. */
export interface PolicyManifest {
  readonly schema: 'maestro.policy-bundle/v1';
  /** The rule that answers, as a path: `maestro/decision`. */
  readonly entrypoint: string;
  /** The rule that says what each pack says, as a path: `maestro/explain`. */
  readonly explain: string;
  /** Version of the compiler. */
  readonly opa: string;
  /** Digest over the digests of the sources. */
  readonly revision: Digest;
  /** Digest of the module's bytes. */
  readonly wasm: Digest;
  /** Digests of the files that it was made of, by path. */
  readonly sources: Readonly<Record<string, Digest>>;
  readonly packs: readonly PackNote[];
  /** Where the data names what another key of it has to know. */
  readonly references: readonly DataReference[];
  /** Data document where `.maestro/policy.yaml` says nothing. */
  readonly defaults: JsonObject;
  /** JSON Schema (2020-12) of the data document. */
  readonly dataSchema: JsonObject;
}

interface PackNote {
  readonly name: string;
  readonly title: string;
  /** One or two sentences. */
  readonly guards: string;
  /** Top-level keys of the data that are its own. */
  readonly keys: readonly string[];
}

export interface DataReference {
  /** Path whose parts may be `*`: `freeze.windows.*.environments.*`. */
  readonly at: string;
  /** The top-level key whose names are meant. */
  readonly in: string;
  /** The last part of the path is the name, not the value there. */
  readonly isKey?: boolean;
  /** Only values that begin so, and the name is what follows. */
  readonly after?: string;
}

export interface PolicyBundle {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly manifest: PolicyManifest;
}

/**
 * The bundle in the bytes of `policy/dist/policy.wasm` and `policy/dist/manifest.json`.
 * @throws MaestroError POLICY_INVALID where the two do not belong together or the manifest is not one.
 */
export function readBundle(files: { readonly wasm: Uint8Array; readonly manifest: Uint8Array }): PolicyBundle {
  const manifest = readManifest(files.manifest);
  const found = digestBytes(files.wasm);
  if (found !== manifest.wasm) {
    throw new MaestroError('POLICY_INVALID', `expected policy.wasm with digest ${manifest.wasm}, got ${found}`);
  }
  return { wasm: new Uint8Array(files.wasm), manifest };
}

function readManifest(bytes: Uint8Array): PolicyManifest {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new MaestroError('POLICY_INVALID', 'expected the policy manifest to be JSON', { cause: error });
  }
  if (!isManifest(value)) {
    throw new MaestroError('POLICY_INVALID', 'expected a policy manifest of schema maestro.policy-bundle/v1');
  }
  return value;
}

function isManifest(value: unknown): value is PolicyManifest {
  return (
    isJsonObject(value) &&
    value['schema'] === 'maestro.policy-bundle/v1' &&
    ['entrypoint', 'explain', 'opa'].every((key) => typeof value[key] === 'string') &&
    [value['revision'], value['wasm']].every((digest) => typeof digest === 'string' && isDigest(digest)) &&
    Array.isArray(value['packs']) &&
    Array.isArray(value['references']) &&
    isJsonObject(value['sources']) &&
    isJsonObject(value['defaults']) &&
    isJsonObject(value['dataSchema'])
  );
}
