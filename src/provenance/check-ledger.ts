import type { LlmFact } from './facts.ts';
import type { ReceiptPredicate } from './receipt.ts';
import { demand } from './verification-error.ts';

/** No call is missing between two others, and the cost is the sum of what the calls cost. */
export function checkLedger({ llm, cost, steps }: ReceiptPredicate): void {
  const ids = new Set(steps.map((step) => step.id));
  llm.forEach((call, index) => {
    demand(call.seq === index, 'LLM_INVALID', `expected LLM call ${index}, got ${call.seq}: one is missing`);
    demand(ids.has(call.stepId), 'LLM_INVALID', `LLM call ${call.seq} belongs to no step`);
    checkAmounts(call);
  });
  const sum = llm.reduce((total, call) => total + BigInt(call.microUsd), 0n);
  demand(sum === BigInt(cost.microUsd), 'COST_INVALID', `the calls cost ${sum}, the receipt says ${cost.microUsd}`);
}

function checkAmounts({ seq, tokens, microUsd }: LlmFact): void {
  const isWhole = [tokens.in, tokens.out, tokens.cached].every((amount) => BigInt(amount) >= 0n);
  demand(isWhole, 'LLM_INVALID', `LLM call ${seq} has negative tokens`);
  demand(
    BigInt(tokens.cached) <= BigInt(tokens.in),
    'LLM_INVALID',
    `LLM call ${seq} has more cached tokens than tokens`,
  );
  demand(BigInt(microUsd) >= 0n, 'COST_INVALID', `LLM call ${seq} has a negative cost`);
}

/** Runs point to other runs, once each, and a result that was carried over comes from a run that this one retries. */
export function checkRelations(predicate: ReceiptPredicate): void {
  const { run, relations } = predicate;
  const seen = new Set<string>();
  for (const { type, runId } of relations) {
    demand(runId !== run.id, 'RELATION_INVALID', `the run is said to be ${type} itself`);
    const key = JSON.stringify([type, runId]);
    demand(!seen.has(key), 'RELATION_INVALID', `relation ${type} ${runId} twice`);
    seen.add(key);
  }
  const origins = relations.filter(({ type }) => type === 'retryOf');
  demand(origins.length <= 1, 'RELATION_INVALID', 'the run is said to retry several runs');
  demand(
    run.attempt === 1 || origins.length === 1,
    'RELATION_INVALID',
    `attempt ${run.attempt} names no run that it retries`,
  );
  checkCarried(predicate, origins[0]?.runId);
}

/** From the third attempt on a result may come from further back: the receipts of the runs between link to it. */
function checkCarried({ run, steps }: ReceiptPredicate, origin: string | undefined): void {
  for (const { id, carriedFrom } of steps) {
    if (carriedFrom === null) continue;
    const isOlder = origin !== undefined && run.attempt > 2 && carriedFrom !== run.id;
    demand(
      carriedFrom === origin || isOlder,
      'RELATION_INVALID',
      `step ${id} is carried over from a run that this one does not retry`,
    );
  }
}
