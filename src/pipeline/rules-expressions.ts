import type { StepReference } from './definition.ts';
import { type References, referencesOfParsed } from './expression-references.ts';
import { BUILT_IN_FUNCTIONS, type NameUse } from './expression-syntax.ts';
import type { Findings, LintCode, Span } from './finding.ts';
import { CONTEXTS, type Place, rulesOf, SPECIAL_FUNCTIONS } from './places.ts';
import type { StepKind } from './plan.ts';
import type { ScalarNode } from './source.ts';
import { didYouMean } from './suggest.ts';
import { EXPRESSION_OPEN, hasExpression, parseCondition, parseTemplate, type Template } from './template.ts';

/** The step or file around an expression. */
export interface Scope {
  readonly kind: StepKind;
  readonly params: ReadonlySet<string>;
  /** Axes of the step's matrix; undefined where they are not known before parameters are. */
  readonly matrix: ReadonlySet<string> | undefined;
  readonly secrets: ReadonlySet<string>;
  /** The id that `loop.until` and compensations may read besides ancestors. */
  readonly own?: string;
}

/** What a file's expressions read, collected while they are checked. */
export class Usage {
  readonly params = new Set<string>();
  /** A computed name was read: any parameter may be used. */
  isAnyParam = false;
  readonly steps = new Map<string, StepReference>();
}

interface Site {
  readonly node: ScalarNode;
  readonly place: Place;
  readonly scope: Scope;
}

/** Checks all expressions of one text: their syntax, and that what they name exists and can be read there. */
export class ExpressionRules {
  readonly #text: string;
  readonly #findings: Findings;

  constructor(text: string, findings: Findings) {
    this.#text = text;
    this.#findings = findings;
  }

  /** A text that may hold `${{ }}`. Answers the references found, with their places. */
  checkText(node: ScalarNode, place: Place, scope: Scope, usage: Usage): readonly SitedReferences[] {
    const text = typeof node.value === 'string' ? node.value : '';
    return hasExpression(text) ? this.#check(parseTemplate(text), { node, place, scope }, usage) : [];
  }

