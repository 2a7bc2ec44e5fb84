const PATH = /^\/repos\/([\w.-]{1,100})\/([\w.-]{1,100})\/actions\/runs\/([1-9]\d{0,14})\/deployment_protection_rule$/;

/** What the callback of a protection rule names. */
export interface Callback {
  readonly owner: string;
  readonly repo: string;
  readonly workflowRunId: number;
}

/**
 * Reads the URL at which GitHub wants its answer. Nobody ever calls it: the answer goes to the operation that it names, on the
 * GitHub that the App is of. Undefined where it names anything else, or another place.
 *
 * @param apiUrl where that GitHub's API is: `https://api.github.com`, `https://ghe.example.com/api/v3`
 */
export function callbackFrom(url: string, apiUrl: string): Callback | undefined {
  const base = addressOf(apiUrl)?.replace(/\/$/, '');
  const address = addressOf(url);
  if (base === undefined || !address?.startsWith(`${base}/`)) return undefined;
  const [, owner, repo, id] = PATH.exec(address.slice(base.length)) ?? [];
  if (owner === undefined || repo === undefined) return undefined;
  return { owner, repo, workflowRunId: Number(id) };
}

/** In the one way of writing it: without `..`, and with a name and password where there are any. */
function addressOf(url: string): string | undefined {
  return URL.parse(url)?.href;
}
