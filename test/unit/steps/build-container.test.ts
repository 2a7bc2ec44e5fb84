import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isMaestroError } from '../../../src/base/errors.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import type { Annotation } from '../../../src/protocol/outcome.ts';
import { buildContainerStep } from '../../../src/steps/build-container/build-container.ts';
import { writeLayer } from '../../../src/steps/build-container/layer.ts';
import type { ProgramRequest, StepContext } from '../../../src/steps/define.ts';
import { LayoutWriter } from '../../../src/steps/oci/write-layout.ts';
import { describeWith } from '../../real-parts.ts';
import { Layout } from './layouts.ts';
import { ProjectFolder } from './project-folder.ts';
import { contextOf } from './step-context.ts';

let project: ProjectFolder;
beforeEach(() => {
  project = new ProjectFolder();
});
afterEach(() => project.remove());

async function build(input: JsonObject = {}, changes: Partial<StepContext> = {}): Promise<JsonObject> {
  const { context } = contextOf({ workingDirectory: project.root, ...changes });
  const answer = await buildContainerStep.run(context, input);
  if (answer.kind !== 'succeeded') throw new Error(`expected success, got ${JSON.stringify(answer)}`);
  return answer.result;
}

/** The code and the message of the error. */
async function refusal(input: JsonObject = {}, changes: Partial<StepContext> = {}): Promise<string> {
  const error: unknown = await build(input, changes).catch((error: unknown) => error);
  if (!isMaestroError(error)) throw error;
  return `${error.code} ${error.message}`;
}

const layout = (path = 'image'): Layout => new Layout(project.at(path));
const names = async (): Promise<readonly string[]> => (await layout().entries()).map(({ header }) => header.name);

function bytesOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    paths.map(({ parentPath, name }) => [
      join(parentPath, name).slice(folder.length),
      readFileSync(join(parentPath, name)).toString('base64'),
    ]),
  );
}

