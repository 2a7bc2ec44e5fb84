import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { StepAnswer, StepContext } from '../define.ts';
import { answerOf } from '../shell/shell.ts';
import type { Platform } from './platform.ts';

export type ToolName = 'buildah' | 'podman' | 'docker';
/** A shorter secret is looked for whole: parts of it stand everywhere. */
const SECRET_PART_MIN = 3;
const TOOLS: readonly ToolName[] = ['buildah', 'podman', 'docker'];

export interface ToolBuild {
  /** Absolute paths. */
  readonly contextRoot: string;
  readonly containerfile: string;
  readonly folder: string;
  readonly args: Readonly<Record<string, string>>;
  readonly platform: Platform;
  readonly timeMs: number;
  readonly hasCache: boolean;
}

/** The wanted tool, or the first that is there; undefined where none is. */
export async function findTool(wanted: 'auto' | ToolName, path: string): Promise<ToolName | undefined> {
  for (const name of wanted === 'auto' ? TOOLS : [wanted]) if (await isOnPath(name, path)) return name;
  return undefined;
}

/**
 * Builds with a tool of the machine, into a folder that is there and empty. Undefined where that went well.
 *
 * The tool's output is the step's log. It gets none of the step's secrets: what runs in a build is code of others.
 */
export async function buildWithTool(
  tool: ToolName,
  build: ToolBuild,
  context: StepContext,
): Promise<StepAnswer | undefined> {
  const epoch = String(Math.floor(build.timeMs / 1000));
  if (tool === 'docker')
    return run(['docker', ...DOCKER_BUILD, ...dockerOutput(build), ...optionsOf(build)], context, epoch);
  const idFile = join(context.temporaryDirectory, 'image-id');
  const options = ['--format', 'oci', '--iidfile', idFile, '--timestamp', epoch, ...optionsOf(build)];
  const failure = await run([tool, 'build', ...options], context, epoch);
  if (failure) return failure;
  const id = (await readFile(idFile, 'utf8')).trim();
  const notKept = await run([tool, 'push', '--quiet', id, `oci:${build.folder}`], context, epoch);
  // The layout is what is wanted; what stays behind only fills the machine's disk.
  await run([tool, 'rmi', '--force', id], context, epoch);
  return notKept;
}

/** Docker's own records of a build are left out: they name times, and nobody has signed them. */
const DOCKER_BUILD = ['buildx', 'build', '--provenance=false', '--sbom=false'];

function dockerOutput({ folder }: ToolBuild): readonly string[] {
  return ['--output', `type=oci,dest=${folder},tar=false,rewrite-timestamp=true`];
}

async function run(argv: readonly string[], context: StepContext, epoch: string): Promise<StepAnswer | undefined> {
  const env = { SOURCE_DATE_EPOCH: epoch, ...withoutSecrets(context) };
  const answer = answerOf(await context.runProgram({ argv, env }), argv.slice(0, 2).join(' '));
  return answer.kind === 'succeeded' ? undefined : answer;
}

function optionsOf({ containerfile, args, platform, contextRoot, hasCache }: ToolBuild): readonly string[] {
  const values = Object.entries(args).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  const cache = hasCache ? [] : ['--no-cache'];
  return ['--platform', platform.text, '--file', containerfile, ...cache, ...values, contextRoot];
}

/** Blank: the variables of the step's secrets, and those in which `env` has put one. */
function withoutSecrets({ secrets, env }: StepContext): Readonly<Record<string, string>> {
  const values = Object.values(secrets).filter((secret) => secret !== '');
  const hasSecret = (value: string): boolean =>
    values.some((secret) => value === secret || (secret.length >= SECRET_PART_MIN && value.includes(secret)));
  const names = Object.keys(env).filter((name) => hasSecret(env[name] ?? ''));
  return Object.fromEntries([...Object.keys(secrets), ...names].map((name) => [name, '']));
}

async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(delimiter).filter((folder) => folder !== '')) {
    const isThere = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return true;
  }
  return false;
}
