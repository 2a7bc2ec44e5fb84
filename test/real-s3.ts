import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';

const ACCESS_KEY = 'AKIAMAESTROTEST';
/** It must turn up in no output, no error and no object. */
export const PLANTED_SECRET = 'PLANTED-s3-secret';
const START_TRIES_MAX = 200;

/** A real S3 server with versions and object lock, over a folder of its own. */
export class RealS3 {
  readonly #program: string;
  #process: ChildProcess | undefined;
  #folder = '';
  #buckets = 0;
  /** `127.0.0.1:PORT` */
  address = '';

  constructor(program: string) {
    this.#program = program;
  }

  async open(): Promise<this> {
    this.#folder = await mkdtemp(join(tmpdir(), 'maestro-s3-'));
    const [objects = '', versions = ''] = ['objects', 'versions'].map((name) => join(this.#folder, name));
    await Promise.all([mkdir(objects), mkdir(versions)]);
    const port = await freePort();
    this.address = `127.0.0.1:${port}`;
    const words = ['--quiet', '--keep-alive', '--port', this.address, 'posix', '--versioning-dir', versions, objects];
    this.#process = spawn(this.#program, words, {
      stdio: 'ignore',
      env: { ROOT_ACCESS_KEY_ID: ACCESS_KEY, ROOT_SECRET_ACCESS_KEY: PLANTED_SECRET },
    });
    await this.#answers(port);
    return this;
  }

  get url(): string {
    return `http://${this.address}`;
  }

  /** The variables by which the AWS tools find their way to it. */
  get environment(): Readonly<Record<string, string>> {
    return {
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: PLANTED_SECRET,
      AWS_REGION: 'us-east-1',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  /** Its owner, who asks it what the code under test does not. */
  get owner(): S3Client {
    return new S3Client({
      endpoint: this.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: PLANTED_SECRET },
    });
  }

  /** A new bucket; answers its name. */
  async makeBucket(isLocked = true): Promise<string> {
    const bucket = `bucket-${++this.#buckets}`;
    await this.owner.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: isLocked }));
    return bucket;
  }

  /** Lets anybody read the objects of a bucket, without credentials. */
  async publish(bucket: string): Promise<void> {
    const allow = { Effect: 'Allow', Principal: '*', Action: ['s3:GetObject'], Resource: `arn:aws:s3:::${bucket}/*` };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [allow] });
    await this.owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  }

  /** Every version of every object. */
  async versions(bucket: string): Promise<NonNullable<ListObjectVersionsCommandOutput['Versions']>> {
    const versions = [];
    let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
    for (;;) {
      const page = await this.owner.send(new ListObjectVersionsCommand({ Bucket: bucket, ...marker }));
      versions.push(...(page.Versions ?? []));
      if (page.IsTruncated !== true) return versions;
      marker = {
        ...(page.NextKeyMarker && { KeyMarker: page.NextKeyMarker }),
        ...(page.NextVersionIdMarker && { VersionIdMarker: page.NextVersionIdMarker }),
      };
    }
  }

  async close(): Promise<void> {
    if (this.#process?.exitCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** It says nothing that could be waited for. */
  async #answers(port: number): Promise<void> {
    for (let tries = 1; tries <= START_TRIES_MAX; tries++) {
      if (this.#process?.exitCode !== null) break;
      const socket = connect(port, '127.0.0.1');
      const isThere = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (isThere) return;
      await pause(50);
    }
    throw new Error('the S3 server did not start: its folder needs extended attributes');
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
