import { isJsonObject, type Json, type JsonObject } from '../base/json.ts';
import { type Answer, denial, readAnswer } from './answer.ts';
import type { PackVerdict } from './decision.ts';

/** The pack by whose name Maestro itself says why no pack could be asked. */
const ENGINE = 'engine';

/** What each pack says, in the value of the entrypoint that explains; a denial where the value is not that. */
export function readExplanation(value: unknown): readonly PackVerdict[] {
  if (!isJsonObject(value)) return explainDenial(denial('the rules gave no explanation'));
  return Object.entries(value)
    .map(([pack, said]) => ({ pack, ...readAnswer(isJsonObject(said) ? answerIn(said) : said) }))
    .toSorted((a, b) => (a.pack < b.pack ? -1 : 1));
}

/** The explanation where no pack could be asked. */
export function explainDenial(answer: Answer): readonly PackVerdict[] {
  return [{ pack: ENGINE, ...answer }];
}

/** One pack's sets, as an answer of that pack alone. */
function answerIn({ deny, ask, oblige }: JsonObject): Json {
  if (isEmpty(deny)) {
    const isAsked = !isEmpty(ask);
    return { verdict: isAsked ? 'ask' : 'allow', reasons: isAsked ? (ask ?? null) : [], obligations: oblige ?? null };
  }
  return { verdict: 'deny', reasons: deny ?? null, obligations: [] };
}

function isEmpty(list: Json | undefined): boolean {
  return Array.isArray(list) && list.length === 0;
}
