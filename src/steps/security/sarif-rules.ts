import type { Json, JsonObject } from '../../base/json.ts';
import { isObject, objectsIn, shortText } from './finding.ts';

/** Parts of an id, `CA1000/1`: SARIF 2.1.0, section 3.27.5. */
const ID_DEPTH_MAX = 20;

/**
 * The rules of one run: those of the tool itself and of its extensions, and what an invocation of the tool made of them.
 * @source https://docs.oasis-open.org/sarif/sarif/v2.1.0/ sections 3.27.5 to 3.27.10, 3.48.6, 3.51, 3.52 and 3.54
 */
export class SarifRules {
  readonly #driver: Component;
  readonly #extensions: readonly Component[];
  readonly #byGuid: ReadonlyMap<string, JsonObject>;
  readonly #componentsByGuid: ReadonlyMap<string, Component>;
  readonly #componentsByName: ReadonlyMap<string, Component>;
  readonly #levels: readonly ReadonlyMap<JsonObject, Json>[];

  constructor(run: JsonObject) {
    this.#driver = componentOf(driverOf(run));
    const extensions = isObject(run.tool) ? run.tool.extensions : undefined;
    this.#extensions = Array.isArray(extensions) ? extensions.map((one) => componentOf(isObject(one) ? one : {})) : [];
    const all = [this.#driver, ...this.#extensions];
    this.#componentsByGuid = new Map(all.map((component) => [component.guid, component]));
    this.#componentsByName = new Map(all.map((component) => [component.name, component]));
    this.#byGuid = new Map(all.flatMap(({ rules }) => rules.map((rule) => [guidIn(rule ?? {}), rule ?? {}])));
    this.#levels = Array.isArray(run.invocations) ? run.invocations.map((one) => this.#overridesIn(one)) : [];
  }

  /** The rule that a result is about; an index stands above a guid, and that above an id. Undefined where there is none. */
  find(result: JsonObject): JsonObject | undefined {
    const reference = isObject(result.rule) ? result.rule : {};
    const component = this.#componentOf(reference.toolComponent);
    if (component === undefined) return undefined;
    const index = indexIn(reference.index) ?? indexIn(result.ruleIndex);
    if (index !== undefined) return component.rules[index];
    const guid = guidIn(reference);
    if (guid !== '') return this.#byGuid.get(guid);
    return byId(component, shortText(result.ruleId) || shortText(reference.id));
  }

  /**
   * How bad a result is that does not say so itself: what the invocation made of its rule, else what the rule says, else a warning.
   * Undefined where the result names no rule that is there.
   */
  levelOf(result: JsonObject): Json | undefined {
    const rule = this.find(result);
    if (rule === undefined) return undefined;
    const standard = isObject(rule.defaultConfiguration) ? rule.defaultConfiguration.level : undefined;
    return this.#levels[this.#invocationOf(result)]?.get(rule) ?? standard ?? 'warning';
  }

  /** A result that does not say where it comes from comes from the only invocation that there was. */
  #invocationOf({ provenance }: JsonObject): number {
    const index = isObject(provenance) ? provenance.invocationIndex : undefined;
    if (index === undefined) return this.#levels.length === 1 ? 0 : -1;
    return indexIn(index) ?? -1;
  }

  /** Levels that an invocation gave to rules. The first word about one counts. */
  #overridesIn(invocation: Json): ReadonlyMap<JsonObject, Json> {
    const levels = new Map<JsonObject, Json>();
    for (const { descriptor, configuration } of objectsIn(
      isObject(invocation) ? invocation.ruleConfigurationOverrides : undefined,
    )) {
      const rule = isObject(descriptor) ? this.find({ rule: descriptor }) : undefined;
      const level = isObject(configuration) ? configuration.level : undefined;
      if (rule && level !== undefined && !levels.has(rule)) levels.set(rule, level);
    }
    return levels;
  }

  /** Without a reference it is the tool itself. */
  #componentOf(reference: Json | undefined): Component | undefined {
    if (!isObject(reference)) return this.#driver;
    const index = indexIn(reference.index);
    if (index !== undefined) return this.#extensions[index];
    const [guid, name] = [guidIn(reference), shortText(reference.name)];
    if (guid !== '') return this.#componentsByGuid.get(guid);
    return name === '' ? this.#driver : this.#componentsByName.get(name);
  }
}

export function driverOf({ tool }: JsonObject): JsonObject {
  return isObject(tool) && isObject(tool.driver) ? tool.driver : {};
}

interface Component {
  readonly name: string;
  readonly guid: string;
  /** By their index: what is no object keeps its place. */
  readonly rules: readonly (JsonObject | undefined)[];
  readonly byId: ReadonlyMap<string, JsonObject>;
}

function componentOf(component: JsonObject): Component {
  const rules = Array.isArray(component.rules)
    ? component.rules.map((rule) => (isObject(rule) ? rule : undefined))
    : [];
  const byId = new Map(objectsIn(component.rules).map((rule) => [shortText(rule.id), rule]));
  return { name: shortText(component.name), guid: guidIn(component), rules, byId };
}

/** The rule of that id, or of the nearest above it: `CA1000/1` is a case of `CA1000`. */
function byId({ byId }: Component, id: string): JsonObject | undefined {
  const parts = id.split('/');
  if (id === '' || parts.length > ID_DEPTH_MAX) return undefined;
  for (let length = parts.length; length > 0; length--) {
    const rule = byId.get(parts.slice(0, length).join('/'));
    if (rule) return rule;
  }
  return undefined;
}

/** An index of -1 says that there is none. */
function indexIn(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

function guidIn({ guid }: JsonObject): string {
  return shortText(guid).toLowerCase();
}

/** What is no problem, whatever its level: section 3.27.9. */
export function isFailure({ kind }: JsonObject): boolean {
  return kind === undefined || kind === 'fail';
}

/** One that is under review, or was rejected, suppresses nothing: sections 3.27.23 and 3.35.3. */
export function isSuppressed({ suppressions }: JsonObject): boolean {
  const all = objectsIn(suppressions);
  return all.length > 0 && all.every(({ status }) => status === undefined || status === 'accepted');
}
