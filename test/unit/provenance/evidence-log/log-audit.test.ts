import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/provenance/evidence-log/checkpoint.ts';
import { leafText } from '../../../../src/provenance/evidence-log/leaf.ts';
import { LogAudit } from '../../../../src/provenance/evidence-log/log-audit.ts';
import { readVerifierKey } from '../../../../src/provenance/evidence-log/note-key.ts';
import {
  checkpointOf,
  closeLeaf,
  leavesOf,
  newLogSigner,
  openLeaf,
  receiptOf,
  runIdOf,
  textsOf,
} from './sample-log.ts';

const signer = newLogSigner();
const key = readVerifierKey(signer.verifierKey);
const whole = textsOf(leavesOf(20));
const headOf = async (leaves: readonly string[]) => openCheckpoint(await checkpointOf(leaves, signer), key);

/** Codes of what an audit finds in `leaves`, read in pieces. */
async function audit(leaves: readonly string[], signed = leaves, kept: readonly (readonly string[])[] = []) {
  const log = new LogAudit(await headOf(signed), await Promise.all(kept.map(headOf)));
  for (let at = 0; at < leaves.length; at += 7) log.take(leaves.slice(at, at + 7));
  return log;
}
const codes = (log: LogAudit): string[] => log.findings().map(({ code }) => code);

describe('the audit of a register', () => {
  it('finds nothing where each checkpoint that was kept is of what is there', async () => {
    const log = await audit(whole, whole, [[], whole.slice(0, 1), whole.slice(0, 16), whole]);
    expect(codes(log)).toEqual([]);
    expect(log.missing).toBe(0);
    expect(log.runs.size).toBe(20);
    expect(log.runs.get(runIdOf(3))).toEqual({ attempt: 1, isOpened: true, payloadSha256: receiptOf(3) });
  });

  it('does not look beyond the checkpoint', async () => {
    expect(codes(await audit(whole, whole.slice(0, 10)))).toEqual([]);
  });

  it('finds leaves that are missing at the end', async () => {
    expect(codes(await audit(whole.slice(0, -1), whole))).toEqual(['LOG_TRUNCATED']);
  });

  it('finds a leaf that was taken out or changed', async () => {
    expect(codes(await audit(whole.toSpliced(4, 2), whole))).toEqual(['LOG_TRUNCATED']);
    expect(codes(await audit(whole.with(4, leafText(openLeaf(99))), whole))).toEqual([
      'CLOSE_WITHOUT_OPEN',
      'LOG_FORKED',
    ]);
  });

  it('finds a register that went back to a state from before', async () => {
    expect(codes(await audit(whole.slice(0, 10), whole.slice(0, 10), [whole]))).toEqual(['LOG_ROLLED_BACK']);
  });

  it('finds a register that was written anew', async () => {
    const anew = textsOf([...leavesOf(3), ...leavesOf(20).slice(8)]);
    expect(codes(await audit(anew, anew, [whole.slice(0, 4), whole.slice(0, 12)]))).toEqual(['LOG_FORKED']);
  });

  it('finds a fork that has grown beyond what was kept', async () => {
    const fork = [...whole.slice(0, 10), ...textsOf(leavesOf(40).slice(50))];
    expect(codes(await audit(fork, fork, [whole.slice(0, 10)]))).toEqual([]);
    expect(codes(await audit(fork, fork, [whole.slice(0, 12)]))).toEqual(['LOG_FORKED']);
  });

  it('finds leaves that contradict each other', async () => {
    const leaves = textsOf([
      openLeaf(0),
      openLeaf(0),
      closeLeaf(0),
      closeLeaf(0),
      closeLeaf(1),
      openLeaf(2),
      { ...closeLeaf(2), attempt: 2 },
    ]);
    const log = await audit([...leaves, 'no leaf'], [...leaves, 'no leaf']);
    expect(codes(log)).toEqual([
      'LEAF_DUPLICATE',
      'LEAF_DUPLICATE',
      'CLOSE_WITHOUT_OPEN',
      'CLOSE_WITHOUT_OPEN',
      'LEAF_MALFORMED',
    ]);
  });

  it('keeps the first thousand findings, and counts them all', async () => {
    const leaves = Array.from({ length: 1200 }, () => 'x');
    const log = await audit(leaves);
    expect(log.findings()).toHaveLength(1000);
    expect(log.found).toBe(1200);
  });
});
