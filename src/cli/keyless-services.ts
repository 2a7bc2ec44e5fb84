import { isJsonObject } from '../base/json.ts';
import type { KeylessServices } from '../provenance/keyless.ts';

/** What a run of a public repository may use: its name is known anyway. */
const PUBLIC: KeylessServices = {
  fulcioUrl: 'https://fulcio.sigstore.dev',
  rekorUrl: undefined,
  tsaUrl: 'https://timestamp.sigstore.dev',
};
/** GitHub's own, for everybody else's: they write into no public log, neither of receipts nor of certificates. */
const PRIVATE: KeylessServices = {
  fulcioUrl: 'https://fulcio.githubapp.com',
  rekorUrl: undefined,
  tsaUrl: 'https://timestamp.githubapp.com',
};

/**
 * Whom to ask. Nothing goes to a public log unless somebody names one: a log publishes the repository.
 * @param given by flags
 */
export function servicesFor(
  token: string,
  given: Partial<Record<keyof KeylessServices, string | undefined>>,
): KeylessServices {
  const usual = isPrivate(token) ? PRIVATE : PUBLIC;
  const { fulcioUrl = usual.fulcioUrl, rekorUrl } = given;
  return { fulcioUrl, rekorUrl, tsaUrl: given.tsaUrl ?? (rekorUrl === undefined ? usual.tsaUrl : undefined) };
}

/** What the token says of its repository. Not verified: it only chooses to whom the token goes, and Fulcio verifies it. */
function isPrivate(token: string): boolean {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return isJsonObject(claims) && 'repository_visibility' in claims && claims.repository_visibility !== 'public';
  } catch {
    return false;
  }
}
