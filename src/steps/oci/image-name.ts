import { MaestroError } from '../../base/errors.ts';

/** @source https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests */
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
/** A host has a dot, a port or is this machine: `team/app` alone says nothing of where it lies. */
const HOST = /^(?:localhost|\[[a-f\d:.]{2,45}\]|[a-z\d](?:[a-z\d.-]{0,252}[a-z\d])?)(?::[1-9]\d{0,4})?$/i;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i;
/** Host and repository, as registries bound them. */
const NAME_LENGTH_MAX = 255;

export interface ImageName {
  /** Without a path: `https:`, or `http:` where the registry is this machine itself. */
  readonly origin: URL;
  readonly repository: string;
}

/**
 * Where an image lies: `registry.example.com/team/app`.
 *
 * The host is written out, because a default would decide where something is published.
 * @throws MaestroError INPUT_INVALID
 */
export function parseImageName(text: string): ImageName {
  const [host = '', ...path] = text.split('/');
  const repository = path.join('/');
  const url = HOST.test(host) ? URL.parse(`https://${host}/`) : null;
  const isHost = url !== null && (/[.:]/.test(host) || host.toLowerCase() === 'localhost');
  if (!isHost || !REPOSITORY.test(repository) || text.length > NAME_LENGTH_MAX)
    throw new MaestroError('INPUT_INVALID', `expected a name such as registry.example.com/team/app, got ${text}`);
  // The scheme is chosen from the name in its normal form: 0x7f.1 is this machine too.
  return { origin: LOOPBACK.test(url.hostname) ? new URL(`http://${host}/`) : url, repository };
}

export function isLoopback(url: URL): boolean {
  return LOOPBACK.test(url.hostname);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

export function isRepository(text: string): boolean {
  return REPOSITORY.test(text);
}
