/**
 * Whether a step may talk to a host. Entries are `example.com`, `*.example.com` (any host below it, not itself) or either
 * with `:port`; without a port only the scheme's own is meant. Nothing matches an empty list.
 */
export function isEgressAllowed(url: URL, egress: readonly string[]): boolean {
  return egress.some((entry) => matches(url, entry.trim().toLowerCase()));
}

/** What a request may reach: the declared hosts, or without any the host that its URL names, which policy has judged. */
export function egressFor(url: URL, declared: readonly string[]): readonly string[] {
  return declared.length > 0 ? declared : [url.hostname, `${url.hostname}:${portOf(url)}`];
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
