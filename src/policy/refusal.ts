import { digestBytes, digestJson } from '../base/digest.ts';
import type { JsonObject } from '../base/json.ts';
import { denial } from './answer.ts';
import type { PolicyEngine } from './evaluate.ts';
import { explainDenial } from './explanation.ts';
import type { PolicyInput } from './input.ts';

/**
 * Denies whatever is asked, because there is no policy that could be asked.
 * @param of the rules that would answer otherwise
 */
export function refusal(of: PolicyEngine, why: string): PolicyEngine {
  const { revision, entrypoint, data } = of;
  const packDigest = digestBytes(`${of.packDigest} ${why}`);
  const evaluate = (input: PolicyInput) => {
    const inputDigest = digestJson(input as unknown as JsonObject);
    return Object.freeze({ ...denial(why), packDigest, inputDigest });
  };
  const evaluateKeyed = (_: string, makeInput: () => PolicyInput) => evaluate(makeInput());
  const explain = () => explainDenial(denial(why));
  return { packDigest, revision, entrypoint, data, evaluate, evaluateKeyed, explain };
}
