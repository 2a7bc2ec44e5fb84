import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWith } from '../../real-parts.ts';
import { leaseOf } from '../worker/leases.ts';
import { IDENTITY, JOB_TOKEN, JobWorld, PERMIT } from './job-world.ts';

const USER = 61_000;
/** As on a hosted runner: the settings of the distribution, and a user who needs no password. */
const SUDOERS = `Defaults env_reset
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Defaults use_pty
root ALL=(ALL:ALL) ALL
job ALL=(ALL) NOPASSWD:ALL
`;
/** The machine has no such user: what follows sees one in files of its own, which nobody else sees. A shell would drop variables with a hyphen. */
const AS_USER = `
my ($folder, @program) = @ARGV;
for my $name ('passwd', 'sudoers') { system('mount', '--bind', "$folder/$name", "/etc/$name") == 0 or die; }
exec 'setpriv', '--reuid=${USER}', '--regid=${USER}', '--clear-groups', @program;`;

/** Looks for the worker's secrets wherever a program can look, and for a way to become somebody else. */
const attack = (folder: string) => `
set +e
echo "begun by $(id -u)"
env; cat .git/config
for one in /proc/[0-9]*; do
  cat $one/environ $one/cmdline $one/task/*/environ
  [ -O $one ] || perl -e 'open(M, "<", $ARGV[0]) and print "read $ARGV[0]"' $one/mem
done 2>/dev/null | tr '\\0' '\\n'
find ${folder} .. -type f -size -100k -exec cat {} + 2>/dev/null
sudo -n id && echo "is root"
kill -KILL $PPID
echo "done"
true`;

describeWith('sudo', 'a job whose user may use sudo without a password', () => {
  let world: JobWorld;
  beforeEach(async () => {
    world = new JobWorld();
    await world.open();
    world.checkout.sha = world.git.commit({ 'greeting.txt': 'hello\n' });
    const passwd = `${readFileSync('/etc/passwd', 'utf8')}job:*:${USER}:${USER}::/nonexistent:/bin/sh\n`;
    writeFileSync(join(world.folder, 'passwd'), passwd);
    writeFileSync(join(world.folder, 'sudoers'), SUDOERS);
    chmodSync(join(world.folder, 'sudoers'), 0o440);
  });
  afterEach(() => world.close());

  const run = (script: string, onLog?: Parameters<JobWorld['run']>[1]) => {
    world.conductor.queue(leaseOf({ runId: 'run1' }, { id: 'step', with: { run: script } }));
    world.conductor.successors = () => (world.conductor.send({ type: 'drain' }), []);
    const inputs = { 'dispatch-id': '01DISPATCH', run: 'run1', class: 'linux', server: world.server };
    const launcher = ['unshare', '--mount', 'perl', '-e', AS_USER, world.folder];
    return world.run(world.environment(inputs), onLog, undefined, launcher);
  };
  const outcome = () => world.conductor.outcomes.get('1.0');

  it('gives its steps a user of their own, who cannot read what the job may', { timeout: 60_000 }, async () => {
    const job = await run(attack(world.folder));
    expect(job).toMatchObject({ exitCode: 0, log: expect.stringMatching(/steps run as user 6[1-5]\d{3}/) });
    expect(outcome()).toMatchObject({ kind: 'succeeded', isolation: 'user' });
    const seen = world.conductor.logText();
    expect(seen).toMatch(/^begun by 6[1-5]\d{3}\n/);
    expect(seen).not.toContain(`begun by ${USER}`);
    expect(seen).toContain('done\n');
    expect(seen).not.toContain('is root');
    expect(seen).not.toContain('read /proc');
    const secrets = [
      IDENTITY,
      PERMIT,
      JOB_TOKEN,
      Buffer.from(`x-access-token:${JOB_TOKEN}`).toString('base64'),
      'mws_',
    ];
    expect(secrets.filter((secret) => seen.includes(secret))).toEqual([]);
  });

  it('keeps its environment, and tells what became of the run', { timeout: 60_000 }, async () => {
    const job = await run('echo "$PATH"; id -u');
    expect(world.conductor.logText()).toMatch(new RegExp(`^${process.env.PATH}\\n6[1-5]\\d{3}\\n$`));
    expect(job.outputs).toContain('run1');
    expect(job.summary).toContain('| step | succeeded |');
  });

  it('gives its step back when the runner tells it to stop', { timeout: 60_000 }, async () => {
    const job = await run('sleep 61.25', (log, signal) => {
      if (log.includes('started step') && !log.includes('SIGTERM')) signal('SIGTERM');
    });
    expect(job.exitCode).toBe(0);
    expect(outcome()).toBeUndefined();
    expect(world.conductor.hasLeft).toBe(true);
  });
});
