import { isIP } from 'node:net';
import { MaestroError } from '../../base/errors.ts';
import { HTTP_PORT, HTTPS_PORT, normalHost, splitPort } from '../../steps/egress-list.ts';
import { addressKind } from './address.ts';
import type { Target } from './target.ts';

/** A proxy that the worker's machine has to use itself. */
export interface Upstream {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** How requests come to the proxy: that tells which of the machine's settings counts. */
export type RequestForm = 'connect' | 'plain';

type HostEnv = Readonly<Record<string, string | undefined>>;

/**
 * The proxies of the worker's environment: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, in both cases, as curl reads them.
 *
 * @throws MaestroError CONFIG_INVALID for a proxy that is no `http:` or `https:` URL: going around it would surprise its owner
 */
export class UpstreamProxies {
  readonly #byForm: Readonly<Record<RequestForm, Upstream | undefined>>;
  readonly #exceptions: readonly string[];

  constructor(env: HostEnv) {
    const settingOf = (...names: readonly string[]): Upstream | undefined => {
      const name = names.flatMap((one) => [one, one.toUpperCase()]).find((one) => env[one]);
      return name === undefined ? undefined : parseUpstream(name, env[name] ?? '');
    };
    this.#byForm = {
      connect: settingOf('https_proxy', 'all_proxy'),
      plain: settingOf('http_proxy', 'all_proxy'),
    };
    this.#exceptions = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter((entry) => entry !== '');
  }

  /** Undefined where the target is reached without one: always on this machine itself. */
  for(target: Target, form: RequestForm): Upstream | undefined {
    const upstream = this.#byForm[form];
    const isHere = target.host === 'localhost' || addressKindOf(target.host) === 'loopback';
    return isHere || this.#exceptions.some((entry) => isException(entry, target)) ? undefined : upstream;
  }
}

/** The address that a host in its normal form is, without brackets; undefined for a name. */
export function addressOf(host: string): string | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
}

function addressKindOf(host: string): string | undefined {
  const address = addressOf(host);
  return address === undefined ? undefined : addressKind(address);
}

function parseUpstream(name: string, text: string): Upstream {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  const isTls = url?.protocol === 'https:';
  if (!url || url.hostname === '' || (url.protocol !== 'http:' && !isTls))
    throw new MaestroError('CONFIG_INVALID', `expected ${name} of the worker to be an http:// or https:// URL`);
  const login = `${decoded(name, url.username)}:${decoded(name, url.password)}`;
  return {
    host: addressOf(url.hostname) ?? url.hostname,
    port: url.port === '' ? (isTls ? HTTPS_PORT : HTTP_PORT) : Number(url.port),
    isTls,
    headers: login === ':' ? {} : { 'Proxy-Authorization': `Basic ${Buffer.from(login).toString('base64')}` },
  };
}

/** The text itself may hold a password, so no error quotes it. */
function decoded(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MaestroError('CONFIG_INVALID', `expected user and password of ${name} to be percent-encoded`);
  }
}

/** `example.com`, `.example.com` and `*.example.com` all mean the name and those below it, as curl and others take them. */
function isException(entry: string, { host, port }: Target): boolean {
  if (entry === '*') return true;
  const written = splitPort(entry);
  const name = written && normalHost(written.host.replace(/^\*?\./, ''));
  if (name === undefined || (written?.port !== undefined && written.port !== port)) return false;
  return host === name || (addressOf(host) === undefined && host.endsWith(`.${name}`));
}
