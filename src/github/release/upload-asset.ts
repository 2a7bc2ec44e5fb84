import type { ReleaseAsset } from '../../protocol/release-evidence.ts';
import type { Octokit } from '../octokit.ts';

/** Whoever uploads says so this often: the claim would be given to somebody else. */
const RENEW_MS = 30_000;
/** What the slowest upload that is waited for gets: half an hour for 2 GB. */
const UPLOAD_MS_MIN = 60_000;
const BYTES_PER_MS_MIN = 1200;

export interface UploadPlace {
  readonly owner: string;
  readonly repo: string;
  readonly releaseId: number;
  /** Where GitHub said that the files of this release go: another host than that of its API. */
  readonly uploadUrl: string;
}

/**
 * Uploads one file, streamed. `renew` says that it goes on, and answers false where the claim was lost: then the upload is broken
 * off, because somebody else may be making it.
 * @throws what reading the content threw, where that is why it broke off
 */
export async function uploadAsset(
  octokit: Octokit,
  { owner, repo, releaseId, uploadUrl }: UploadPlace,
  { name, mediaType, sizeBytes }: ReleaseAsset,
  content: ReadableStream<Uint8Array>,
  renew: () => Promise<boolean>,
): Promise<void> {
  const lost = new AbortController();
  const beat = setInterval(() => {
    renew()
      .then((isOurs) => (isOurs ? undefined : lost.abort()))
      .catch(() => lost.abort());
  }, RENEW_MS);
  const source = watched(content);
  const limit = AbortSignal.timeout(UPLOAD_MS_MIN + Math.ceil(sizeBytes / BYTES_PER_MS_MIN));
  try {
    await octokit.rest.repos.uploadReleaseAsset({
      url: uploadUrl,
      owner,
      repo,
      release_id: releaseId,
      name,
      // A stream, which the generated type does not know; the length says how long it is.
      data: source.stream as unknown as string,
      headers: { 'content-type': mediaType, 'content-length': sizeBytes },
      request: { retries: 0, signal: AbortSignal.any([lost.signal, limit]) },
    });
  } catch (error) {
    // The client says only that its request broke off.
    throw source.failure() ?? error;
  } finally {
    clearInterval(beat);
    // Of content that was never asked for, nothing was begun that the other would end.
    if (!source.stream.locked) await source.stream.cancel();
    if (!content.locked && source.failure() === undefined) await content.cancel();
  }
}

/** The same content; what goes wrong in reading it is kept. */
function watched(content: ReadableStream<Uint8Array>): {
  readonly stream: ReadableStream<Uint8Array>;
  readonly failure: () => unknown;
} {
  let failure: unknown;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { stream: ReadableStream.from(chunks()), failure: () => failure };
}
