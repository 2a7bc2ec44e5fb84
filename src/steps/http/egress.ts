/**
 * Whether a step may talk to a host. Entries are `example.com`, `*.example.com` (any host below it, not itself) or either
 * with `:port`; without a port only the scheme's own is meant. A step that declares nothing is not limited here: then
 * policy and the runner's network decide.
 */
export function isEgressAllowed(url: URL, egress: readonly string[]): boolean {
  return egress.length === 0 || egress.some((entry) => matches(url, entry.trim().toLowerCase()));
}

function matches(url: URL, entry: string): boolean {
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (port === undefined ? url.port !== '' : port !== portOf(url)) return false;
  return host.startsWith('*.') ? url.hostname.endsWith(host.slice(1)) : url.hostname === host;
}

function portOf(url: URL): string {
  if (url.port !== '') return url.port;
  return url.protocol === 'https:' ? '443' : '80';
}