  /** A text that is one expression. */
  checkCondition(node: ScalarNode, scope: Scope, usage: Usage): void {
    const template = parseCondition(String(node.value));
    const isMixed =
      template.faults.length === 0 && (template.parts.length !== 1 || typeof template.parts[0] === 'string');
    if (isMixed)
      this.#findings.error(
        'condition-mixed',
        node,
        'text beside ${{ }} makes this always true: write one expression, with or without ${{ }}',
      );
    this.#check(template, { node, place: 'condition', scope }, usage);
  }

  #check(template: Template, site: Site, usage: Usage): readonly SitedReferences[] {
    for (const fault of template.faults) {
      const span = this.#spanOf(site.node, fault.ordinal, fault.offset, 1);
      this.#findings.error(
        fault.kind === 'unclosed' ? 'expression-unclosed' : 'expression-syntax',
        span,
        fault.message,
      );
    }
    return template.parts.flatMap((part) => {
      if (typeof part === 'string') return [];
      const references = referencesOfParsed(part.parsed);
      const at = (use: NameUse) => this.#spanOf(site.node, part.ordinal, part.lead + use.offset, use.name.length);
      const span = this.#spanOf(site.node, part.ordinal, part.lead, part.parsed.source.length);
      this.#checkNames(part.parsed.contexts, part.parsed.functions, site, at);
      for (const path of references.paths) this.#checkPath(path, site, span, usage);
      return [{ references, span }];
    });
  }

  #checkNames(
    contexts: readonly NameUse[],
    functions: readonly NameUse[],
    site: Site,
    at: (use: NameUse) => Span,
  ): void {
    const { name, contexts: readable, functions: callable } = rulesOf(site.place, site.scope.kind);
    for (const use of contexts) {
      const context = use.name.toLowerCase() === 'inputs' ? 'params' : use.name.toLowerCase();
      if (!CONTEXTS.has(context))
        this.#findings.error(
          'expression-context-unknown',
          at(use),
          `unknown context "${use.name}"${didYouMean(use.name, CONTEXTS)}`,
        );
      else if (!readable.has(context)) this.#reportContext(context, site, at(use), name, readable);
    }
    for (const use of functions) {
      const called = use.name.toLowerCase();
      if (BUILT_IN_FUNCTIONS.has(called) || callable.has(called)) continue;
      if (SPECIAL_FUNCTIONS.has(called))
        this.#findings.error('expression-function', at(use), `${use.name}() cannot be called in ${name}`);
      else
        this.#findings.error(
          'expression-function-unknown',
          at(use),
          `unknown function "${use.name}"${didYouMean(use.name, FUNCTION_NAMES)}`,
        );
    }
  }

  #reportContext(context: string, site: Site, span: Span, name: string, readable: ReadonlySet<string>): void {
    const isSecret = context === 'secrets' && site.place === 'condition';
    const code: LintCode = isSecret ? 'secret-in-condition' : 'expression-context';
    const reason = isSecret
      ? 'a condition would tell its value to everyone who sees the run'
      : `it can read ${[...readable].join(', ')}`;
    this.#findings.error(code, span, `"${context}" cannot be read in ${name}: ${reason}`);
  }

  #checkPath([context = '', name, property]: readonly string[], site: Site, span: Span, usage: Usage): void {
    const { scope } = site;
    if (!rulesOf(site.place, scope.kind).contexts.has(context)) return;
    const known = name === '*' ? undefined : name;
    if (context === 'params') this.#checkParam(known, scope, span, usage);
    else if (context === 'matrix') this.#checkMatrix(known, scope, span);
    else if (context === 'secrets') this.#checkSecret(known, scope, span);
    else if (context === 'steps') this.#checkStep(known, property, scope, span, usage);
  }

  #checkParam(name: string | undefined, scope: Scope, span: Span, usage: Usage): void {
    if (name === undefined) usage.isAnyParam = true;
    else if (scope.params.has(name)) usage.params.add(name);
    else {
      const near = didYouMean(name, scope.params);
      this.#findings.error('expression-param', span, `there is no parameter "${name}"${near}`);
    }
  }

  #checkMatrix(name: string | undefined, scope: Scope, span: Span): void {
    if (name === undefined || !scope.matrix || scope.matrix.has(name)) return;
    const near = didYouMean(name, scope.matrix);
    this.#findings.error('expression-matrix-key', span, `the step's matrix has no "${name}"${near}`);
  }

  #checkSecret(name: string | undefined, scope: Scope, span: Span): void {
    if (name !== undefined && scope.secrets.has(name)) return;
    const shown = name === undefined ? '' : ` "${name}"`;
    this.#findings.error('secret-not-declared', span, `name the secret${shown} in the step's "secrets"`);
  }

  #checkStep(id: string | undefined, property: string | undefined, scope: Scope, span: Span, usage: Usage): void {
    if (id === undefined) {
      return this.#findings.error(
        'expression-dynamic-step',
        span,
        'name the step, as in steps.build.outputs.x: the order follows from it',
      );
    }
    if (property !== undefined && property !== '*' && !STEP_PROPERTIES.includes(property)) {
      this.#findings.error(
        'expression-step-property',
        span,
        `a step has ${STEP_PROPERTIES.join(' and ')}, not "${property}"${didYouMean(property, STEP_PROPERTIES)}`,
      );
    }
    if (id !== scope.own && !usage.steps.has(id)) usage.steps.set(id, { id, span });
  }

  /** Characters of the file from the n-th `${{` of a scalar on; the whole scalar where escapes hide it. */
  #spanOf(node: ScalarNode, ordinal: number, offset: number, length: number): Span {
    let at = node.start;
    const isTemplate = typeof node.value === 'string' && node.value.includes(EXPRESSION_OPEN);
    for (let left = isTemplate ? ordinal : -1; left >= 0; left--) {
      at = this.#text.indexOf(EXPRESSION_OPEN, left === ordinal ? at : at + EXPRESSION_OPEN.length);
      if (at < 0 || at >= node.end) return node;
    }
    const isQuoted = !isTemplate && /["']/.test(this.#text[node.start] ?? '');
    const start = at + offset + (isQuoted ? 1 : 0);
    return start + length <= node.end ? { start, end: start + length } : node;
  }
}

export interface SitedReferences {
  readonly references: References;
  readonly span: Span;
}

const STEP_PROPERTIES: readonly string[] = ['outputs', 'result'];
const FUNCTION_NAMES: readonly string[] = [
  ...BUILT_IN_FUNCTIONS.values().map(({ name }) => name),
  ...SPECIAL_FUNCTIONS.values(),
];
