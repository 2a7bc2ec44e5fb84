/** Cuts `branch/path` into its parts: a branch's name may hold slashes, so the longest one that fits counts. */
export function splitRef(text, branches) {
  const fitting = branches
    .map(({ name }) => name)
    .filter((name) => text === name || text.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length);
  const ref = fitting[0] ?? text.split('/')[0];
  return { ref, path: text.slice(ref.length + 1) };
}
