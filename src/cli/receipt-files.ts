import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isMaestroError, MaestroError, messageOf } from '../base/errors.ts';
import { readPublicKey } from '../provenance/public-key.ts';
import { parseTrustedKeys } from '../provenance/trusted-keys.ts';
import type { TrustedKey } from '../provenance/verify.ts';
import type { Arguments } from './arguments.ts';

/** Above the verifier's own limit, so that it is the verifier who refuses; guards against reading a disk into memory. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;

export const BUNDLE_NAME = 'receipt.sigstore.json';
export const KEYLESS_BUNDLE_NAME = 'receipt.keyless.sigstore.json';

/** Where the parts of a receipt are. Absolute. */
export interface ReceiptFiles {
  readonly folder: string;
  /** The folder was named, and not a file in it. */
  readonly isFolder: boolean;
  readonly bundle: string;
  /** Undefined where there is none: the bundle then stands alone. */
  readonly runRecord: string | undefined;
}

/** @param bundleName of the bundle in a folder */
export function findReceiptFiles(args: Arguments, cwd: string, bundleName: string): ReceiptFiles {
  const files = receiptFilesAt(resolve(cwd, args.required(0)), bundleName);
  const record = args.text('run-record');
  return record === undefined ? files : { ...files, runRecord: resolve(cwd, record) };
}

/** @param path of the folder, or of the bundle. Absolute. */
export function receiptFilesAt(path: string, bundleName: string): ReceiptFiles {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const folder = isFolder ? path : dirname(path);
  return {
    folder,
    isFolder,
    bundle: isFolder ? join(path, bundleName) : path,
    runRecord: existing(join(folder, 'run.json')),
  };
}

/** The run record as a verifier takes it. */
export function recordOf({ runRecord }: ReceiptFiles): { readonly runRecord?: Uint8Array } {
  return runRecord === undefined ? {} : { runRecord: readReceiptFile(runRecord) };
}

export function readReceiptFile(path: string): Buffer {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isFile()) throw new MaestroError('FILE_NOT_READABLE', `expected a file at ${path}`);
  if (stat.size > FILE_BYTES_MAX)
    throw new MaestroError('FILE_TOO_LARGE', `${path} has ${stat.size} bytes, expected at most ${FILE_BYTES_MAX}`);
  return readFileSync(path);
}

/** Whether a file is a disclosure pack: a bundle is text. */
export function isArchive(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Whom the reader trusts, by --key or --keys; else the key that came with the receipt. */
export interface GivenKeys {
  readonly key: string | readonly TrustedKey[];
  readonly isGiven: boolean;
}

/** A key that the reader names is part of the request; one that came with the receipt is part of what is verified. */
export function readKeys(args: Arguments, cwd: string, { folder }: ReceiptFiles): GivenKeys {
  const [one, many] = [args.text('key'), args.text('keys')];
  if (one !== undefined && many !== undefined) throw new MaestroError('USAGE', 'expected --key or --keys, got both');
  if (many !== undefined) return { key: readKeysFile(resolve(cwd, many)), isGiven: true };
  const path = one === undefined ? join(folder, 'maestro.pub') : resolve(cwd, one);
  const pem = readReceiptFile(path).toString('utf8');
  if (one !== undefined && readPublicKey(pem) === undefined)
    throw new MaestroError(
      'KEY_INVALID',
      `expected one P-256 public key in PEM (-----BEGIN PUBLIC KEY-----) in ${path}`,
    );
  return { key: pem, isGiven: one !== undefined };
}

function readKeysFile(path: string): readonly TrustedKey[] {
  try {
    return parseTrustedKeys(readReceiptFile(path));
  } catch (error) {
    if (isMaestroError(error)) throw error;
    throw new MaestroError('KEY_INVALID', `${path}: ${messageOf(error)}`);
  }
}

function existing(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? path : undefined;
}
