import type { StepCatalog, StepCatalogEntry } from '../pipeline/catalog.ts';
import { STEP_HEADS } from './step-heads.ts';

/** Names that pipelines may use already; a worker of this version refuses them, and the linter says so. */
const ANNOUNCED: readonly (readonly [name: string, isIdempotent: boolean, description: string])[] = [
  ['llm.plan', true, 'Asks a language model for a plan.'],
  ['llm.generate', true, 'Lets a language model write text or code.'],
  ['web.scrape', true, 'Reads web pages within their rules.'],
  ['api.call', false, 'Calls an operation of a described API.'],
  ['cd.rollout', false, 'Brings a version to an environment.'],
  ['cd.rollback', false, 'Brings back the version before.'],
  ['db.read', true, 'Reads rows of a database.'],
  ['db.write', false, 'Writes rows of a database.'],
  ['s3.get', true, 'Reads an object of a bucket.'],
  ['s3.put', true, 'Writes an object into a bucket.'],
  ['kafka.publish', false, 'Sends messages to a Kafka topic.'],
  ['kafka.consume', false, 'Reads messages of a Kafka topic.'],
  ['nats.publish', false, 'Sends messages to a NATS subject.'],
  ['nats.request', false, 'Asks over NATS.'],
  ['grpc.call', false, 'Calls a gRPC method.'],
  ['intelgraph.query', true, 'Asks the knowledge graph.'],
  ['intelgraph.upsert', true, 'Adds to the knowledge graph.'],
];

/** All names that `uses` may give without being a path or a package. */
export const STEP_CATALOG: StepCatalog = catalogOf();

/** The catalog of the built-in steps, and of those that are announced. */
function catalogOf(): StepCatalog {
  const catalog = new Map<string, StepCatalogEntry>();
  for (const [name, isIdempotent, description] of ANNOUNCED)
    catalog.set(name, { kind: 'work', isAvailable: false, isIdempotent, description });
  for (const step of STEP_HEADS) {
    // Named by a path or a package, never by `task`.
    if (step.name === 'task') continue;
    catalog.set(step.name, {
      kind: step.kind,
      isAvailable: true,
      isIdempotent: step.isIdempotent,
      description: step.description,
      inputSchema: step.input,
      ...(step.keeps ? { keeps: step.keeps } : {}),
    });
  }
  return catalog;
}
