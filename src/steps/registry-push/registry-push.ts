import { readFile, realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isMaestroError, MaestroError } from '../../base/errors.ts';
import { isInside } from '../checkout-path.ts';
import { defineStep, type StepAnswer, type StepContext } from '../define.ts';
import { isMediaType } from '../oci/descriptor.ts';
import { isRepository, isTag, parseImageName } from '../oci/image-name.ts';
import { OUTPUT_DEFAULT } from '../oci/layout-folder.ts';
import { type LayoutImage, readLayout } from '../oci/read-layout.ts';
import { type Papers, pushImage } from './push-image.ts';
import type { Referrer } from './referrers.ts';
import { RegistryClient } from './registry-client.ts';
import type { Credentials } from './registry-login.ts';
import { REGISTRY_PUSH_HEAD } from './registry-push-head.ts';
import { BUNDLE_BYTES_MAX, bundleReferrer, readBundle } from './signed-bundle.ts';
import { type SimpleSignature, simpleSignatureOf } from './simple-signature.ts';

interface PushInput {
  readonly image: string;
  readonly to?: string;
  readonly tags?: readonly string[];
  readonly referrers?: readonly { readonly path: string; readonly artifactType?: string }[];
  readonly sbom?: string;
  readonly provenance?: string;
  readonly risk?: string;
  readonly username?: string;
  readonly password?: string;
  readonly mountFrom?: readonly string[];
}

/** What a paper is where it is not signed; a signed one says it itself. */
const PAPERS = {
  sbom: 'application/vnd.cyclonedx+json',
  provenance: 'application/vnd.in-toto+json',
  risk: 'application/vnd.in-toto+json',
} as const;

export const registryPushStep = defineStep<PushInput>({
  ...REGISTRY_PUSH_HEAD,
  run: async (context, input) => {
    const { folder, to, tags } = destinationOf(input);
    const client = clientOf(context, input, to);
    const layout = await readLayout(resolve(context.workingDirectory, folder), context.workingDirectory);
    const papers = await papersOf(context, input, to, layout);
    const name = `${to}@${layout.image.digest}`;
    context.log(`pushing ${name}: ${layout.blobs.length} blobs, ${layout.manifests.length} manifests`);
    try {
      const pushed = await pushImage(client, layout, papers, tags);
      context.log(
        `pushed: ${pushed.sentBlobs} blobs sent (${pushed.sentBytes} bytes), ${pushed.knownBlobs} were there`,
      );
      const { digest, mediaType } = layout.image;
      return { kind: 'succeeded', result: { digest, mediaType, name, tags, ...pushed } };
    } catch (error) {
      return failureOf(error);
    }
  },
});

interface PushDestination {
  readonly folder: string;
  readonly to: string;
  readonly tags: readonly string[];
}

/** Without `to` the image is named as elsewhere, `registry.example.com/team/app:v1`, and lies where builds leave theirs. */
function destinationOf({ image, to, tags = [] }: PushInput): PushDestination {
  const [, name = image, tag] = /^(.+\/[^/:]+):([^/:]+)$/.exec(image) ?? [];
  const all = to === undefined && tag !== undefined ? [...tags, tag] : tags;
  checked(all, isTag, 'a tag such as v1.2.3');
  return to === undefined ? { folder: OUTPUT_DEFAULT, to: name, tags: all } : { folder: image, to, tags };
}

function clientOf(context: StepContext, input: PushInput, to: string): RegistryClient {
  const { username, password } = input;
  const credentials: Credentials | undefined =
    username === undefined || password === undefined ? undefined : { username, password };
  // A colon would end the name early, and the rest of it would be taken for the password.
  if (username?.includes(':')) throw new MaestroError('INPUT_INVALID', 'expected a username without a colon');
  return new RegistryClient({
    name: parseImageName(to),
    credentials,
    egress: context.step.egress,
    signal: context.signal,
    mountFrom: checked(input.mountFrom ?? [], isRepository, 'a repository of the same registry, such as team/base'),
  });
}

function checked(texts: readonly string[], isGood: (text: string) => boolean, what: string): readonly string[] {
  const bad = texts.find((text) => !isGood(text));
  if (bad !== undefined) throw new MaestroError('INPUT_INVALID', `expected ${what}, got ${bad}`);
  return texts;
}

async function papersOf(context: StepContext, input: PushInput, to: string, { image }: LayoutImage): Promise<Papers> {
  const named = (['sbom', 'provenance', 'risk'] as const).flatMap((name) => {
    const path = input[name];
    return path === undefined ? [] : [{ path, artifactType: PAPERS[name] }];
  });
  const referrers: Referrer[] = [];
  const simpleSignatures: SimpleSignature[] = [];
  for (const { path, artifactType } of [...named, ...(input.referrers ?? [])]) {
    const bytes = await readInside(context.workingDirectory, path);
    const bundle = readBundle(bytes, path);
    const signature = bundle && simpleSignatureOf(bundle, to, image.digest, path);
    if (signature) simpleSignatures.push(signature);
    else if (bundle) referrers.push(bundleReferrer(bytes, image.digest, path));
    else if (artifactType !== undefined && isMediaType(artifactType))
      referrers.push({ artifactType, bytes, annotations: {} });
    else
      throw new MaestroError('INPUT_INVALID', `expected the artifactType of ${path}, because it is no sigstore bundle`);
  }
  return { referrers, simpleSignatures };
}

async function readInside(root: string, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const real = await realpath(resolve(root, path)).catch(() => undefined);
  const found = real === undefined || !isInside(root, real) ? undefined : await stat(real);
  if (real === undefined || !found?.isFile())
    throw new MaestroError('INPUT_INVALID', `expected a file in the working directory, got ${path}`);
  if (found.size > BUNDLE_BYTES_MAX)
    throw new MaestroError('OUTPUT_TOO_LARGE', `expected ${path} to have at most ${BUNDLE_BYTES_MAX} bytes`);
  return new Uint8Array(await readFile(real));
}

/** What may pass is retried as the step says; what a registry refuses is not. */
function failureOf(error: unknown): StepAnswer {
  if (!isMaestroError(error)) throw error;
  const { code: errorCode, message } = error;
  const errorClass = ({ NETWORK_FAILED: 'infra', STEP_TIMED_OUT: 'timeout', RATE_LIMITED: 'rate-limit' } as const)[
    errorCode as string
  ];
  if (errorClass === undefined && errorCode !== 'REGISTRY_REFUSED') throw error;
  return { kind: 'failed', errorClass: errorClass ?? 'step', errorCode, message };
}
