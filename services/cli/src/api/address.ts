import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { L3afError, cannot } from '@l3af/contracts';
import { z } from 'zod';

export const defaultApi = 'http://127.0.0.1:8400';

const endpointsSchema = z.object({ api: z.string(), registry: z.string().optional() });
export type Endpoints = z.infer<typeof endpointsSchema>;

/** Finds the API: the option, else `L3AF_API`, else `endpoints.json` in `L3AF_HOME` (default `.l3af/` in the clone), else the default port. */
export function findApi(
  option: string | undefined,
  env: Record<string, string | undefined>,
  root: string,
): string {
  if (option !== undefined) return checkedUrl(option, '--api');
  if (env.L3AF_API) return checkedUrl(env.L3AF_API, 'L3AF_API');
  const local = localEndpoints(env, root);
  return local ? checkedUrl(local.api, endpointsPath(env, root)) : defaultApi;
}

/** The addresses of what `npm run up` started here; undefined when it never did. */
export function localEndpoints(env: Record<string, string | undefined>, root: string): Endpoints | undefined {
  const path = endpointsPath(env, root);
  const text = readIfThere(path);
  return text === undefined ? undefined : endpointsIn(text, path);
}

const endpointsPath = (env: Record<string, string | undefined>, root: string): string =>
  join(homeOf(env, root), 'endpoints.json');

/** Where what runs here keeps its data. */
export const homeOf = (env: Record<string, string | undefined>, root: string): string =>
  env.L3AF_HOME || join(root, '.l3af');

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new L3afError('invalid-environment', cannot('read', 'file', path, 'it is not readable'), {
      cause: error,
      hint: 'Name the API with --api URL or L3AF_API',
    });
  }
}

function endpointsIn(text: string, path: string): Endpoints {
  try {
    return endpointsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new L3afError('invalid-environment', cannot('read', 'file', path, 'it names no API'), {
      cause: error instanceof z.ZodError ? new Error(z.prettifyError(error)) : error,
      hint: '`npm run up` writes it; or name the API with --api URL or L3AF_API',
    });
  }
}

/** The address without a slash at its end; `from`: who named it. */
export function checkedUrl(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return text.replace(/\/+$/, '');
  throw new L3afError(
    'invalid-environment',
    cannot('use', 'address', text, 'not a URL, needs http://HOST:PORT'),
    {
      hint: `It comes from ${from}`,
    },
  );
}
