import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestBytes } from '../../../src/base/digest.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { FakeRegistry } from '../../fakes/registry.ts';
import { describeWith } from '../../real-parts.ts';
import { openCutLine, openRegistry } from '../../real-registry.ts';
import { PushScene } from './push-scene.ts';

const REPOSITORY = 'team/app';
const PASSWORD = 'hush-hush-hush';
let scene: PushScene;
/** One image for all: what a push changes lies in the registry. */
beforeAll(async () => {
  scene = await new PushScene().build();
});
afterAll(() => scene.remove());

/** What every registry does, ours on loopback and a real one. */
function pushes(title: string, open: () => Promise<{ readonly host: string; close: () => Promise<void> }>): void {
  describe(`registry.push to ${title}`, () => {
    let registry: Awaited<ReturnType<typeof open>>;
    let to: string;
    beforeAll(async () => {
      registry = await open();
      to = `${registry.host}/${REPOSITORY}`;
    });
    afterAll(() => registry.close());
    const get = (path: string, accept = '*/*'): Promise<Response> =>
      fetch(`http://${registry.host}/v2/${REPOSITORY}/${path}`, { headers: { accept } });

    it('brings blobs, manifest and tags there, and what is there is not sent again', async () => {
      const first = await scene.push({ to, tags: ['v1', 'latest'] });
      expect(first).toMatchObject({ digest: scene.digest, name: `${to}@${scene.digest}`, sentBlobs: 2, knownBlobs: 0 });
      for (const tag of ['v1', 'latest', scene.digest]) {
        const answer = await get(`manifests/${tag}`);
        expect(answer.status).toBe(200);
        expect(answer.headers.get('content-type')).toBe('application/vnd.oci.image.manifest.v1+json');
        const manifest = (await answer.json()) as { config: { digest: string }; layers: { digest: string }[] };
        for (const { digest } of [manifest.config, ...manifest.layers]) {
          const blob = Buffer.from(await (await get(`blobs/${digest}`)).arrayBuffer());
          expect(blob.equals(readFileSync(scene.at(`image/blobs/sha256/${digest.slice(7)}`)))).toBe(true);
        }
      }
      expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ sentBlobs: 0, sentBytes: 0, knownBlobs: 2 });
    });

    it('takes an image whose upload was cut', async () => {
      // Of its own: some keep blobs for all of their repositories.
      const empty = await open();
      const line = await openCutLine(empty.host, [1_500_000, 700_000]);
      try {
        const pushed = await scene.push({ to: `${line.host}/team/cut`, tags: ['v1'] });
        expect(pushed).toMatchObject({ sentBlobs: 2 });
        expect(line.cuts).toEqual([]);
        const [largest = ''] = scene
          .blobs()
          .filter(({ length }) => length > 100_000)
          .map(digestBytes);
        const answer = await fetch(`http://${empty.host}/v2/team/cut/blobs/${largest}`);
        expect(digestBytes(Buffer.from(await answer.arrayBuffer()))).toBe(largest);
      } finally {
        await line.close();
        await empty.close();
      }
    });

    it('lists what is attached as referrers of the image, once', async () => {
      scene.write({ 'sbom.json': '{"bomFormat":"CycloneDX"}', 'note.txt': 'a note' });
      const referrers = [{ path: 'note.txt', artifactType: 'text/plain' }];
      const pushed = await scene.push({ to, sbom: 'sbom.json', referrers });
      expect(await scene.push({ to, sbom: 'sbom.json', referrers })).toMatchObject({
        referrers: pushed.referrers as string[],
      });
      const api = await get(`referrers/${scene.digest}`);
      const index = api.ok ? api : await get(`manifests/${scene.digest.replace(':', '-')}`);
      const { manifests } = (await index.json()) as { manifests: { digest: string }[] };
      expect(manifests.map(({ digest }) => digest).sort()).toEqual([...(pushed.referrers as string[])].sort());
      // Their own word counts: not every registry lists the type of the artifact.
      const types = manifests.map(async ({ digest }) => {
        return ((await (await get(`manifests/${digest}`)).json()) as { artifactType: string }).artifactType;
      });
      expect((await Promise.all(types)).sort()).toEqual(['application/vnd.cyclonedx+json', 'text/plain']);
    });
  });
}

