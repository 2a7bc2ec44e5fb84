import type { Json, JsonObject } from '../base/json.ts';
import type { PlanStep } from '../pipeline/plan.ts';
import { EXPRESSION_OPEN } from '../pipeline/template.ts';

/** Stands for a host that cannot be known before the step runs; no list of allowed hosts may hold it. */
const UNKNOWN_HOST = '*';

/** Steps that send to a host of their input, by the name before `@`, and the URL that the input stands for. */
const NETWORK_STEPS: ReadonlyMap<string, (input: JsonObject) => Json | undefined> = new Map([
  ['http', ({ url }: JsonObject) => url],
  ['notify', ({ url }: JsonObject) => url],
  // An image is named without a scheme.
  [
    'registry.push',
    ({ image, to = image ?? null }: JsonObject) => (typeof to === 'string' ? `https://${to}` : undefined),
  ],
]);

/** As far as the `/` after the host: what follows cannot change where the request goes. */
const FIXED_HOST = /^https?:\/\/[^/\\?#]+\//i;

/**
 * The hosts that a step reaches, as policy judges them: what it declares, for `http` and `notify` the host of `with.url`, and
 * for `registry.push` that of `with.to`.
 *
 * Such a step without a declaration has `UNKNOWN_HOST` where its URL is not known yet (it reads a secret, say). With one, the
 * declaration is enough: these steps hold themselves to it, redirects included.
 */
export function egressOf(step: Pick<PlanStep, 'uses' | 'egress' | 'with'>): readonly string[] {
  const { uses, egress, with: input } = step;
  const target = NETWORK_STEPS.get(uses.split('@', 1)[0] ?? '');
  if (!target) return egress;
  const url = urlOf(target(input));
  if (!url) return egress.length > 0 ? egress : [UNKNOWN_HOST];
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const isDeclared = egress.some((entry) => [url.host, `${url.hostname}:${port}`].includes(entry.toLowerCase()));
  return isDeclared ? egress : [...egress, url.host];
}

function urlOf(text: unknown): URL | undefined {
  if (typeof text !== 'string') return undefined;
  const open = text.indexOf(EXPRESSION_OPEN);
  const known = open < 0 ? text : FIXED_HOST.exec(text.slice(0, open))?.[0];
  const url = known === undefined ? null : URL.parse(known);
  return url && url.host !== '' && (url.protocol === 'http:' || url.protocol === 'https:') ? url : undefined;
}
