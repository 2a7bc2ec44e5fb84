import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';

type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };
type Content = Readonly<Record<string, { readonly schema: object }>>;
interface Operation {
  readonly responses: Readonly<Record<string, { readonly content: Content }>>;
}

/** A `fetch` that holds each answer of the server to what its own document promises. */
export function heldToDocument(document: Document): typeof fetch {
  const ajv = new Ajv2020({ strict: false });
  const routes = Object.entries(document.paths).map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+?')}$`),
    methods,
  }));
  return async (input, init = {}) => {
    const answer = await fetch(input, init);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const route = routes.find(({ pattern }) => pattern.test(pathname));
    const content = contentOf(route?.methods[`${init.method}`.toLowerCase()], answer.ok);
    const type = `${answer.headers.get('content-type')}`;
    expect(Object.keys(content)).toContain(type);
    if (type === 'application/json') {
      const isValid = ajv.compile(content[type]?.schema ?? false);
      isValid(await answer.clone().json());
      expect([pathname, isValid.errors]).toEqual([pathname, null]);
    }
    return answer;
  };
}

function contentOf(operation: Operation | undefined, isOk: boolean): Content {
  if (!operation) throw new Error('the document does not have this route');
  return operation.responses[isOk ? '200' : 'default']?.content ?? {};
}