describe('build.container from scratch', () => {
  it('makes a layout of what is copied, with the configuration that the file says', async () => {
    project.write({
      Containerfile: [
        '# syntax=docker/dockerfile:1',
        'ARG VERSION=0',
        'FROM scratch AS only',
        'ARG VERSION',
        'ENV NAME="a b" MODE=${MODE:-fast}',
        'ENV LEGACY some text',
        'LABEL org.opencontainers.image.version=$VERSION \\',
        '  # a comment in between',
        "      note='$VERSION'",
        'WORKDIR /srv/app',
        'COPY --chown=1000:1001 server ./',
        'COPY conf /etc/app/',
        'EXPOSE 80 53/udp',
        'USER 1000',
        'ENTRYPOINT ["./server"]',
        'CMD ["--port", "80"]',
      ].join('\n'),
      server: 'binary',
      'conf/a.conf': 'a',
      'conf/sub/b.conf': 'b',
      'conf/link': '@sub/b.conf',
    });
    project.makeExecutable('server');
    const result = await build({ args: { VERSION: '1.2' }, tags: ['v1', 'latest'], platforms: ['linux/arm64'] });
    expect(result).toMatchObject({ path: 'image', platform: 'linux/arm64', builder: 'scratch' });
    const { index, manifest } = layout();
    expect(index.manifests.map(({ annotations }) => annotations?.['org.opencontainers.image.ref.name'])).toEqual([
      'latest',
      'v1',
    ]);
    expect(index.manifests[0]?.digest).toBe(result.digest);
    const config = layout().json(manifest.config.digest);
    expect(config).toMatchObject({ os: 'linux', architecture: 'arm64', created: '1970-01-01T00:00:00Z' });
    expect(config.config).toEqual({
      User: '1000',
      ExposedPorts: { '53/udp': {}, '80/tcp': {} },
      Env: ['NAME=a b', 'MODE=fast', 'LEGACY=some text'],
      Entrypoint: ['./server'],
      Cmd: ['--port', '80'],
      WorkingDir: '/srv/app',
      Labels: { 'org.opencontainers.image.version': '1.2', note: '$VERSION' },
    });
    expect(config.rootfs.diff_ids).toHaveLength(3);
    const entries = await layout().entries();
    expect(entries.map(({ header: { name, mode, uid, gid } }) => `${name} ${mode?.toString(8)} ${uid}:${gid}`)).toEqual(
      [
        'srv/ 755 0:0',
        'srv/app/ 755 0:0',
        'srv/app/server 755 1000:1001',
        'etc/ 755 0:0',
        'etc/app/ 755 0:0',
        'etc/app/a.conf 644 0:0',
        'etc/app/link 777 0:0',
        'etc/app/sub/ 755 0:0',
        'etc/app/sub/b.conf 644 0:0',
      ],
    );
    expect(entries.find(({ header }) => header.name.endsWith('link'))?.header).toMatchObject({
      type: 'symlink',
      linkname: 'sub/b.conf',
    });
    expect(new Set(entries.map(({ header }) => header.mtime?.getTime()))).toEqual(new Set([0]));
  });

  it('makes equal bytes of equal files, whatever their times, their order and where they lie', async () => {
    const files = {
      Containerfile: 'FROM scratch\nCOPY . /\n',
      'b/two': '2',
      'a/one': '1',
      [`${'long/'.repeat(60)}x`]: 'x',
    };
    project.write(files);
    await build({ platforms: ['linux/amd64'] });
    const first = bytesOf(project.at('image'));
    const other = new ProjectFolder();
    try {
      other.write(Object.fromEntries(Object.entries(files).reverse()));
      utimesSync(other.at('a/one'), 1, 1);
      const { context } = contextOf({ workingDirectory: other.root });
      await buildContainerStep.run(context, { platforms: ['linux/amd64'] });
      expect(bytesOf(other.at('image'))).toEqual(first);
    } finally {
      other.remove();
    }
    // Again in the same place: the image of before is no part of its own context.
    await build({ platforms: ['linux/amd64'] });
    expect(bytesOf(project.at('image'))).toEqual(first);
  });

  it('gives every file the time that SOURCE_DATE_EPOCH says', async () => {
    project.write({ Containerfile: 'FROM scratch\nCOPY a /', a: '' });
    await build({}, { env: { SOURCE_DATE_EPOCH: '86400' } });
    expect((await layout().entries())[0]?.header.mtime?.toISOString()).toBe('1970-01-02T00:00:00.000Z');
    expect(layout().json(layout().manifest.config.digest).created).toBe('1970-01-02T00:00:00Z');
    expect(await refusal({}, { env: { SOURCE_DATE_EPOCH: 'now' } })).toMatch(/^INPUT_INVALID/);
  });

  it('makes an index for several platforms, over the same layers', async () => {
    project.write({ Containerfile: 'FROM scratch\nCOPY a /', a: '1' });
    const { digest, mediaType } = await build({ platforms: ['linux/amd64', 'linux/arm/v7'] });
    expect(mediaType).toBe('application/vnd.oci.image.index.v1+json');
    const { manifests } = layout().json(digest as string);
    expect(manifests.map(({ platform }: JsonObject) => platform)).toEqual([
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ]);
    const [one, two] = manifests.map((entry: { digest: string }) => layout().json(entry.digest));
    expect(one.layers).toEqual(two.layers);
    expect(one.config).not.toEqual(two.config);
  });

  it('leaves out what the ignore file says, the last pattern that matches deciding', async () => {
    project.write({
      Dockerfile: 'FROM scratch\nCOPY . /',
      '.dockerignore': '# no secrets\n*\n!src\n**/*.key\n!src/public.key\nsrc/tmp/\n',
      secret: 's',
      'src/main': 'm',
      'src/deep/private.key': 'k',
      'src/public.key': 'p',
      'src/tmp/x': 'x',
    });
    await build();
    expect(await names()).toEqual(['src/', 'src/deep/', 'src/main', 'src/public.key']);
  });

  it('reads the ignore file of its own before that of the context', async () => {
    project.write({
      Containerfile: 'FROM scratch\nCOPY . /',
      'Containerfile.containerignore': '*',
      '.dockerignore': '',
    });
    await build();
    expect(await names()).toEqual([]);
  });

  it.each([
    ['RUN make', 'line 2 of the Containerfile: RUN needs'],
    ['COPY --from=build a /', '--from needs'],
    ['ADD https://example.com/a /', 'downloads need'],
    ['COPY <<EOF /a', 'files written within'],
    ['CMD run me', 'expected a JSON list'],
    ['COPY ../outside /', 'leads out of the context'],
    ['COPY missing /', 'is not in the context'],
    ['COPY --chown=app a /', 'expected --chown=1000:1000'],
    ['COPY --chmod=u+x a /', 'expected --chmod=755'],
    ['COPY a', 'expected COPY SOURCE'],
    ['EXPOSE 70000', 'expected EXPOSE'],
    ['ENV "A', 'expected the quote to be closed'],
    ['ENV A=${B', 'expected ${NAME}'],
    ['FROM scratch', 'one FROM only'],
    ['HEALTHCHECK NONE', 'HEALTHCHECK needs'],
    ['constructor x', 'CONSTRUCTOR needs'],
    ['ADD archive.tgz /', 'ADD of the archive'],
    ['COPY way-out /', 'is a link'],
    ['COPY a /x\nCOPY a /x/y', '/x is a file of the image already'],
    ['COPY links /\nCOPY a /inner/b', '/inner is a link of the image already'],
  ])('refuses %s', async (line, message) => {
    project.write({
      Containerfile: `FROM scratch\n${line}\n`,
      a: 'a',
      'archive.tgz': new Uint8Array([0x1f, 0x8b, 8, 0]),
      'way-out': '@a',
      'links/inner': '@../a',
    });
    expect(await refusal({ builder: 'scratch' })).toContain(message);
    expect(existsSync(project.at('image'))).toBe(false);
    expect(readdirSync(project.root).filter((name) => name.startsWith('.maestro-image'))).toEqual([]);
  });

  it.each([
    ['a link that leads out', { 'x/out': '@../../etc/passwd' }],
    ['an absolute link', { 'x/out': '@/etc/passwd' }],
    ['a file that would delete another', { 'x/.wh.a': '' }],
  ])('refuses a context with %s, unless it is ignored', async (_, files) => {
    project.write({ Containerfile: 'FROM scratch\nCOPY . /', ...(files as Record<string, string>) });
    expect(await refusal()).toMatch(/^INPUT_INVALID line 2 of the Containerfile: (?:the link )?x\//);
    project.write({ '.containerignore': 'x\n' });
    await expect(build()).resolves.toBeDefined();
  });

  it('refuses a pipe in the context', async () => {
    project.write({ Containerfile: 'FROM scratch\nCOPY . /' });
    spawnSync('mkfifo', [project.at('pipe')]);
    expect(await refusal()).toContain('neither file nor folder');
    project.write({ Dockerfile: 'FROM scratch\nCOPY Dockerfile /' });
    await build({ file: 'Dockerfile' });
    expect(await names()).toEqual(['Dockerfile']);
  });

  it('leaves out what Maestro itself keeps in a checkout', async () => {
    project.write({
      Containerfile: 'FROM scratch\nCOPY .maestro /',
      '.maestro/state/data': 'x',
      '.maestro/ci.yaml': 'y',
    });
    await build();
    expect(await names()).toEqual(['ci.yaml']);
  });

  it.each([
    ['a context outside', { context: '..' }],
    ['a file outside', { file: '../Containerfile' }],
    ['an output outside', { output: '../image' }],
    ['the working directory as output', { output: '.' }],
    ['an output that is something else', { output: 'taken' }],
    ['an output through a link', { output: 'out/image' }],
    ['an output further through a link', { output: 'out/a/b/image' }],
    ['a tag that is none', { tags: ['a b'] }],
    ['a platform that is none', { platforms: ['linux'] }],
    ['a value for no ARG', { args: { NOBODY: 'x' }, builder: 'scratch' }],
  ])('refuses %s', async (_, input) => {
    const outside = mkdtempSync(join(tmpdir(), 'maestro-outside-'));
    project.write({ Containerfile: 'FROM scratch', 'taken/file': 'mine', out: `@${outside}` });
    expect(await refusal(input as JsonObject)).toMatch(/^INPUT_INVALID/);
    expect(readFileSync(project.at('taken/file'), 'utf8')).toBe('mine');
    expect(readdirSync(outside)).toEqual([]);
  });

  it('takes `dockerfile` for `file`, and says that it writes no SBOM', async () => {
    const annotations: Annotation[] = [];
    project.write({ 'docker/App': 'FROM scratch\nCOPY a /', a: 'a' });
    const annotate = (annotation: Annotation): void => void annotations.push(annotation);
    await build({ dockerfile: './docker/App', cache: true, sbom: true }, { annotate });
    expect(await names()).toEqual(['a']);
    expect(annotations).toMatchObject([{ level: 'warning', message: expect.stringContaining('supplychain.sbom') }]);
  });

  it('says which line needs a builder where none is there, and warns of a base image that may change', async () => {
    project.write({ Containerfile: 'FROM scratch\nRUN make\n' });
    expect(await refusal({}, { env: { PATH: '/nowhere' } })).toContain('line 2 of the Containerfile: RUN');
    expect(await refusal({ builder: 'podman' }, { env: { PATH: '/nowhere' } })).toMatch(/^STEP_NOT_AVAILABLE/);
  });
});

describe('build.container with a tool of the machine', () => {
  it('gives it no variable in which a secret is, by whatever name', async () => {
    project.write({ Containerfile: 'FROM scratch\n', 'bin/docker': '' });
    project.makeExecutable('bin/docker');
    const given: ProgramRequest[] = [];
    const env = {
      PATH: project.at('bin'),
      TOKEN: 'hush-hush-hush',
      ALIAS: 'hush-hush-hush',
      URL: 'https://user:hush-hush-hush@example.com/',
      LEVEL: '1',
      PORT: '8123',
      MODE: 'fast',
    };
    const { context } = contextOf({
      workingDirectory: project.root,
      env,
      secrets: { TOKEN: 'hush-hush-hush', NONE: '', SHORT: '1' },
      runProgram: (request) => {
        given.push(request);
        return Promise.resolve({ exitCode: 1, signalName: null });
      },
    });
    expect(await buildContainerStep.run(context, { builder: 'docker' })).toMatchObject({ kind: 'failed' });
    expect({ ...env, ...given[0]?.env }).toMatchObject({
      PATH: env.PATH,
      TOKEN: '',
      ALIAS: '',
      URL: '',
      LEVEL: '',
      PORT: '8123',
      MODE: 'fast',
    });
  });
});

describe('a layer', () => {
  it.each([
    ['is gone', 'gone', 1],
    ['has grown', 'file', 1],
    ['has become a link', 'link', 4],
  ])('is refused where a file %s since the context was read', async (_, name, sizeBytes) => {
    project.write({ file: 'text', link: '@file', other: 'x'.repeat(300_000) });
    const writer = new LayoutWriter(project.at('layer'));
    await writer.open();
    const entry = { kind: 'file', mode: 0o644, uid: 0, gid: 0 } as const;
    const entries = [
      { ...entry, path: 'a', absolutePath: project.at('other'), sizeBytes: 300_000 },
      { ...entry, path: 'b', absolutePath: project.at(name), sizeBytes },
    ];
    await expect(writeLayer(writer, entries, 0)).rejects.toThrow(/ENOENT|ELOOP|changed while/);
  });
});

describeWith('buildah', 'build.container with buildah', () => {
  /** Runs programs as the worker does, with what they print. */
  const programs = (output: string[]) => ({
    env: { PATH: process.env.PATH ?? '', STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot', TOKEN: 'hush-hush-hush' },
    secrets: { TOKEN: 'hush-hush-hush' },
    temporaryDirectory: project.root,
    runProgram: ({ argv: [program, ...words], env = {} }: ProgramRequest) => {
      const base = {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        STORAGE_DRIVER: 'vfs',
        BUILDAH_ISOLATION: 'chroot',
      };
      const end = spawnSync(program as string, words, { cwd: project.root, env: { ...base, TOKEN: 'hush', ...env } });
      output.push(`TOKEN=${env.TOKEN}`, end.stdout.toString(), end.stderr.toString());
      return Promise.resolve({ exitCode: end.status, signalName: end.signal });
    },
  });

  it('builds with it what is wished for, into the same kind of layout', { timeout: 120_000 }, async () => {
    const output: string[] = [];
    project.write({ 'app/Dockerfile': 'FROM scratch\nCOPY a /a\nCMD ["/a"]\n', 'app/a': 'content' });
    const input = { context: 'app', builder: 'buildah', tags: ['v1'], output: 'out/image' };
    const first = await build(input, programs(output));
    expect(first).toMatchObject({ path: 'out/image', builder: 'buildah' });
    expect((await layout('out/image').entries()).map(({ text }) => text)).toEqual(['content']);
    expect(layout('out/image').index.manifests[0]?.annotations).toEqual({ 'org.opencontainers.image.ref.name': 'v1' });
    expect(output.filter((line) => line.startsWith('TOKEN='))).toEqual(['TOKEN=', 'TOKEN=', 'TOKEN=']);
    expect((await build(input, programs(output))).digest).toBe(first.digest);
  });

  it('tells a build that fails, and warns of a base that is not pinned', { timeout: 120_000 }, async () => {
    const annotations: Annotation[] = [];
    project.write({ Containerfile: 'FROM localhost/none:latest AS base\nFROM base\nFROM x@sha256:00\nCOPY a /a\n' });
    const { context } = contextOf({
      workingDirectory: project.root,
      annotate: (annotation) => void annotations.push(annotation),
      ...programs([]),
    });
    const answer = await buildContainerStep.run(context, {});
    expect(answer).toMatchObject({
      kind: 'failed',
      errorClass: 'step',
      message: expect.stringContaining('buildah build'),
    });
    expect(annotations).toMatchObject([{ level: 'warning', path: 'Containerfile', startLine: 1 }]);
    expect(existsSync(project.at('image'))).toBe(false);
  });
});
