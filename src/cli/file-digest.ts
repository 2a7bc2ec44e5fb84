import { createReadStream, statSync } from 'node:fs';
import { type Digest, DigestStream } from '../base/digest.ts';
import { MaestroError } from '../base/errors.ts';

/** Files of any size: releases are gigabytes. @throws FILE_NOT_READABLE */
export async function digestOfFile(path: string): Promise<Digest> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new MaestroError('FILE_NOT_READABLE', `expected a file at ${path}`);
  const digest = new DigestStream();
  for await (const part of createReadStream(path) as AsyncIterable<Uint8Array>) digest.update(part);
  return digest.digest();
}
