import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MaestroError } from '../base/errors.ts';
import { removeFolder } from './sandbox.ts';

/** The account that steps run under: a number without a name, a password or a group. */
interface StepUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * How steps are kept apart from the worker.
 *
 * `process`: same user. A step does not get the worker's environment, but it can read what the user can read, also the
 * worker's memory and `/proc/PID/environ`. `user`: see `enterIsolation`. Whoever leases steps with secrets must take
 * this answer into account.
 */
export type StepIsolation =
  | { readonly kind: 'process' }
  | { readonly kind: 'user'; readonly user: StepUser; readonly setpriv: string };

export const PROCESS_ISOLATION: StepIsolation = { kind: 'process' };

const SETPRIV_PATHS = ['/usr/bin/setpriv', '/bin/setpriv', '/usr/sbin/setpriv'];
/** Where systemd takes its dynamic users from: below 65,536, so that it exists in a container with mapped users too. */
const FIRST_UID = 61_184;
const UID_COUNT = 4336;

/** The best that this machine allows. `random` is uniform in [0, 1). */
export function findIsolation(random: () => number): StepIsolation {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return PROCESS_ISOLATION;
  const setpriv = SETPRIV_PATHS.find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
  const uid = freeUid(random);
  if (setpriv === undefined || uid === undefined) return PROCESS_ISOLATION;
  const isolation: StepIsolation = { kind: 'user', user: { uid, gid: uid }, setpriv };
  const [program, ...args] = [...asStepUser(isolation), 'true'];
  const probe = spawnSync(program, args, { env: {}, stdio: 'ignore', cwd: '/' });
  return probe.status === 0 ? isolation : PROCESS_ISOLATION;
}

/** A number that no process runs under; two workers of one machine then do not share a user. */
function freeUid(random: () => number): number | undefined {
  const taken = new Set(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid),
  );
  const start = Math.floor(random() * UID_COUNT);
  for (let i = 0; i < UID_COUNT; i++) {
    const uid = FIRST_UID + ((start + i) % UID_COUNT);
    if (!taken.has(uid)) return uid;
  }
  return undefined;
}

/** A command that runs what follows it as the step's user, with no groups, no capabilities and no way to new ones. */
export function asStepUser({ user, setpriv }: Extract<StepIsolation, { kind: 'user' }>): readonly string[] {
  return [
    setpriv,
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    '--no-new-privs',
    '--inh-caps=-all',
    '--bounding-set=-all',
    '--',
  ];
}

/** Folders of one worker, all of them the steps' own but for the one that holds them. */
export interface WorkPlaces {
  readonly root: string;
  readonly repositoryRoot: string;
  readonly temporaryRoot: string;
  /** HOME of the steps. */
  readonly home: string;
}

/** Makes the folders below `parent`, which other users must be able to walk through. Call it before `enterIsolation`. */
export async function makeWorkPlaces(isolation: StepIsolation, parent: string): Promise<WorkPlaces> {
  const root = await mkdtemp(join(parent, 'maestro-'));
  const places = {
    root,
    repositoryRoot: join(root, 'checkout'),
    temporaryRoot: join(root, 'temporary'),
    home: join(root, 'home'),
  };
  for (const folder of [places.repositoryRoot, places.temporaryRoot, places.home]) {
    await mkdir(folder, { mode: 0o700 });
    if (isolation.kind === 'user') await chown(folder, isolation.user.uid, isolation.user.gid);
  }
  if (isolation.kind === 'user') await chmod(root, 0o711);
  return places;
}

/**
 * Lets this process touch files with the rights of the steps' user from now on, until the returned function is called.
 *
 * The worker reads and writes where steps do, and a step can put a link in its way at any moment: what the worker then
 * opens is nothing that the step could not open itself. Its real user stays root, so the kernel refuses a step that
 * traces it, signals it, or reads its memory, environment or open files: the step's user would have to be all of its users.
 *
 * @throws MaestroError UNSUPPORTED in a thread, where the user cannot be changed
 */
export function enterIsolation(isolation: StepIsolation): () => void {
  if (isolation.kind === 'process') return () => {};
  if (!process.setegid || !process.seteuid || !process.setgroups)
    throw new MaestroError('UNSUPPORTED', 'expected the main thread of a process on a POSIX system');
  process.setgroups([]);
  process.setegid(isolation.user.gid);
  process.seteuid(isolation.user.uid);
  return () => {
    process.seteuid?.(0);
    process.setegid?.(0);
  };
}

/** Removes the folders, with the steps' own rights: one that they made a link of would lead root elsewhere. */
export async function removeWorkPlaces(isolation: StepIsolation, places: WorkPlaces): Promise<void> {
  const folders = [places.repositoryRoot, places.temporaryRoot, places.home];
  const leave = enterIsolation(isolation);
  try {
    for (const folder of folders) {
      const entries = await readdir(folder).catch(() => []);
      // What stays behind is of no other user, and a hosted runner is thrown away.
      for (const entry of entries) await removeFolder(join(folder, entry)).catch(() => {});
    }
  } finally {
    leave();
  }
  for (const folder of [...folders, places.root]) await rmdir(folder).catch(() => {});
}
