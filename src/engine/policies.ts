import { digestJson } from '../base/digest.ts';
import { isMaestroError, type MaestroError } from '../base/errors.ts';
import type { JsonObject } from '../base/json.ts';
import type { PolicyEngine } from '../policy/evaluate.ts';
import { refusal } from '../policy/refusal.ts';
import type { Namespace, PolicySource } from '../protocol/namespace.ts';
import type { Database, Session } from '../store/database.ts';
import {
  loadNamespace,
  type NamespaceRow,
  namespaceOf,
  namespaceVersions,
  setPatch,
  setProblem,
} from '../store/namespaces.ts';
import { saveBase, savePack } from '../store/packs.ts';
import { DecisionIds } from './decision-ids.ts';

/** Each holds a module with its data in memory: a megabyte or two. */
const NAMESPACES_KEPT = 100;

/** Rules with data, and where their answers are kept. */
export interface Pack {
  readonly policy: PolicyEngine;
  readonly packId: number;
  readonly decisionIds: DecisionIds;
}

export interface NamespacePolicy {
  /** Number of the namespace. */
  readonly namespace: number;
  readonly owner: Namespace;
  readonly version: number;
  readonly problem: string | null;
  /** Judges what is in motion. */
  readonly inForce: Pack;
  /** Judges what is to begin: refuses all of it while the newest policy file is broken. */
  readonly forNew: Pack;
}

/** Rules, opened with the data of whoever runs Maestro. */
export interface PolicyRules {
  /** Of namespaces that say nothing of their own. */
  readonly policy: PolicyEngine;
  /** The same rules with what a namespace changes. @throws POLICY_INVALID */
  readonly openPatched: (patch: JsonObject) => Promise<PolicyEngine>;
}

export interface PoliciesOptions extends PolicyRules {
  readonly db: Database;
  /** Of runs that name no namespace. */
  readonly home: Namespace;
}

/** The policy of each namespace, as the store says it is in force. */
export class Policies {
  readonly #options: PoliciesOptions;
  readonly #byId = new Map<number, NamespacePolicy>();
  readonly #ids = new Map<string, number>();
  #base: PolicyRules & { readonly id: number };

  static async open(options: PoliciesOptions): Promise<Policies> {
    const id = await saveBase(options.db, options.policy.packDigest);
    const policies = new Policies(options, { ...options, id });
    await policies.of(options.home);
    return policies;
  }

  private constructor(options: PoliciesOptions, base: PolicyRules & { readonly id: number }) {
    this.#options = options;
    this.#base = base;
  }

  /** Steps are leased under packs of this base alone. */
  get baseId(): number {
    return this.#base.id;
  }

  /** Undefined where it was not read yet. */
  known(namespace: Namespace = this.#options.home): NamespacePolicy | undefined {
    const id = this.#ids.get(keyOf(namespace));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  async of(namespace: Namespace = this.#options.home): Promise<NamespacePolicy> {
    const { db } = this.#options;
    const row = await namespaceOf(db, namespace);
    this.#ids.set(keyOf(namespace), row.id);
    return this.#kept(row) ?? this.#open(db, row);
  }

  /** The policies that are in force now, by namespace: within a transaction, so that what it writes was judged by them. */
  async load(session: Session, ids: readonly number[]): Promise<ReadonlyMap<number, NamespacePolicy>> {
    const wanted = [...new Set(ids)];
    const versions = await namespaceVersions(session, wanted);
    const found = new Map<number, NamespacePolicy>();
    for (const id of wanted) {
      const kept = this.#byId.get(id);
      const now = versions.get(id);
      const isCurrent = kept !== undefined && kept.version === now?.version && kept.problem === now.problem;
      found.set(id, isCurrent ? kept : await this.#open(session, await loadNamespace(session, id)));
    }
    return found;
  }

  /** What a namespace's own policy file says; null where it has none. An invalid one keeps anything new from beginning. */
  async set(
    namespace: Namespace,
    patch: JsonObject | null | MaestroError,
    source: PolicySource,
  ): Promise<{ readonly namespace: number; readonly isChanged: boolean }> {
    const { db } = this.#options;
    const { id, version: before } = await namespaceOf(db, namespace);
    const checked = await this.#checked(patch);
    if (isMaestroError(checked)) await setProblem(db, id, checked.message, source);
    else
      await db.transaction((session) => setPatch(session, id, { patch: checked, digest: digestJson(checked), source }));
    const { version } = await this.of(namespace);
    return { namespace: id, isChanged: version !== before };
  }

  /** Other rules from now on: everything that waits under the old ones is asked again. */
  async replace(rules: PolicyRules): Promise<void> {
    this.#base = { ...rules, id: await saveBase(this.#options.db, rules.policy.packDigest) };
    this.#byId.clear();
  }

  async #checked(patch: JsonObject | null | MaestroError): Promise<JsonObject | null | MaestroError> {
    if (patch === null || isMaestroError(patch)) return patch;
    try {
      await this.#base.openPatched(patch);
      return patch;
    } catch (error) {
      if (isMaestroError(error, 'POLICY_INVALID')) return error;
      throw error;
    }
  }

  #kept(row: NamespaceRow): NamespacePolicy | undefined {
    const kept = this.#byId.get(row.id);
    return kept?.version === row.version && kept.problem === row.problem ? kept : undefined;
  }

  async #open(session: Session, row: NamespaceRow): Promise<NamespacePolicy> {
    const base = this.#base;
    const { problem, version } = row;
    const opened = row.patch === null ? base.policy : await this.#patched(row.patch);
    const inForce = await this.#pack(session, base.id, row, opened, version);
    const refusing = problem === null ? undefined : refusal(opened, `policy-file: ${problem}`);
    const forNew = refusing ? await this.#pack(session, base.id, row, refusing, null) : inForce;
    const owner = { tenant: row.tenant, name: row.name };
    const policy = { namespace: row.id, owner, version, problem, inForce, forNew };
    if (base === this.#base) this.#keep(policy);
    return policy;
  }

  /** A patch that the rules of today do not take any more: nothing goes on under it. */
  async #patched(patch: JsonObject): Promise<PolicyEngine> {
    try {
      return await this.#base.openPatched(patch);
    } catch (error) {
      if (!isMaestroError(error, 'POLICY_INVALID')) throw error;
      return refusal(this.#base.policy, `policy-file: ${error.message}`);
    }
  }

  async #pack(
    session: Session,
    base: number,
    row: NamespaceRow,
    policy: PolicyEngine,
    version: number | null,
  ): Promise<Pack> {
    const { packDigest: digest, revision, data } = policy;
    const packId = await savePack(session, { namespace: row.id, base, digest, revision, data, version });
    return { policy, packId, decisionIds: new DecisionIds(packId) };
  }

  #keep(policy: NamespacePolicy): void {
    this.#byId.delete(policy.namespace);
    this.#byId.set(policy.namespace, policy);
    if (this.#byId.size > NAMESPACES_KEPT) this.#byId.delete(this.#byId.keys().next().value as number);
  }
}

function keyOf({ tenant, name }: Namespace): string {
  return `${tenant} ${name}`;
}
