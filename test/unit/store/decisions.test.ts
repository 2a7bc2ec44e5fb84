import { afterAll, beforeAll, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { Decision, Verdict } from '../../../src/policy/decision.ts';
import type { PolicyInput } from '../../../src/policy/input.ts';
import type { Database } from '../../../src/store/database.ts';
import { loadDecisions, saveDecisions } from '../../../src/store/decisions.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { namespaceOf, setPatch } from '../../../src/store/namespaces.ts';
import { saveBase, savePack } from '../../../src/store/packs.ts';
import { onEveryDatabase } from '../../every-database.ts';
import { freshDatabase } from '../../fresh-database.ts';

onEveryDatabase('stored decisions', (url) => {
  let db: Database;
  let packId: number;
  let drop = async (): Promise<void> => {};
  beforeAll(async () => {
    const fresh = await freshDatabase(url);
    drop = fresh.drop;
    db = await fresh.open();
    await migrate(db);
    const base = await saveBase(db, digestBytes('rules'));
    const { id } = await namespaceOf(db, { tenant: 'local', name: 'local' });
    const pack = {
      namespace: id,
      base,
      digest: digestBytes('rules'),
      revision: digestBytes('r'),
      data: {},
      version: 0,
    };
    packId = await savePack(db, pack);
  });
  afterAll(async () => {
    await db.close();
    await drop();
  });

  const save = async (question: string, verdict: Verdict): Promise<number> => {
    const decision: Decision = {
      verdict,
      reasons: [],
      obligations: [],
      packDigest: digestBytes('rules'),
      inputDigest: digestBytes(question),
    };
    const ids = await saveDecisions(db, packId, [{ decision, input: () => ({ phase: 'run' }) as PolicyInput }]);
    return ids.get(decision.inputDigest) ?? -1;
  };

  it('stay in force when somebody comes late who made the same pack of an older patch', async () => {
    const owner = await namespaceOf(db, { tenant: 'github:1', name: 'github:2' });
    const base = await saveBase(db, digestBytes('rules'));
    const pack = { namespace: owner.id, base, digest: digestBytes('same'), revision: digestBytes('r'), data: {} };
    const source = { path: '.maestro/policy.yaml', commit: null };
    // A patch that says what holds anyway makes the pack that there was without it.
    await db.transaction((session) => setPatch(session, owner.id, { patch: {}, digest: digestBytes('{}'), source }));
    const id = await savePack(db, { ...pack, version: 1 });
    expect(await savePack(db, { ...pack, version: 0 })).toBe(id);
    expect(await db.query('', 'select version, in_force from pack where id = $1', [id])).toEqual([[1, true]]);
    await db.transaction((session) =>
      setPatch(session, owner.id, { patch: null, digest: digestBytes('null'), source }),
    );
    expect(await db.query('', 'select in_force from pack where id = $1', [id])).toEqual([[false]]);
  });

  it('are kept once for equal questions and answers', async () => {
    expect(await save('a', 'allow')).toBe(await save('a', 'allow'));
    expect(await save('a', 'allow')).not.toBe(await save('b', 'allow'));
  });

  it('keep apart what was denied because rules failed, and what they said when they were asked again', async () => {
    const denied = await save('c', 'deny');
    const allowed = await save('c', 'allow');
    const stored = await loadDecisions(db, [denied, allowed]);
    expect([denied, allowed].map((id) => stored.get(id)?.decision.verdict)).toEqual(['deny', 'allow']);
    expect(await save('c', 'deny')).toBe(denied);
  });
});
