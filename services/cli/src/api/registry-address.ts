import { readFile } from 'node:fs/promises';
import { L3afError, statusViewSchema } from '@l3af/contracts';
import { RegistryClient, type Credentials } from '@l3af/oci';
import { z } from 'zod';
import type { CommonOptions, Session } from '../session';
import { checkedUrl, localEndpoints } from './address';
import { problemOf } from './problem';

export interface RegistryOptions extends CommonOptions {
  registry?: string;
  /** A file with `user:password` for it. */
  credentials?: string;
}

/**
 * Finds the registry: the option, else `L3AF_REGISTRY_URL`, else what runs here, else what the API says. What runs
 * here is not asked when another API was named: its registry is another, too.
 */
export async function findRegistry(session: Session, options: RegistryOptions): Promise<Registry> {
  const { env, root } = session.surroundings;
  if (options.registry !== undefined) {
    const credentials = await credentialsOf(options.credentials);
    return new Registry(checkedUrl(options.registry, '--registry'), credentials);
  }
  if (env.L3AF_REGISTRY_URL) return new Registry(checkedUrl(env.L3AF_REGISTRY_URL, 'L3AF_REGISTRY_URL'));
  const isLocal = options.api === undefined && !env.L3AF_API;
  const local = isLocal ? localEndpoints(env, root)?.registry : undefined;
  const url = local ?? (await session.api.ask('/v1/status', statusViewSchema)).registry?.url;
  if (url !== undefined) return new Registry(checkedUrl(url, session.api.url));
  throw new L3afError('invalid-environment', 'Cannot find the registry: the API does not say where it is', {
    hint: 'Name it with --registry URL or L3AF_REGISTRY_URL',
  });
}

async function credentialsOf(file: string | undefined): Promise<Credentials | undefined> {
  if (file === undefined) return undefined;
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new L3afError('invalid-request', `Cannot read credentials "${file}": ${cause.message}`);
  });
  const [username = '', ...password] = text.trim().split(':');
  if (password.length > 0) return { username, password: password.join(':') };
  throw new L3afError('invalid-request', `Cannot read credentials "${file}": it holds no user:password`);
}

const importedSchema = z.object({
  imported: z.array(z.object({ name: z.string(), digest: z.string(), tag: z.string().optional() })),
});
export type Imported = z.infer<typeof importedSchema>['imported'];

/** What is to be taken over: see the registry's own description of `POST /l3af/v1/packages/mirror`. */
export interface MirrorRequest {
  from: string;
  name: string;
  reference: string;
  as?: string;
  version?: string;
  credentials?: string;
  insecure?: boolean;
}

const mirroredSchema = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  tags: z.array(z.string()),
  manifests: z.number(),
  blobs: z.number(),
});
export type Mirrored = z.infer<typeof mirroredSchema>;

/** The artifact registry as a user's machine sees it. */
export class Registry {
  /** Its distribution API; any OCI registry has it. */
  readonly client: RegistryClient;

  constructor(
    readonly url: string,
    credentials?: Credentials,
  ) {
    this.client = new RegistryClient(url, { ...(credentials && { credentials }) });
  }

  /**
   * A version with everything attached, as the tar archive of an OCI layout; undefined when this registry is
   * somebody else's, which knows images but no packages.
   */
  async export(name: string, version: string): Promise<ReadableStream<Uint8Array> | undefined> {
    const query = new URLSearchParams({ name, version });
    const path = `${exportPath}?${query.toString()}`;
    const response = await this.ask(path, {});
    if (!answersAsOurs(response)) {
      await response.body?.cancel();
      return undefined;
    }
    return (await checked(response, `GET ${path}`)).body ?? new ReadableStream<Uint8Array>();
  }

  /** False for somebody else's registry, which knows images but no packages. */
  async isOurs(): Promise<boolean> {
    const response = await this.ask(exportPath, {});
    await response.body?.cancel();
    return answersAsOurs(response);
  }

  /** Has the registry take a version over from another one, with everything attached. */
  async mirror(request: MirrorRequest): Promise<Mirrored> {
    const response = await this.send('/l3af/v1/packages/mirror', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    return mirroredSchema.parse(await response.json());
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
    return checked(await this.ask(path, request), `${request.method ?? 'GET'} ${path}`);
  }

  private async ask(path: string, request: RequestInit): Promise<Response> {
    try {
      return await fetch(this.url + path, request);
    } catch (cause) {
      const message = `Cannot reach the registry "${this.url}": no answer`;
      throw new L3afError('registry-unavailable', message, { cause });
    }
  }
}

const exportPath = '/l3af/v1/packages/export';

const answersAsOurs = ({ headers }: Response): boolean =>
  /^application\/(problem\+json|x-tar)/.test(headers.get('content-type') ?? '');

async function checked(response: Response, asked: string): Promise<Response> {
  if (response.ok) return response;
  throw problemOf(asked.split('?')[0]!, response.status, await response.text().catch(() => ''));
}
