import type { StepCatalog } from './catalog.ts';
import type { PipelineDefinition } from './definition.ts';
import type { Findings } from './finding.ts';
import type { PlanRelease, PlanStep } from './plan.ts';
import { booleanOf, defined } from './settings.ts';
import { child, itemsOf, type SourceNode, textOf } from './source.ts';
import { didYouMean } from './suggest.ts';
import type { Triggers } from './triggers.ts';
import { keyOf } from './validate.ts';

/** Expressions are for what steps do; a page is read by people who cannot see what they would come to. */
const TEMPLATE = '${{';
/** No artifact is called so. */
const UNKNOWN = '';
/** Maestro's own words stand between comments of this kind, and are found by them. */
const MARKER = /<!--\s*\/?maestro:/i;
/** Publishing is one of the moments that GitHub tells of; a run for each of them would release the same tag several times. */
const RELEASE_TYPE = 'published';

/** What `release:` asks for, with its defaults. `release:` without settings is a wish too. */
export function releaseOf(node: SourceNode | undefined): PlanRelease | undefined {
  if (!node) return undefined;
  const artifacts = child(node, 'assets');
  return defined({
    title: textOf(child(node, 'title')),
    notes: textOf(child(node, 'notes')),
    isPrerelease: booleanOf(child(node, 'prerelease')) ?? false,
    artifacts: artifacts && itemsOf(artifacts).flatMap((item) => textOf(item) ?? []),
    isKeptDraft: booleanOf(child(node, 'draft')) ?? false,
  });
}

/** What a release needs of the rest of the file. */
export function checkRelease(
  root: SourceNode,
  { release, triggers }: PipelineDefinition,
  steps: readonly Pick<PlanStep, 'artifacts' | 'uses' | 'with'>[],
  { catalog, findings }: { readonly catalog: StepCatalog; readonly findings: Findings },
): void {
  const node = child(root, 'release');
  if (!release || !node) return;
  const problem = triggerProblem(triggers);
  if (problem) findings.error('release-trigger', keyOf(root, 'release'), problem);
  for (const name of ['title', 'notes']) checkText(child(node, name), name, findings);
  const known = [
    ...new Set(steps.flatMap((step) => [...step.artifacts.map(({ name }) => name), ...keptBy(step, catalog)])),
  ];
  for (const item of itemsOf(child(node, 'assets'))) {
    const name = textOf(item);
    // What is only known when the step runs may be any of them.
    if (name === undefined || known.includes(name) || known.includes(UNKNOWN)) continue;
    findings.error('release-asset', item, `no step has an artifact "${name}"${didYouMean(name, known)}`);
  }
}

/** Names of the artifacts that a step keeps of its own accord. */
function keptBy({ uses, with: input }: Pick<PlanStep, 'uses' | 'with'>, catalog: StepCatalog): readonly string[] {
  return (catalog.get(uses)?.keeps ?? []).map((kept) => {
    const name = typeof kept === 'string' ? kept : input?.[kept.input];
    return typeof name === 'string' && !name.includes(TEMPLATE) ? name : UNKNOWN;
  });
}

function triggerProblem({ tag, push, release }: Triggers): string | undefined {
  const isForTags = tag !== undefined || push?.tags !== undefined;
  if (!isForTags && !release) return 'a release needs a tag: start the pipeline with `on: tag` or `on: release`';
  if (isForTags && release)
    return 'publishing the release of a tag would start this pipeline once more: keep one of `tag` and `release`';
  if (release?.types?.some((type) => type !== RELEASE_TYPE))
    return `each other type of a release event would release the same tag again: keep \`types: [${RELEASE_TYPE}]\``;
  return undefined;
}

function checkText(node: SourceNode | undefined, name: string, findings: Findings): void {
  const text = textOf(node);
  if (!node || text === undefined) return;
  if (text.includes(TEMPLATE)) findings.error('schema-value', node, `"${name}" of a release holds no expressions`);
  if (MARKER.test(text))
    findings.error('schema-value', node, `"${name}" holds a comment that Maestro marks its own words with`);
}
