import { parseSync, Visitor } from 'oxc-parser';

/** What the house test knows of one TypeScript file. Paths are relative to the repository and use `/`. */
export interface Source {
  readonly path: string;
  readonly lineCount: number;
  /** Targets of every import and re-export: static, dynamic, type-only, `import('…')` types, `new URL('./…', import.meta.url)`. */
  readonly imports: readonly string[];
  /** The environment of the process is read here. */
  readonly readsEnvironment: boolean;
  /** Names of what makes a result depend on more than its arguments, for example `Date.now`. */
  readonly impurities: readonly string[];
  readonly unfinished: readonly string[];
}

/** Marks of unfinished work, spelled so that a plain search for them finds only real ones. */
const UNFINISHED = /\b(?:TO[D]O|FIX[M]E|X{3}|HA[C]K)\b/g;
const CLOCKS_AND_DICE = new Set([
  'Date.now',
  'Math.random',
  'performance.now',
  'crypto.randomUUID',
  'crypto.getRandomValues',
]);
const WORLDLY_CALLS = new Set(['fetch', 'setTimeout', 'setInterval', 'setImmediate']);

/** Parses one file; throws if it is not TypeScript. */
export function readSource(path: string, text: string): Source {
  const { program, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const imports = module.staticImports.map((entry) => entry.moduleRequest.value);
  for (const { entries } of module.staticExports) {
    for (const { moduleRequest } of entries) if (moduleRequest) imports.push(moduleRequest.value);
  }
  const impurities: string[] = [];
  let readsEnvironment = imports.some((target) => target === 'node:process' || target === 'process');
  new Visitor({
    ImportExpression: ({ source }) => void imports.push(literal(source) ?? '(computed)'),
    TSImportType: ({ source }) => void imports.push(source.value),
    TSExternalModuleReference: ({ expression }) => void imports.push(expression.value),
    NewExpression: ({ callee, arguments: [first] }) => {
      const target = literal(first);
      if (nameOf(callee) === 'URL' && target?.startsWith('.')) imports.push(target);
      if (nameOf(callee) === 'Date' && first === undefined) impurities.push('new Date()');
    },
    CallExpression: ({ callee }) => {
      const name = nameOf(callee);
      if (name && WORLDLY_CALLS.has(name)) impurities.push(name);
    },
    MemberExpression: ({ object, property }) => {
      const name = `${nameOf(object)}.${nameOf(property) ?? literal(property)}`;
      if (name === 'process.env') readsEnvironment = true;
      if (CLOCKS_AND_DICE.has(name)) impurities.push(name);
    },
    VariableDeclarator: ({ id, init }) => {
      if (id.type === 'ObjectPattern' && init && nameOf(init) === 'process') readsEnvironment = true;
    },
  }).visit(program);
  const unfinished = text.match(UNFINISHED) ?? [];
  return { path, lineCount: text.split('\n').length - 1, imports, readsEnvironment, impurities, unfinished };
}

type Node = { readonly type: string } | undefined;

/** Last name of `a`, `globalThis.a`. */
function nameOf(node: Node): string | undefined {
  if (node?.type === 'Identifier' && 'name' in node) return String(node.name);
  if (node?.type === 'MemberExpression' && 'property' in node) return nameOf(node.property as Node);
  return undefined;
}

function literal(node: Node): string | undefined {
  return node?.type === 'Literal' && 'value' in node && typeof node.value === 'string' ? node.value : undefined;
}
