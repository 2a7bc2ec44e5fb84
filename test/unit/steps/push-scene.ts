import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../src/base/canonical-json.ts';
import type { Digest } from '../../../src/base/digest.ts';
import { digestBytes } from '../../../src/base/digest.ts';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { BUNDLE_MEDIA_TYPE, signPayload } from '../../../src/provenance/envelope.ts';
import type { Signer } from '../../../src/provenance/signer.ts';
import { buildContainerStep } from '../../../src/steps/build-container/build-container.ts';
import type { StepContext } from '../../../src/steps/define.ts';
import { registryPushStep } from '../../../src/steps/registry-push/registry-push.ts';
import { imageSignatureStatement } from '../../../src/steps/registry-push/signed-bundle.ts';
import { simpleSigningPayload } from '../../../src/steps/registry-push/simple-signature.ts';
import { stepOf } from '../worker/leases.ts';
import { ProjectFolder } from './project-folder.ts';
import { contextOf } from './step-context.ts';

/** Larger than what a socket takes at once, so that an upload can be cut within it. */
const LAYER_BYTES = 3_000_000;

/** An image in a working directory, and the step that pushes it. */
export class PushScene extends ProjectFolder {
  /** Of the image, once it is built. */
  digest: Digest = 'sha256:';
  readonly lines: string[] = [];

  async build(): Promise<this> {
    const noise = Buffer.alloc(LAYER_BYTES);
    for (let at = 0, seed = 1; at < noise.byteLength; at++) noise[at] = (seed = (seed * 48_271) % 2_147_483_647) & 255;
    this.write({ Containerfile: 'FROM scratch\nCOPY noise /noise\nCMD ["/noise"]\n', noise });
    const { context } = contextOf({ workingDirectory: this.root });
    const answer = await buildContainerStep.run(context, { platforms: ['linux/amd64'] });
    if (answer.kind !== 'succeeded') throw new Error('expected the image to be built');
    this.digest = answer.result.digest as Digest;
    return this;
  }

  /** The contents of the layout. */
  blobs(): readonly Buffer[] {
    const folder = this.at('image/blobs/sha256');
    return readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  }

  /** The result, or how it failed: class or code, and message. */
  async push(
    input: JsonObject,
    egress: readonly string[] = [],
    changes: Partial<StepContext> = {},
  ): Promise<JsonObject> {
    const { context, lines } = contextOf({ workingDirectory: this.root, step: stepOf({ egress }), ...changes });
    try {
      const answer = await registryPushStep.run(context, { image: 'image', ...input });
      if (answer.kind === 'succeeded') return answer.result;
      const { errorClass = null, errorCode = null } = answer.kind === 'failed' ? answer : {};
      return { failed: errorClass, code: errorCode, message: answer.message };
    } catch (error) {
      if (!isMaestroError(error)) throw error;
      return { failed: 'thrown', code: error.code, message: error.message };
    } finally {
      this.lines.push(...lines);
    }
  }

  /** Bundles as the control plane would sign them: the image's signature in both forms, and a provenance. */
  async writeBundles(name: string, signer: Signer, digest = this.digest): Promise<void> {
    const signature = imageSignatureStatement(name, digest);
    const provenance = {
      ...signature,
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: { buildDefinition: {}, runDetails: {} },
    };
    const payload = simpleSigningPayload(name, digest);
    const messageDigest = Buffer.from(digestBytes(payload).slice(7), 'hex').toString('base64');
    this.write({
      'image.sigstore.json': await signPayload(canonicalJson(signature), signer),
      'provenance.sigstore.json': await signPayload(canonicalJson(provenance), signer),
      'simple.sigstore.json': canonicalJson({
        mediaType: BUNDLE_MEDIA_TYPE,
        verificationMaterial: { publicKey: { hint: signer.keyHint } },
        messageSignature: {
          messageDigest: { algorithm: 'SHA2_256', digest: messageDigest },
          signature: Buffer.from(await signer.sign(payload)).toString('base64'),
        },
      }),
    });
  }
}

export const BUNDLES = [
  { path: 'image.sigstore.json' },
  { path: 'simple.sigstore.json' },
] as const satisfies readonly JsonObject[];
