import { EgressList, HTTP_PORT, HTTPS_PORT, normalHost } from '../egress-list.ts';

/** Whether a step may talk to the host of a URL. An entry without a port means the scheme's own; an empty list, nothing. */
export function isEgressAllowed(url: URL, egress: readonly string[]): boolean {
  const host = normalHost(url.hostname);
  const port = portOf(url);
  return host !== undefined && new EgressList(egress).allows({ host, port, ownPorts: [schemePort(url)] });
}

/** What a request may reach: the declared hosts, or without any the host that its URL names, which policy has judged. */
export function egressFor(url: URL, declared: readonly string[]): readonly string[] {
  return declared.length > 0 ? declared : [url.hostname, `${url.hostname}:${portOf(url)}`];
}

function portOf(url: URL): number {
  return url.port === '' ? schemePort(url) : Number(url.port);
}

function schemePort(url: URL): number {
  return url.protocol === 'https:' ? HTTPS_PORT : HTTP_PORT;
}
