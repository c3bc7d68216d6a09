import { L3afError, statusViewSchema } from '@l3af/contracts';
import { RegistryClient } from '@l3af/oci';
import { z } from 'zod';
import type { CommonOptions, Session } from '../session';
import { checkedUrl, localEndpoints } from './address';
import { problemOf } from './problem';

export interface RegistryOptions extends CommonOptions {
  registry?: string;
}

/**
 * Finds the registry: the option, else `L3AF_REGISTRY_URL`, else what runs here, else what the API says. What runs
 * here is not asked when another API was named: its registry is another, too.
 */
export async function findRegistry(session: Session, options: RegistryOptions): Promise<Registry> {
  const { env, root } = session.surroundings;
  if (options.registry !== undefined) return new Registry(checkedUrl(options.registry, '--registry'));
  if (env.L3AF_REGISTRY_URL) return new Registry(checkedUrl(env.L3AF_REGISTRY_URL, 'L3AF_REGISTRY_URL'));
  const isLocal = options.api === undefined && !env.L3AF_API;
  const local = isLocal ? localEndpoints(env, root)?.registry : undefined;
  const url = local ?? (await session.api.ask('/v1/status', statusViewSchema)).registry?.url;
  if (url !== undefined) return new Registry(checkedUrl(url, session.api.url));
  throw new L3afError('invalid-environment', 'Cannot find the registry: the API does not say where it is', {
    hint: 'Name it with --registry URL or L3AF_REGISTRY_URL',
  });
}

const importedSchema = z.object({
  imported: z.array(z.object({ name: z.string(), digest: z.string(), tag: z.string().optional() })),
});
export type Imported = z.infer<typeof importedSchema>['imported'];

/** The artifact registry as a user's machine sees it. */
export class Registry {
  /** Its distribution API; any OCI registry has it. */
  readonly client: RegistryClient;

  constructor(readonly url: string) {
    this.client = new RegistryClient(url);
  }

  /** A version with everything attached, as the tar archive of an OCI layout. */
  async export(name: string, version: string): Promise<ReadableStream<Uint8Array>> {
    const query = new URLSearchParams({ name, version });
    const response = await this.send(`/l3af/v1/packages/export?${query.toString()}`, {});
    return response.body ?? new ReadableStream<Uint8Array>();
  }

  /** Takes such an archive; with a name, under that name. */
  async import(archive: AsyncIterable<Uint8Array>, name: string | undefined): Promise<Imported> {
    const query = name === undefined ? '' : `?${new URLSearchParams({ name }).toString()}`;
    const response = await this.send(`/l3af/v1/packages/import${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-tar' },
      body: ReadableStream.from(archive),
      duplex: 'half',
    });
    return importedSchema.parse(await response.json()).imported;
  }

  private async send(path: string, request: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.url + path, request);
    } catch (cause) {
      const message = `Cannot reach the registry "${this.url}": no answer`;
      throw new L3afError('registry-unavailable', message, { cause });
    }
    if (response.ok) return response;
    const asked = `${request.method ?? 'GET'} ${path.split('?')[0]!}`;
    throw problemOf(asked, response.status, await response.text().catch(() => ''));
  }
}
