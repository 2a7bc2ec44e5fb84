import { registerHooks } from 'node:module';

type WorkflowParser = typeof import('@actions/workflow-parser');

let loaded: Promise<WorkflowParser> | undefined;

/**
 * GitHub's own parser of workflow files.
 *
 * It is made for bundlers and imports its schema as JSON without the attribute that Node asks for, so this adds it for
 * the files of that package, and for none else.
 */
export function loadWorkflowParser(): Promise<WorkflowParser> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<WorkflowParser> {
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const isSchema = url.includes('/@actions/workflow-parser/') && url.endsWith('.json');
      return nextLoad(url, isSchema ? { ...context, importAttributes: { type: 'json' } } : context);
    },
  });
  try {
    return await import('@actions/workflow-parser');
  } finally {
    hooks.deregister();
  }
}
