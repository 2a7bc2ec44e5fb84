import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import { authenticate } from './authenticate.ts';
import type { Asset, Release } from './model.ts';
import type { World } from './world.ts';

const DOWNLOAD = /^\/([^/]+)\/([^/]+)\/releases\/download\/([^/]+)\/([^/]+)$/;

const OBJECT = /^\/_services\/objects\/(\d+)\/([0-9a-f-]{36})$/;

/** Where a download is led to: another host at GitHub, which asks for no credentials. */
export function objectUrl(world: World, { id, key }: Asset): string {
  return `${world.origin}/_services/objects/${id}/${key}`;
}

/**
 * `/OWNER/NAME/releases/download/TAG/ASSET`, where a release's page links to, and where that leads. True if the path was one of
 * these.
 */
export async function serveDownload(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  const [, id, key] = OBJECT.exec(path) ?? [];
  if (id !== undefined) {
    const asset = objectOf(world, Number(id), key ?? '');
    if (asset === undefined) response.writeHead(404).end('Not Found');
    else response.writeHead(200, headersOf(asset)).end(asset.content);
    return true;
  }
  const words = DOWNLOAD.exec(path)?.slice(1).map(decodeURIComponent);
  if (words === undefined || request.method !== 'GET') return false;
  const asset = await readable(world, request, words);
  if (asset === null) response.writeHead(404).end('Not Found');
  else response.writeHead(302, { location: objectUrl(world, asset) }).end();
  return true;
}

function objectOf(world: World, id: number, key: string): Asset | undefined {
  const releases = [...world.repositories.values()].flatMap((repository) => [...repository.releases.values()]);
  return releases.flatMap(({ assets }) => assets).find((asset) => asset.id === id && asset.key === key);
}

async function readable(
  world: World,
  request: IncomingMessage,
  [owner = '', name = '', tag = '', file = '']: readonly string[],
): Promise<Asset | null> {
  try {
    const repository = world.repository(owner, name);
    if (!world.canRead(await authenticate(world, request.headers), repository)) return null;
    const isPublished = (release: Release): boolean => release.tag === tag && !release.isDraft;
    const assets = [...repository.releases.values()].find(isPublished)?.assets ?? [];
    return assets.find((asset) => asset.name === file && asset.state === 'uploaded') ?? null;
  } catch (error) {
    if (error instanceof ApiError) return null;
    throw error;
  }
}

/** What somebody uploaded is never shown as a page of the sandbox. */
function headersOf({ name, content }: Asset): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/octet-stream',
    'content-length': String(content.length),
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
    'x-content-type-options': 'nosniff',
  };
}
