import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import { authenticate } from './authenticate.ts';
import type { Asset, Release } from './model.ts';
import type { World } from './world.ts';

const DOWNLOAD = /^\/([^/]+)\/([^/]+)\/releases\/download\/([^/]+)\/([^/]+)$/;

/** `/OWNER/NAME/releases/download/TAG/ASSET`, where a release's page links to. True if the path was one of these. */
export async function serveDownload(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  const words = DOWNLOAD.exec(path)?.slice(1).map(decodeURIComponent);
  if (words === undefined || request.method !== 'GET') return false;
  const asset = await readable(world, request, words);
  if (asset === null) response.writeHead(404).end('Not Found');
  else response.writeHead(200, headersOf(asset)).end(asset.content);
  return true;
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
