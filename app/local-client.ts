import type { Engine } from '../src/engine/engine.ts';
import type { Client } from '../src/protocol/client.ts';
import type { BlobStore } from '../src/store/blobs.ts';

/** The engine in this process, as the CLI asks for it: runs by their public names. */
export function localClient(engine: Engine, blobs: BlobStore, close: () => Promise<void>): Client {
  const follow = async function* <T>(name: string, open: (run: number) => AsyncIterable<T>): AsyncIterable<T> {
    yield* open(await engine.resolve(name));
  };
  return {
    preview: async (request) => engine.preview(request),
    startRun: async (request) => engine.readRun((await engine.startRun({ ...request, isDedicated: true })).run),
    readRun: async (name) => engine.readRun(await engine.resolve(name)),
    listRuns: (limit) => engine.listRuns(limit),
    readPlan: async (name) => engine.readPlan(await engine.resolve(name)),
    readTrigger: async (name) => engine.readTrigger(await engine.resolve(name)),
    explain: async (name, step) => engine.explain(await engine.resolve(name), step),
    followRun: (name, afterSeq, signal) => follow(name, (run) => engine.followRun(run, afterSeq, signal)),
    readLogs: (name, step, isFollowing, signal) =>
      follow(name, (run) => engine.readLogs(run, step, isFollowing, signal)),
    cancelRun: async (name, reason) => {
      const run = await engine.resolve(name);
      await engine.cancelRun(run, reason);
      return engine.readRun(run);
    },
    answerGate: async ({ runId, ...answer }) => {
      const run = await engine.resolve(runId);
      await engine.answerGate(run, answer);
      return engine.readRun(run);
    },
    retryRun: async (name, scope) => engine.readRun(await engine.retryRun(await engine.resolve(name), scope)),
    resumeRun: async (name) => {
      const run = await engine.resolve(name);
      await engine.resumeRun(run);
      return engine.readRun(run);
    },
    readReceipt: async (name) => engine.readReceipt(await engine.resolve(name)),
    readDisclosure: async (name, edition) => engine.disclose(await engine.resolve(name), edition),
    evidence: engine.evidence,
    readAttestations: async (name) => engine.releases.readAttestations(await engine.resolve(name)),
    readReleaseGate: async (name) => engine.releases.readGate(await engine.resolve(name)),
    readManifest: async (name) => engine.releases.readManifest(await engine.resolve(name)),
    readArtifact: (digest) => blobs.get(digest),
    close,
  };
}