pushes('the fake registry', () => new FakeRegistry().open());
pushes('the fake registry with referrers', async () => {
  const registry = await new FakeRegistry().open();
  registry.hasReferrers = true;
  return registry;
});
describeWith('registry', 'registries that are real', (program) => {
  pushes('a real registry without referrers', () => openRegistry(program, false));
  pushes('a real registry with referrers', () => openRegistry(program, true));
});

describe('registry.push to a registry with faults', () => {
  let registry: FakeRegistry;
  let to: string;
  beforeEach(async () => {
    registry = await new FakeRegistry().open();
    to = `${registry.host}/${REPOSITORY}`;
  });
  afterEach(() => registry.close());
  const isWhole = (): boolean => registry.manifests.has(`${REPOSITORY}@v1`) && registry.blobs.size === 2;

  it('goes on where an upload was cut, where the registry has kept it', async () => {
    registry.cuts.push(1_000_000, 500_000);
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ digest: scene.digest, sentBlobs: 2 });
    expect(isWhole()).toBe(true);
    // Nothing was begun anew, and nothing sent twice.
    expect(registry.count('POST', '/uploads/')).toBe(2);
    expect(
      registry.asked.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['content-range']),
    ).toEqual([expect.stringMatching(/^1000000-/), expect.stringMatching(/^1500000-/)]);
  });

  it('begins a blob anew where the registry has kept nothing of it', async () => {
    registry.cuts.push(1_000_000, 500_000);
    registry.isResumable = false;
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ digest: scene.digest });
    expect(isWhole()).toBe(true);
    expect(registry.count('PATCH', '/uploads/')).toBe(0);
  });

  it('begins a blob anew where the registry does not take the rest of it', async () => {
    registry.cuts.push(1_000_000);
    registry.fault = ({ method }, response) => {
      if (method !== 'PATCH') return false;
      response.writeHead(416).end();
      return true;
    };
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ digest: scene.digest });
    expect(registry.count('PATCH', '/uploads/')).toBe(1);
    expect(isWhole()).toBe(true);
  });

  it('gives up after so many cuts, with nothing but blobs there, and the next attempt goes on', async () => {
    registry.cuts.push(...Array.from({ length: 10 }, () => 1));
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ failed: 'infra', code: 'NETWORK_FAILED' });
    expect(registry.manifests.size).toBe(0);
    registry.cuts.length = 0;
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ digest: scene.digest });
    expect(isWhole()).toBe(true);
  });

  it.each([
    ['a blob', 'PUT', '/uploads/', 201],
    ['a manifest', 'PUT', '/manifests/', 201],
    ['a blob that is there', 'HEAD', '/blobs/', 200],
  ])('refuses a registry that names another digest for %s, and tags nothing', async (_, method, part, status) => {
    registry.fault = (asked, response) => {
      if (asked.method !== method || !asked.url.includes(part)) return false;
      response.writeHead(status, { 'docker-content-digest': `sha256:${'0'.repeat(64)}` }).end();
      return true;
    };
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ failed: 'step', code: 'REGISTRY_REFUSED' });
    expect(registry.manifests.has(`${REPOSITORY}@v1`)).toBe(false);
  });

  it('says what a registry refuses by its codes alone, and puts no manifest of blobs that it has not taken', async () => {
    registry.fault = ({ method }, response) => {
      if (method !== 'POST') return false;
      response.writeHead(403).end('{"errors":[{"code":"DENIED","message":"\\u001b[31mlook"},{"code":"a b"}]}');
      return true;
    };
    const { message, code } = await scene.push({ to, tags: ['v1'] });
    expect({ message, code }).toEqual({
      code: 'REGISTRY_REFUSED',
      message: `${registry.host} did not begin an upload: it answered 403 (DENIED)`,
    });
    expect(registry.count('PUT', '/manifests/')).toBe(0);
  });

  it('takes the name of an image for the place to publish it, where no other is given', async () => {
    expect(await scene.push({ image: `${to}:v1` })).toMatchObject({ tags: ['v1'], name: `${to}@${scene.digest}` });
    expect(isWhole()).toBe(true);
    expect(await scene.push({ image: `${to}:a b` })).toMatchObject({ code: 'INPUT_INVALID' });
  });

  it('tags last, when everything else is there', async () => {
    scene.write({ 'paper.txt': 'p' });
    await scene.push({ to, tags: ['v1', 'v2'], referrers: [{ path: 'paper.txt', artifactType: 'text/plain' }] });
    const puts = registry.asked.filter(({ method }) => method === 'PUT').map(({ url }) => url);
    expect(puts.slice(-2)).toEqual([`/v2/${REPOSITORY}/manifests/v1`, `/v2/${REPOSITORY}/manifests/v2`]);
    expect(puts.slice(0, -2).some((url) => /manifests\/v/.test(url))).toBe(false);
  });

  it('waits as a 429 says, and gives up where that is too long', async () => {
    const waits = ['0', '1'];
    registry.fault = (_, response) => {
      const after = waits.shift();
      if (after !== undefined) response.writeHead(429, { 'retry-after': after }).end();
      return after !== undefined;
    };
    expect(await scene.push({ to, tags: ['v1'] })).toMatchObject({ digest: scene.digest });
    waits.push('3600');
    expect(await scene.push({ to })).toMatchObject({ failed: 'rate-limit', code: 'RATE_LIMITED' });
  });

  it('tries again where the registry had a fault of its own', async () => {
    let faults = 2;
    registry.fault = ({ method }, response) => {
      if (method !== 'POST' || faults-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    expect(await scene.push({ to })).toMatchObject({ sentBlobs: 2 });
  });

  it('mounts what another repository of the registry has', async () => {
    await scene.push({ to });
    const other = await scene.push({ to: `${registry.host}/team/other`, tags: ['v1'], mountFrom: [REPOSITORY] });
    expect(other).toMatchObject({ sentBlobs: 0, knownBlobs: 2 });
    expect(registry.manifests.has('team/other@v1')).toBe(true);
  });

  it('follows an upload or a redirect to no host that the step does not declare', async () => {
    const other = await new FakeRegistry().open();
    try {
      registry.fault = ({ method }, response) => {
        if (method !== 'POST') return false;
        response.writeHead(202, { location: `http://${other.host}/v2/x/blobs/uploads/1` }).end();
        return true;
      };
      expect(await scene.push({ to })).toMatchObject({ code: 'POLICY_DENIED' });
      registry.fault = ({ url }, response) => {
        response.writeHead(307, { location: `http://${other.host}${url}` }).end();
        return true;
      };
      expect(await scene.push({ to })).toMatchObject({ code: 'POLICY_DENIED' });
      expect(await scene.push({ to }, [registry.host, other.host])).toMatchObject({ code: 'NETWORK_FAILED' });
      expect(other.asked.filter(({ method }) => method !== 'HEAD')).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('hands no credential to another origin', async () => {
    const other = await new FakeRegistry().open();
    const basic = `Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`;
    registry.login = { authorization: basic, challenge: 'Basic realm="r"' };
    registry.fault = ({ method, url }, response) => {
      if (method === 'HEAD') response.writeHead(307, { location: `http://${other.host}${url}` }).end();
      else if (method === 'POST')
        response.writeHead(202, { location: `http://${other.host}/v2/x/blobs/uploads/1` }).end();
      return method === 'HEAD' || method === 'POST';
    };
    try {
      await scene.push({ to, username: 'me', password: PASSWORD }, [registry.host, other.host]);
      expect(registry.asked.some(({ headers }) => headers.authorization === basic)).toBe(true);
      expect(other.asked.length).toBeGreaterThan(1);
      expect(other.asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
    } finally {
      await other.close();
    }
  });

  it('refuses an answer without an end', async () => {
    registry.fault = ({ method }, response) => {
      if (method !== 'POST') return false;
      response.writeHead(202);
      const more = (): boolean => response.write(Buffer.alloc(1_048_576)) && more();
      response.on('drain', more);
      return more() || true;
    };
    expect(await scene.push({ to })).toMatchObject({ code: 'OUTPUT_TOO_LARGE' });
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    registry.fault = () => {
      stop.abort();
      return true;
    };
    await expect(scene.push({ to }, [], { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('registry.push to a registry that wants to know who asks', () => {
  let registry: FakeRegistry;
  let to: string;
  const asked: { url: string; authorization: string | undefined }[] = [];
  let answer: JsonObject = {};
  const tokens = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  beforeAll(() => new Promise<void>((resolve) => tokens.listen(0, '127.0.0.1', resolve)));
  afterAll(() => new Promise((resolve) => tokens.close(resolve)));
  beforeEach(async () => {
    registry = await new FakeRegistry().open();
    to = `${registry.host}/${REPOSITORY}`;
    asked.length = 0;
    answer = { token: 'issued' };
  });
  afterEach(() => registry.close());
  const realm = (): string => `127.0.0.1:${(tokens.address() as AddressInfo).port}`;
  const bearer = (address = `http://${realm()}/token`) => ({
    authorization: 'Bearer issued',
    challenge: `Bearer realm="${address}",service="reg",scope="repository:somebody/else:pull,push"`,
  });
  const login = { username: 'me', password: PASSWORD };

  it('gets a token for its own repository alone, whatever scope the registry names', async () => {
    registry.login = bearer();
    expect(await scene.push({ to, tags: ['v1'], ...login }, [registry.host, realm()])).toMatchObject({ sentBlobs: 2 });
    const [first] = asked;
    expect(new URL(`http://x${first?.url}`).searchParams.getAll('scope')).toEqual([
      `repository:${REPOSITORY}:pull,push`,
    ]);
    expect(first?.authorization).toBe(`Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`);
    expect(registry.asked.every(({ headers }) => headers.authorization?.startsWith('Basic') !== true)).toBe(true);
  });

  it('asks no realm that the step does not declare, and none without TLS', async () => {
    registry.login = bearer();
    expect(await scene.push({ to, ...login })).toMatchObject({ code: 'POLICY_DENIED' });
    registry.login = bearer('http://auth.example.com/token');
    expect(await scene.push({ to, ...login }, [registry.host, 'auth.example.com'])).toMatchObject({
      code: 'NETWORK_FAILED',
    });
    registry.login = bearer(`http://user:pass@${realm()}/token`);
    expect(await scene.push({ to, ...login }, [registry.host, realm()])).toMatchObject({ code: 'NETWORK_FAILED' });
    expect(asked).toEqual([]);
  });

  it.each([
    ['no token', {}],
    ['a token that is no text', { token: 1 }],
    ['a token that would end the header', { token: 'a\r\nx: y' }],
  ])('refuses %s', async (_, given) => {
    registry.login = bearer();
    answer = given;
    expect(await scene.push({ to, ...login }, [registry.host, realm()])).toMatchObject({ code: 'REGISTRY_REFUSED' });
  });

  it('asks once for a token that does not help, and says that it was refused', async () => {
    registry.login = { ...bearer(), authorization: 'Bearer another' };
    const end = await scene.push({ to, ...login }, [registry.host, realm()]);
    expect(end).toMatchObject({ failed: 'step', code: 'REGISTRY_REFUSED', message: expect.stringContaining('401') });
    expect(asked.length).toBeLessThan(6);
  });

  it('sends user and password where the registry wants them, and says them to nobody', async () => {
    const basic = `Basic ${Buffer.from(`me:${PASSWORD}`).toString('base64')}`;
    registry.login = { authorization: basic, challenge: 'Basic realm="here"' };
    expect(await scene.push({ to, ...login })).toMatchObject({ sentBlobs: 2 });
    const refused = await scene.push({ to: `${registry.host}/else`, username: 'me', password: `${PASSWORD}-wrong` });
    expect(refused).toMatchObject({ code: 'REGISTRY_REFUSED' });
    expect(JSON.stringify([refused, scene.lines])).not.toContain(PASSWORD);
    expect(await scene.push({ to })).toMatchObject({ code: 'REGISTRY_REFUSED' });
  });
});
