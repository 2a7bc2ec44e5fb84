/**
 * Pipelines to be killed. Each step appends to `effects` when it begins and when it ends, and works for some tens of
 * milliseconds in between, so that a second copy of it would be seen to overlap.
 */
const EFFECT =
  'say() { echo "$LAUNCH $MAESTRO_STEP $MAESTRO_ITERATION $MAESTRO_ATTEMPT $1" >> "$MAESTRO_WORKSPACE/effects"; }';

const head = (name: string): string =>
  `name: ${name}\nparams: { launch: { type: string, required: true } }\nenv:\n  LAUNCH: "\${{ params.launch }}"\nsteps:\n`;

function step(id: string, more = '', body = 'sleep 0.05'): string {
  const settings = more
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `    ${line}\n`)
    .join('');
  return `  - id: ${id}\n    shell: sh\n${settings}    run: |\n      ${EFFECT}\n      say begin\n      ${body}\n      say end\n`;
}

const names = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

export const SHAPES: Readonly<Record<string, string>> = {
  chain:
    head('chain') +
    names('link', 3)
      .map((id) => step(id))
      .join('') +
    // Long enough that an orphan of it still works when `resume` begins it again.
    step('long', '', 'sleep 1') +
    step('last'),
  fan:
    head('fan') +
    step('open', 'needs: []') +
    names('wing', 8)
      .map((id) => step(id, 'needs: [open]'))
      .join('') +
    step('close', `needs: [${names('wing', 8).join(', ')}]`),
  retries:
    head('retries') +
    names('flaky', 3)
      .map((id) =>
        step(
          id,
          'retry: { max: 3, on: [step, infra], backoff: { initial: 100ms, factor: 1, max: 100ms, jitter: none } }',
          'sleep 0.03; if [ "$MAESTRO_ATTEMPT" -lt 2 ]; then say end; exit 1; fi',
        ),
      )
      .join(''),
  loop: `${head('loop')}${step('turn', 'loop: { until: "steps.turn.outputs.turns == \'4\'", max: 6 }', 'sleep 0.03; echo "turns=$MAESTRO_ITERATION" >> "$MAESTRO_OUTPUT"')}${step('after')}`,
  cache:
    head('cache') +
    names('kept', 3)
      .map((id) => step(id, `cache: { key: "\${{ params.launch }}" }`))
      .join('') +
    names('again', 2)
      .map((id) => step(id))
      .join(''),
  gate: `${head('gate')}${step('before')}  - id: consent\n    uses: approval\n    with: { message: go on }\n${step('release')}${step('done')}`,
};
