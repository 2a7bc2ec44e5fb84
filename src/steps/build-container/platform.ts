import { arch } from 'node:os';
import { MaestroError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';

const PLATFORM = /^([a-z\d]{1,32})\/([a-z\d_]{1,32})(?:\/([a-z\d.]{1,16}))?$/;
/** Go's names, which images use, of the machines that Node runs on. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

export interface Platform {
  readonly text: string;
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
}

/** Throws INPUT_INVALID for what is not such as linux/arm64. */
export function parsePlatform(text: string): Platform {
  const [, os, architecture, variant] = PLATFORM.exec(text) ?? [];
  if (os === undefined || architecture === undefined)
    throw new MaestroError('INPUT_INVALID', `expected a platform such as linux/arm64, got ${text}`);
  return { text, os, architecture, variant };
}

/** Linux on the machine that the worker runs on. */
export function ownPlatform(): Platform {
  return parsePlatform(`linux/${ARCHITECTURES[arch()] ?? arch()}`);
}

/** As manifests and configurations name it. */
export function platformJson({ os, architecture, variant }: Platform): JsonObject {
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
