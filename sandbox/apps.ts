import { generateKeyPairSync } from 'node:crypto';
import type { App, Permissions } from './model.ts';
import type { World } from './world.ts';

export interface NewApp {
  readonly name: string;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  readonly webhookUrl: string;
  readonly webhookSecret: string;
}

export function registerApp(world: World, wanted: NewApp): { appId: number; privateKey: string; slug: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const slug = wanted.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const app: App = {
    ...wanted,
    permissions: { metadata: 'read', ...wanted.permissions },
    id: world.nextId(),
    slug,
    publicKey,
    bot: world.addAccount(`${slug}[bot]`, 'Bot'),
    createdAt: world.now(),
  };
  world.apps.set(app.id, app);
  return { appId: app.id, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), slug };
}

/** GitHub's own app: jobs act in its name and their check runs are its own. */
export function actionsApp(world: World): App {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    id: 15_368,
    slug: 'github-actions',
    name: 'GitHub Actions',
    permissions: {},
    events: [],
    webhookUrl: '',
    webhookSecret: '',
    publicKey,
    bot: world.addAccount('github-actions[bot]', 'Bot'),
    createdAt: world.now(),
  };
}
