import { isJsonObject, type JsonObject } from '../../base/json.ts';
import type { EnvironmentFacts } from './deployments-of.ts';

const URL_CHARS_MAX = 1000;

/** What policy's data say of environments, by name: those that are protected are where users are. */
export function environmentsIn({ environments }: JsonObject): ReadonlyMap<string, EnvironmentFacts> {
  const known = isJsonObject(environments) ? Object.entries(environments) : [];
  return new Map(
    known.map(([name, entry]) => {
      const { url, protected: isProtected } = isJsonObject(entry) ? entry : {};
      return [name, { url: typeof url === 'string' ? webPage(url) : null, isProduction: isProtected === true }];
    }),
  );
}

/** GitHub makes a link of it. */
function webPage(text: string): string | null {
  const url = text.length <= URL_CHARS_MAX ? URL.parse(text) : null;
  return url && ['http:', 'https:'].includes(url.protocol) ? url.href : null;
}
