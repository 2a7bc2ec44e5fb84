import { MaestroError } from '../../base/errors.ts';
import { defineStep, type StepAnswer, type StepContext } from '../define.ts';
import { isTag } from '../oci/image-name.ts';
import { OUTPUT_DEFAULT } from '../oci/layout-folder.ts';
import { readLayout } from '../oci/read-layout.ts';
import { writeLayoutIndex } from '../oci/write-layout.ts';
import { BUILD_CONTAINER_HEAD } from './build-container-head.ts';
import { type BuildFiles, type BuildInput, readBuildFiles } from './build-files.ts';
import { chooseBuilder } from './choose-builder.ts';
import { baseImages } from './containerfile.ts';
import { readContext } from './context-tree.ts';
import { buildWithTool, type ToolName } from './image-tool.ts';
import { type OutputFolder, openOutput } from './output-folder.ts';
import { ownPlatform, type Platform, parsePlatform } from './platform.ts';
import { recipeOf } from './recipe.ts';
import { buildFromScratch } from './scratch-builder.ts';

const NO_SBOM = 'this step writes no SBOM: add a step that uses supplychain.sbom, and name its file where you publish';
const EPOCH = /^\d{1,11}$/;

export const buildContainerStep = defineStep<BuildInput>({
  ...BUILD_CONTAINER_HEAD,
  run: async (context, input) => {
    const files = await readBuildFiles(context.workingDirectory, input);
    const wish = wishOf(context, input);
    const builder = await chooseBuilder(
      files.containerfile,
      wish.args,
      input.builder ?? 'auto',
      context.env.PATH ?? '',
    );
    tellUnpinned(context, files);
    if (input.sbom === true) context.annotate({ level: 'warning', message: NO_SBOM });
    await using output = await openOutput(context.workingDirectory, input.output ?? OUTPUT_DEFAULT);
    const platform = wish.platforms.map(({ text }) => text).join(',');
    context.log(`building with ${builder} for ${platform}`);
    const failure =
      builder === 'scratch'
        ? await buildHere(files, wish, output)
        : await buildElsewhere(builder, context, files, wish, output);
    if (failure) return failure;
    const { image, manifests, blobs } = await readLayout(output.draft, context.workingDirectory);
    await output.keep();
    const sizeBytes = [...manifests, ...blobs].reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    context.log(`${image.digest} in ${output.path} (${sizeBytes} bytes)`);
    const { digest, mediaType } = image;
    return { kind: 'succeeded', result: { digest, mediaType, path: output.path, platform, sizeBytes, builder } };
  },
});

/** The input, parsed. */
interface Wish {
  readonly args: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
  readonly platforms: readonly Platform[];
  readonly timeMs: number;
  readonly hasCache: boolean;
}

function wishOf(context: StepContext, { args = {}, tags = [], platforms, cache: hasCache = true }: BuildInput): Wish {
  const badTag = tags.find((tag) => !isTag(tag));
  if (badTag !== undefined) throw new MaestroError('INPUT_INVALID', `expected a tag such as v1.2.3, got ${badTag}`);
  const timeMs = timeOf(context.env.SOURCE_DATE_EPOCH);
  return { args, tags, platforms: platforms?.map(parsePlatform) ?? [ownPlatform()], timeMs, hasCache };
}

async function buildHere(files: BuildFiles, wish: Wish, output: OutputFolder): Promise<undefined> {
  const context = await readContext(files.contextRoot, files.ignores, output.paths);
  const recipe = recipeOf(files.containerfile, wish.args);
  const { platforms, tags, timeMs } = wish;
  await buildFromScratch({ recipe, context, platforms, tags, timeMs, folder: output.draft });
}

async function buildElsewhere(
  tool: ToolName,
  context: StepContext,
  { contextRoot, absolutePath: containerfile }: BuildFiles,
  { args, platforms, tags, timeMs, hasCache }: Wish,
  { draft: folder }: OutputFolder,
): Promise<StepAnswer | undefined> {
  const [platform] = platforms;
  if (platform === undefined || platforms.length > 1)
    throw new MaestroError('UNSUPPORTED', `expected one platform for ${tool}: build each in a step of its own`);
  const build = { contextRoot, containerfile, folder, args, platform, timeMs, hasCache };
  const failure = await buildWithTool(tool, build, context);
  if (failure) return failure;
  const { image } = await readLayout(folder, context.workingDirectory);
  await writeLayoutIndex(folder, image, tags);
  return undefined;
}

function tellUnpinned(context: StepContext, { containerfile, containerfilePath }: BuildFiles): void {
  for (const { image, line } of baseImages(containerfile)) {
    if (image.includes('@sha256:')) continue;
    const message = `the base image ${image} is not pinned: it may be another one tomorrow; add @sha256:…`;
    context.annotate({ level: 'warning', path: containerfilePath, startLine: line, message });
  }
}

/** @source https://reproducible-builds.org/specs/source-date-epoch/ */
function timeOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  if (!EPOCH.test(text)) throw new MaestroError('INPUT_INVALID', 'expected SOURCE_DATE_EPOCH in seconds since 1970');
  return Number(text) * 1000;
}
