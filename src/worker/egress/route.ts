import type { EgressList } from '../../steps/egress-list.ts';
import { normalHost } from '../../steps/egress-list.ts';
import { type AddressKind, addressKind } from './address.ts';
import type { Lookups } from './lookups.ts';
import type { Target } from './target.ts';
import { addressOf, type RequestForm, type Upstream, type UpstreamProxies } from './upstream.ts';

/** How a target is reached, or why not. */
export type Route =
  /** One of these addresses, which were judged: the name is not looked up again. */
  | { readonly kind: 'direct'; readonly addresses: readonly string[] }
  | { readonly kind: 'upstream'; readonly upstream: Upstream }
  | { readonly kind: 'denied'; readonly reason: string }
  | { readonly kind: 'unknown' };

export interface RouteRules {
  readonly list: EgressList;
  readonly upstreams: UpstreamProxies;
  readonly lookups: Lookups;
}

const NOT_LISTED = 'the step’s egress does not list it';
const FORBIDDEN = 'no step may reach link-local, multicast or metadata addresses';

/** A name that is not listed is not looked up either: a question to a name server is a way out, too. */
export async function findRoute(target: Target, form: RequestForm, rules: RouteRules): Promise<Route> {
  const { list, upstreams, lookups } = rules;
  if (!list.allows(target)) return { kind: 'denied', reason: NOT_LISTED };
  const literal = addressOf(target.host);
  if (literal !== undefined && addressKind(literal) === 'forbidden') return { kind: 'denied', reason: FORBIDDEN };
  const upstream = upstreams.for(target, form);
  if (upstream) return { kind: 'upstream', upstream };
  const addresses = literal === undefined ? await lookups.find(target.host).catch(() => []) : [literal];
  const [first] = addresses;
  if (first === undefined) return { kind: 'unknown' };
  const open = addresses.filter((address) => isOpen(address, target, list));
  return open.length > 0 ? { kind: 'direct', addresses: open } : { kind: 'denied', reason: reasonFor(first) };
}

/**
 * Whoever owns a name says where it leads: to the machine's own services and its neighbours only where the step lists
 * that very address, too.
 */
function isOpen(address: string, target: Target, list: EgressList): boolean {
  const kind = addressKind(address);
  if (kind === 'public' || kind === 'forbidden') return kind === 'public';
  if (kind === 'loopback' && target.host === 'localhost') return true;
  const host = hostOf(address);
  return host !== undefined && list.allows({ ...target, host });
}

function reasonFor(address: string): string {
  const kind: AddressKind = addressKind(address);
  return kind === 'forbidden'
    ? FORBIDDEN
    : `it leads to the ${kind} address ${address}, which the step’s egress does not list`;
}

function hostOf(address: string): string | undefined {
  return normalHost(address.includes(':') ? `[${address}]` : address);
}
