/** Anything whose code is named: a step of a plan, or of a receipt. */
interface Coded {
  readonly code: { readonly uri: string };
}

/** Lets artifacts pass to an environment. */
export function isPromoteGate({ code }: Coded): boolean {
  return isOf('maestro:gate.promote', code.uri);
}

/** Lets a run go on as long as an environment is not frozen. */
export function isFreezeGate({ code }: Coded): boolean {
  return isOf('maestro:gate.freeze', code.uri);
}

/** `uses` may name a version. */
function isOf(uri: string, found: string): boolean {
  return found === uri || found.startsWith(`${uri}@`);
}
