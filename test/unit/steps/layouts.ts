import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';

export interface LayerFile {
  readonly header: Header;
  readonly text: string;
}

/** Reads an OCI layout the plain way, without the code under test. */
export class Layout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get index(): { manifests: { digest: string; annotations?: Record<string, string>; mediaType: string }[] } {
    return JSON.parse(readFileSync(join(this.root, 'index.json'), 'utf8'));
  }

  blob(digest: string): Buffer {
    return readFileSync(join(this.root, 'blobs', ...digest.split(':')));
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- a document as it is written
  json(digest: string): any {
    return JSON.parse(this.blob(digest).toString());
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- a document as it is written
  get manifest(): any {
    return this.json(this.index.manifests[0]!.digest);
  }

  /** All entries of all layers, in their order. */
  async entries(): Promise<readonly LayerFile[]> {
    const found: LayerFile[] = [];
    for (const { digest } of this.manifest.layers) {
      const reader = extract();
      Readable.from([gunzipSync(this.blob(digest))]).pipe(reader);
      for await (const entry of reader as AsyncIterable<AsyncIterable<Buffer> & { header: Header }>) {
        const parts: Buffer[] = [];
        for await (const part of entry) parts.push(Buffer.from(part));
        found.push({ header: entry.header, text: Buffer.concat(parts).toString() });
      }
    }
    return found;
  }
}
