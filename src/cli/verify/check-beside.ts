import { join } from 'node:path';
import { type Digest, digestBytes } from '../../base/digest.ts';
import { isOfPage } from '../../provenance/release-names.ts';
import { demand } from '../../provenance/verification-error.ts';
import type { TrustedKey, VerifiedReceipt } from '../../provenance/verify.ts';
import { digestOfFile } from '../file-digest.ts';
import { entriesBelow } from '../folder-entries.ts';
import { checkUnpacked } from './check-unpacked.ts';
import { NamesOfOutputs } from './names-of-outputs.ts';
import { StatementsBeside } from './statements-beside.ts';

/** What lies in the folder of a receipt, by path. */
export interface FilesBeside {
  /** What the run made, and statements about that. */
  readonly held: readonly string[];
  /** How many files are of the run's disclosure pack, unpacked here. */
  readonly packFiles: number;
  /** Nothing of the receipt is about them, or nobody looked: links, and folders, which end in `/`. */
  readonly others: readonly string[];
}

export interface BesideRequest {
  readonly folder: string;
  readonly receipt: Pick<VerifiedReceipt, 'statement' | 'runRecord' | 'payloadSha256'>;
  /** Whose statements count. */
  readonly key: string | readonly TrustedKey[];
  /** The reader named it: one that came along vouches for what came along with it. */
  readonly isKeyGiven: boolean;
  /** What the receipt was verified with and of: names of files in the folder. */
  readonly read: ReadonlySet<string>;
}

/**
 * Holds the files of a folder to the receipt in it. One that is called as something the run made, there or on the page of its release,
 * must be that; a statement that one of the trusted keys signed must hold, and be about something that the run made; a disclosure pack
 * that was unpacked there must be whole. Of what nobody here can say anything, the name is told.
 * @throws VerificationError SUBJECT_MISMATCH, and those of `verifyTyped` and `verifyDisclosed`
 */
export async function checkBeside(request: BesideRequest): Promise<FilesBeside> {
  const { folder, read } = request;
  const known = knownOf(request);
  const pack = checkUnpacked(request, known.names);
  const packFolders = new Set([...pack].flatMap(foldersOf));
  const [held, others]: [string[], string[]] = [[], []];
  for (const { path, isFile, isFolder } of entriesBelow(folder, (below) => packFolders.has(below))) {
    if (pack.has(path) || read.has(path)) continue;
    if (!isFile || path.includes('/')) others.push(isFolder ? `${path}/` : path);
    else ((await isHeld(folder, path, known)) ? held : others).push(path);
  }
  return { held, packFiles: pack.size, others };
}

interface Known {
  readonly runId: string;
  readonly record: Digest;
  readonly names: NamesOfOutputs;
  /** What the run made, its record included. */
  readonly made: ReadonlySet<Digest>;
  readonly statements: StatementsBeside;
}

function knownOf({ receipt, key }: BesideRequest): Known {
  const { outputs, run } = receipt.statement.predicate;
  const record = digestBytes(receipt.runRecord);
  const names = new NamesOfOutputs(outputs);
  const made = new Set<Digest>([record, ...outputs.map(({ digest }) => digest)]);
  const statements = new StatementsBeside({ key, made, names, at: run.finishedOn });
  return { runId: run.id, record, names, made, statements };
}

async function isHeld(folder: string, name: string, known: Known): Promise<boolean> {
  const { names, made, record, statements } = known;
  const path = join(folder, name);
  const digest = await digestOfFile(path);
  const named = names.digestsOf(name);
  if (digest === record || named.has(digest)) return true;
  // Such a name is the page's own: an output of that name is called otherwise there.
  if (isOfPage(name)) return statements.isOne(path, name);
  if (named.size === 0) return made.has(digest) || statements.isOne(path, name);
  const isPaper = statements.isOfNamesake(path, name);
  demand(isPaper, 'SUBJECT_MISMATCH', `${name} is not what run ${known.runId} made: its digest is another one`);
  return true;
}

/** `a` and `a/b` of `a/b/c`. */
function foldersOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, count) => parts.slice(0, count + 1).join('/'));
}
