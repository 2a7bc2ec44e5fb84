import { type Digest, digestJson } from '../../base/digest.ts';
import { type OwnAnswer, readOwnAnswer } from './own-answer.ts';
import type { RulesThread } from './rules-thread.ts';

/** Rules of an organisation, asked beside ours; what they say can only narrow. */
export interface OwnRules {
  /** In order of their names. */
  readonly bundles: readonly BundleNote[];
  /** Over all of them. */
  readonly digest: Digest;
  /** Blocks, for a bounded time, and never throws: rules that fail deny. */
  ask(question: Uint8Array): readonly OwnAnswer[];
}

interface BundleNote {
  readonly name: string;
  /** SHA-256 over `policy.wasm` followed by `data.json`: what can change an answer. */
  readonly digest: Digest;
}

/** A bundle that was verified and passed its own cases. */
export interface OpenBundle extends BundleNote {
  readonly thread: RulesThread;
}

export function ownRules(opened: readonly OpenBundle[]): OwnRules {
  const sorted = opened.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const bundles = Object.freeze(sorted.map(({ name, digest }) => Object.freeze({ name, digest })));
  return {
    bundles,
    digest: digestJson(bundles.map(({ name, digest }) => [name, digest])),
    ask: (question) => {
      for (const { thread } of sorted) thread.ask(question);
      return sorted.map(({ name, thread }) => readOwnAnswer(name, thread.answer()));
    },
  };
}
