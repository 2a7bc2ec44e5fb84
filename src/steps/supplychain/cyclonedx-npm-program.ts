import { fileURLToPath } from 'node:url';

/**
 * Path of cyclonedx-npm. A program of its own, not a module of the worker: it asks npm for the tree of a checkout, so it runs
 * where steps run. Its package exports a page of advice alone, beside which the program lies; a bundle has it beside itself.
 */
export function cyclonedxNpmProgram(): string {
  return fileURLToPath(new URL('./bin/cyclonedx-npm-cli.js', import.meta.resolve('@cyclonedx/cyclonedx-npm')));
}
