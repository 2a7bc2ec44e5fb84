import { type Destination, HTTP_PORT, HTTPS_PORT, normalHost, splitPort } from '../../steps/egress-list.ts';

/** A destination, and what of its name the client wrote: names are told as they were written, so that secrets in them are masked. */
export interface Target extends Destination {
  readonly writtenHost: string;
}

export interface PlainTarget extends Target {
  /** Path and query, as the far end gets them. */
  readonly path: string;
  /** What belongs into the Host header. */
  readonly authority: string;
}

/** Only `http:`: what goes to `https:` comes by CONNECT, so that nobody in between reads it. */
const ABSOLUTE_FORM = /^http:\/\/([^/?#]+)([/?][^#]*)?$/i;

/** The target of a CONNECT: `host:port`. Its scheme is not known, so an entry without a port means both. */
export function connectTarget(text: string): Target | undefined {
  const target = authorityTarget(text, undefined);
  return target && { ...target, ownPorts: [HTTP_PORT, HTTPS_PORT] };
}

/**
 * The target of a plain request: the request line alone says where it goes, whatever its Host header says.
 * Undefined for another form, for another scheme, and for a name with a user in it.
 */
export function plainTarget(text: string): PlainTarget | undefined {
  const [, authority = '', rest = ''] = ABSOLUTE_FORM.exec(text) ?? [];
  const target = authorityTarget(authority, HTTP_PORT);
  return target && { ...target, ownPorts: [HTTP_PORT], authority, path: rest.startsWith('/') ? rest : `/${rest}` };
}

function authorityTarget(text: string, portDefault: number | undefined): Omit<Target, 'ownPorts'> | undefined {
  const { host: writtenHost = '', port = portDefault } = splitPort(text) ?? {};
  const host = normalHost(writtenHost);
  return host === undefined || port === undefined ? undefined : { host, port, writtenHost };
}
