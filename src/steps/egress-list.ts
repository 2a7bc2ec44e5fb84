/** Where something is sent: a host in its normal form (see `normalHost`) and a port. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  /** The ports that an entry without one stands for: of the scheme where it is known, otherwise of both. */
  readonly ownPorts: readonly number[];
}

interface Entry {
  /** Begins with `.` where the entry stands for every name below it. */
  readonly host: string;
  readonly port: number | undefined;
}

export const HTTP_PORT = 80;
export const HTTPS_PORT = 443;

/** Stands for no host at all: a step that lists nothing is not held. */
const NO_HOST = 'none';
/** ASCII alone: an international name is written as its punycode. */
const HOST = /^(?:[a-z\d_.-]{1,254}|\[[a-f\d:.]{2,45}\])$/i;
const HOST_AND_PORT = /^(.+?)(?::([1-9]\d{0,4}))?$/;
const PORT_MAX = 65_535;

/**
 * The hosts that a step may reach, as its `egress` lists them: `example.com`, `*.example.com` (any name below it, not
 * itself), an IP address (version 6 in brackets), each also with `:port`.
 *
 * Matches as the rules of policy do, which judge the entries; an entry that is not a host matches nothing.
 */
export class EgressList {
  readonly #entries: readonly Entry[];

  constructor(entries: readonly string[]) {
    this.#entries = entries.map(parseEntry).filter((entry) => entry !== undefined);
  }

  allows({ host, port, ownPorts }: Destination): boolean {
    return this.#entries.some(
      (entry) =>
        (entry.host.startsWith('.') ? host.endsWith(entry.host) : host === entry.host) &&
        (entry.port === undefined ? ownPorts.includes(port) : entry.port === port),
    );
  }
}

/** Host and port as written, the port only where there is one. */
export function splitPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const [, host = '', digits] = HOST_AND_PORT.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  return host === '' || (port !== undefined && port > PORT_MAX) ? undefined : { host, port };
}

/**
 * The one form in which hosts are compared: lower case, no dot at the end, addresses as the URL standard writes them
 * (`0x7f.1` is `127.0.0.1` to a resolver too). Undefined for what is not a host.
 */
export function normalHost(text: string): string | undefined {
  if (!HOST.test(text)) return undefined;
  const host = URL.parse(`http://${text}/`)?.hostname.replace(/\.$/, '');
  return host === undefined || host.split('.').includes('') ? undefined : host;
}

function parseEntry(text: string): Entry | undefined {
  const { host: written, port } = splitPort(text) ?? { host: NO_HOST, port: undefined };
  if (written.toLowerCase() === NO_HOST) return undefined;
  // No address matches a part of a name: the normal form of `*.0.0.1` is a whole address behind a dot.
  const isBelow = written.startsWith('*.');
  const host = normalHost(isBelow ? written.slice(2) : written);
  return host === undefined ? undefined : { host: isBelow ? `.${host}` : host, port };
}
