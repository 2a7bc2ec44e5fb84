import type { Digest } from '../base/digest.ts';
import type { Decision, Obligation } from '../policy/decision.ts';
import type { PolicyInput, PolicyPhase } from '../policy/input.ts';
import { intArray, textArray } from './array-literal.ts';
import { codeOf, nameOf, VERDICTS } from './codes.ts';
import type { Session } from './database.ts';
import { jsonText } from './json-text.ts';

export interface AskedDecision {
  readonly decision: Decision;
  /** Made when the decision has to be stored. */
  readonly input: () => PolicyInput;
}

export interface StoredDecision {
  readonly id: number;
  readonly decision: Decision;
  readonly phase: PolicyPhase;
  readonly revision: string;
  readonly decidedAt: Date;
}

/** Stores answers of one pack once each; answers their numbers by input digest. */
export async function saveDecisions(
  session: Session,
  packId: number,
  asked: readonly AskedDecision[],
): Promise<ReadonlyMap<Digest, number>> {
  const distinct = [...new Map(asked.map((one) => [one.decision.inputDigest, one])).values()];
  const json = (value: unknown): string => jsonText(value);
  const digests = textArray(distinct.map((one) => one.decision.inputDigest));
  const verdicts = intArray(distinct.map((one) => codeOf(VERDICTS, one.decision.verdict)));
  await session.query(
    'decision_insert',
    `insert into decision (pack_id, input_digest, verdict, reasons, obligations, input)
     select $1, d, v, r::jsonb, o::jsonb, i::jsonb
     from unnest($2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[]) as t (d, v, r, o, i)
     order by d on conflict do nothing`,
    [
      packId,
      digests,
      verdicts,
      textArray(distinct.map((one) => json(one.decision.reasons))),
      textArray(distinct.map((one) => json(one.decision.obligations))),
      textArray(distinct.map((one) => json(one.input()))),
    ],
  );
  const rows = await session.query(
    'decision_ids',
    `select d.input_digest, d.id from unnest($2::text[], $3::smallint[]) as w (digest, verdict)
     join decision d on d.pack_id = $1 and d.input_digest = w.digest and d.verdict = w.verdict`,
    [packId, digests, verdicts],
  );
  return new Map(rows.map((row) => [row[0] as Digest, Number(row[1])]));
}

export async function loadDecisions(
  session: Session,
  ids: readonly number[],
): Promise<ReadonlyMap<number, StoredDecision>> {
  const rows = await session.query(
    'decision_load',
    `select d.id, d.verdict, d.reasons, d.obligations, p.digest, d.input_digest, d.input ->> 'phase', p.revision, d.decided_at
     from decision d join pack p on p.id = d.pack_id where d.id = any ($1::bigint[])`,
    [intArray(ids)],
  );
  return new Map(
    rows.map((row) => [
      Number(row[0]),
      {
        id: Number(row[0]),
        decision: {
          verdict: nameOf(VERDICTS, row[1]),
          reasons: row[2] as readonly string[],
          obligations: row[3] as readonly Obligation[],
          packDigest: row[4] as Digest,
          inputDigest: row[5] as Digest,
        },
        phase: row[6] as PolicyPhase,
        revision: String(row[7]),
        decidedAt: row[8] as Date,
      },
    ]),
  );
}
