import { type Digest, hexOf } from '../../base/digest.ts';
import type { JsonObject } from '../../base/json.ts';
import type { IssuerFact } from '../facts.ts';

/** How Maestro builds: docs/reference/build-type.md says what each field means. */
export const BUILD_TYPE = 'https://maestro-conductor.dev/buildtypes/pipeline/v1';

/** What the engine knows of how a content came to be, while its run still goes on. What is unknown is null. */
export interface BuildFacts {
  readonly runId: string;
  readonly attempt: number;
  readonly pipeline: { readonly name: string; readonly uri: string; readonly path: string; readonly digest: Digest };
  /** Parameters of the run. */
  readonly params: JsonObject;
  readonly triggerType: string;
  readonly source: { readonly uri: string; readonly ref: string | null; readonly gitCommit: string | null };
  readonly planDigest: Digest;
  /** The steps that led to the content, in the plan's order. */
  readonly steps: readonly BuildStepFact[];
  readonly startedOn: string | null;
  /** When the last of those steps ended; null where one of them still runs. */
  readonly finishedOn: string | null;
  readonly issuer: IssuerFact;
}

interface BuildStepFact {
  readonly id: string;
  readonly code: { readonly uri: string; readonly digest: Digest | null };
  readonly logDigest: Digest | null;
}

/**
 * The predicate of SLSA provenance v1.
 * @source https://slsa.dev/spec/v1.1/provenance
 */
export function provenancePredicate(facts: BuildFacts): JsonObject {
  const { runId, attempt, pipeline, params, triggerType, planDigest, startedOn, finishedOn, issuer } = facts;
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: {
        pipeline: { name: pipeline.name, uri: pipeline.uri, path: pipeline.path, digest: sha256(pipeline.digest) },
        inputs: params,
        trigger: { type: triggerType },
      },
      internalParameters: { attempt },
      resolvedDependencies: [...sourceOf(facts), ...codeOf(facts.steps)],
    },
    runDetails: {
      builder: { id: issuer.builderId, version: { maestro: issuer.version } },
      metadata: {
        invocationId: runId,
        ...(startedOn === null ? {} : { startedOn }),
        ...(finishedOn === null ? {} : { finishedOn }),
      },
      byproducts: [{ name: 'plan', digest: sha256(planDigest) }, ...logsOf(facts.steps)],
    },
  };
}

/** Without a commit the source is a folder that nobody else has: it is named, and no digest is claimed. */
function sourceOf({ source }: BuildFacts): readonly JsonObject[] {
  const uri = source.ref === null ? source.uri : `${source.uri}@${source.ref}`;
  return [{ uri, ...(source.gitCommit === null ? {} : { digest: { gitCommit: source.gitCommit } }) }];
}

/** Each piece of code once, however many steps run it. */
function codeOf(steps: readonly BuildStepFact[]): readonly JsonObject[] {
  const found = new Map<string, JsonObject>();
  for (const { code } of steps)
    if (code.digest !== null) found.set(`${code.uri} ${code.digest}`, { uri: code.uri, digest: sha256(code.digest) });
  return [...found.values()];
}

function logsOf(steps: readonly BuildStepFact[]): readonly JsonObject[] {
  return steps.flatMap(({ id, logDigest }) =>
    logDigest === null ? [] : [{ name: `logs/${id}`, digest: sha256(logDigest) }],
  );
}

function sha256(digest: Digest): { readonly sha256: string } {
  return { sha256: hexOf(digest) };
}
