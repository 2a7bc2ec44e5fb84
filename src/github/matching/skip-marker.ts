const MARKERS = ['[skip ci]', '[ci skip]', '[no ci]', '[skip actions]', '[actions skip]'];
const TRAILER = /^skip-checks:\s*true$/i;

/**
 * Whether a commit's message asks that pushes and pull requests start nothing, as GitHub reads it: a marker anywhere, or
 * the trailer `skip-checks: true` at the end behind an empty line.
 * @source https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
 */
export function asksToSkip(message: string): boolean {
  const text = message.toLowerCase();
  return MARKERS.some((marker) => text.includes(marker)) || hasTrailer(message);
}

/** Trailers are the last paragraph; the first line of a message is its subject. */
function hasTrailer(message: string): boolean {
  const lines = message.trimEnd().split(/\r?\n/);
  const blank = lines.findLastIndex((line) => line.trim() === '');
  return blank > 0 && lines.slice(blank + 1).some((line) => TRAILER.test(line.trim()));
}
