import { expect, test } from 'vitest';
import { describeWith } from '../../../real-parts.ts';
import { ACME, type BundleSource, buildBundle, CASES, ecSigner, RULES, rsaSigner } from './build-bundle.ts';
import { OwnWorld } from './own-world.ts';
import { entriesOf, packTar, type TarEntry } from './tar.ts';

const MALLORY = { ...ecSigner('mallory'), id: ACME.id };

const changed = (packed: Buffer, change: (entries: TarEntry[]) => TarEntry[]): Buffer =>
  packTar(change(entriesOf(packed)));
const withContent = (name: string, edit: (text: string) => string) => (entries: TarEntry[]) =>
  entries.map((entry) =>
    entry.name === name ? { ...entry, content: edit(Buffer.from(entry.content).toString('latin1')) } : entry,
  );

describeWith('opa', 'a bundle of stock opa', () => {
  test.each([
    ['P-256', ACME],
    ['RSA', rsaSigner('acme')],
  ])('that a trusted %s key signed is taken, whatever its data holds', async (_, signer) => {
    await using world = new OwnWorld(signer);
    const data = String.raw`{ "acme": { "hosts": [] }, "z\ud83d\ude00": 1, "z\uffee": 1.50, "é": "\u2028\u2029<&>\u007f\b\f\n\u0001\"\\/",
      "odd": [1e300, -0, 12345678901234567890, 1.0, [], {}, null, true, ""] }`;
    const { name, digest } = await world.load(buildBundle({ signer, data }));
    expect([name, digest]).toEqual(['acme', expect.stringMatching(/^sha256:[0-9a-f]{64}$/)]);
  });

  test('has a digest that its rules and data change, and its signature and sources do not', async () => {
    await using world = new OwnWorld();
    const digestOf = async (source: BundleSource) => (await world.load(buildBundle(source))).digest;
    const first = await digestOf({});
    expect(await digestOf({})).toBe(first);
    expect(await digestOf({ rules: `${RULES}\n# another word` })).toBe(first);
    expect(await digestOf({ data: { acme: { hosts: ['a'] } } })).not.toBe(first);
    expect(await digestOf({ rules: RULES.replace('> 100', '> 101') })).not.toBe(first);
  });

  test.each<[string, () => Buffer, string]>([
    ['that nobody signed', () => buildBundle({ signer: null }), 'it is not signed'],
    ['signed by another key under a trusted name', () => buildBundle({ signer: MALLORY }), 'does not hold'],
    ['signed by an unknown key', () => buildBundle({ signer: ecSigner('other') }), 'the key "other"'],
    [
      'signed with a shared secret that is the public key',
      () => buildBundle({ signer: { ...ACME, algorithm: 'HS256', privateKey: ACME.publicKey } }),
      'does not hold',
    ],
    [
      'with other data',
      () =>
        changed(
          buildBundle(),
          withContent('/data.json', (t) => t.replace('npm', 'evil')),
        ),
      'data.json is not',
    ],
    [
      'with another module',
      () =>
        changed(
          buildBundle(),
          withContent('/policy.wasm', (t) => `${t}\0`),
        ),
      'policy.wasm is not',
    ],
    [
      'with other sources',
      () =>
        changed(
          buildBundle(),
          withContent('/rules/own/rules.rego', (t) => `${t} `),
        ),
      'rules.rego is not',
    ],
    [
      'with another manifest',
      () =>
        changed(
          buildBundle(),
          withContent('/.manifest', (t) => t.replace('""', '"2"')),
        ),
      '.manifest is not',
    ],
    [
      'with one file more',
      () => changed(buildBundle(), (all) => [...all, { name: '/x.rego', content: '' }]),
      'does not list the file x.rego',
    ],
    [
      'with one file less',
      () => changed(buildBundle(), (all) => all.filter(({ name }) => name !== '/.manifest')),
      'lacks the file .manifest',
    ],
    [
      'with broken signatures',
      () =>
        changed(
          buildBundle(),
          withContent('/.signatures.json', () => '['),
        ),
      'not JSON',
    ],
    [
      'with no signature in it',
      () =>
        changed(
          buildBundle(),
          withContent('/.signatures.json', () => '{"signatures":[]}'),
        ),
      'one signature',
    ],
    [
      'with a token that is none',
      () =>
        changed(
          buildBundle(),
          withContent('/.signatures.json', () => '{"signatures":["x.y.z"]}'),
        ),
      'does not hold',
    ],
    [
      'of another verifier',
      () =>
        changed(
          buildBundle(),
          withContent('/.signatures.json', (t) => t.replace('_default', 'p')),
        ),
      'one signature',
    ],
    ['for another target', () => buildBundle({ options: [] }), 'no policy.wasm'],
    [
      'with another entrypoint',
      () => buildBundle({ entrypoint: 'maestro/own/deny', options: ['-t', 'wasm', '--prune-unused'] }),
      'the entrypoint maestro/own/decision',
    ],
    [
      'that prints',
      () =>
        buildBundle({
          rules: `${RULES}\ndeny contains "x" if { print(input); false }`,
          options: ['-t', 'wasm', '--wasm-include-print'],
        }),
      '--wasm-include-print',
    ],
    ['without cases', () => buildBundle({ cases: [] }), 'no cases'],
    ['with a list of no cases', () => buildBundle({ cases: [], data: { maestro: { cases: [] } } }), 'a list of cases'],
    [
      'with a case that does not hold',
      () => buildBundle({ cases: [{ ...CASES[1], verdict: 'ask' }] }),
      'case "http is refused": expected ask, got deny',
    ],
    [
      'with a case of another rule',
      () => buildBundle({ cases: [{ ...CASES[1], rule: 'no-htt' }] }),
      'expected a reason of no-htt',
    ],
    [
      'with a case that asks nonsense',
      () => buildBundle({ cases: [{ ...CASES[1], input: { step: { use: 'http' } } }] }),
      'has no step.use (did you mean "uses"?)',
    ],
  ])('%s is refused', async (_, packed, why) => {
    await using world = new OwnWorld();
    const refusal = await world.refusalOf(packed());
    expect(refusal).toContain('the rules of acme are refused');
    expect(refusal).toContain(why);
  });

  test.each([
    ['http.send', 'response := http.send({"method": "get", "url": "http://127.0.0.1/"}).status_code; response == 200'],
    ['time.now_ns', 'time.now_ns() > 0'],
    ['rand.intn', 'rand.intn("x", 2) == 1'],
    ['uuid.rfc4122', 'uuid.rfc4122("x") != ""'],
    ['opa.runtime', 'opa.runtime().env.HOME != ""'],
    ['net.lookup_ip_addr', 'count(net.lookup_ip_addr("localhost")) > 0'],
    ['crypto.sha256', 'crypto.sha256("x") != ""'],
  ])('whose rules call %s is refused, by that name', async (builtIn, body) => {
    await using world = new OwnWorld();
    const rules = `${RULES}\ndeny contains "x" if { ${body}; false }\n`;
    expect(await world.refusalOf(buildBundle({ rules }))).toContain(`its rules call ${builtIn}, and may call only`);
  });

  test('whose rules call what is the same each time is taken', async () => {
    await using world = new OwnWorld();
    const body =
      'json.is_valid("{}"); yaml.unmarshal("a: 1").a == 1; regex.split("a", "bab") == ["b", "b"]; glob.match("a*", [], "ab")';
    const rules = `${RULES}\nask contains sprintf("%s-%d: x", ["tools", 1]) if { ${body}; input.step.uses == "task" }\n`;
    const cases = [{ name: 'tools', input: { step: { uses: 'task' } }, verdict: 'ask', rule: 'tools-1' }];
    expect(await world.refusalOf(buildBundle({ rules, cases }))).toBe('accepted');
  });

  test('whose rules loop in a case of theirs is refused', async () => {
    await using world = new OwnWorld();
    const rules = `package maestro.own
decision := {"deny": deny}
deny contains "x" if {
	some a in numbers.range(1, 3000)
	some b in numbers.range(1, 3000)
	some c in numbers.range(1, 3000)
	a + b + c == 12345678
}`;
    expect(await world.refusalOf(buildBundle({ rules, cases: CASES.slice(0, 1) }))).toContain('longer than 250 ms');
  });
});

describeWith('opa', 'a key', () => {
  test.each([
    ['that is private', ACME.privateKey],
    ['of another curve', ecSigner('x', 'P-384').publicKey],
    ['of RSA with 1024 bits', rsaSigner('x', 1024).publicKey],
    ['beside another', ACME.publicKey + ACME.publicKey],
    ['that is none', 'acme'],
  ])('%s is refused', async (_, publicKey) => {
    await using world = new OwnWorld({ ...ACME, publicKey });
    expect(await world.refusalOf(buildBundle())).toContain('to hold one public key');
  });
});
