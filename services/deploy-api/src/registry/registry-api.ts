import {
  cannot,
  fromWireError,
  L3afError,
  toWireError,
  wireErrorSchema,
  type WireError,
} from '@l3af/contracts';
import { RegistryClient } from '@l3af/oci';
import { z } from 'zod';

const statusTimeoutMs = 2_000;
const yankReplySchema = z.object({ sequence: z.number().int() });

export interface YankRequest {
  name: string;
  version: string;
  reason: string;
  actor: string;
}

/** The artifact registry: what it does with packages beyond the distribution API, and whether it answers. */
export class RegistryApi {
  /** Its distribution API. */
  readonly client: RegistryClient;

  constructor(
    readonly url: string,
    private readonly timeoutMs: number,
  ) {
    this.client = new RegistryClient(url, { timeoutMs });
  }

  async status(): Promise<{ url: string; problem?: WireError }> {
    try {
      const response = await this.send('/v2/', { signal: AbortSignal.timeout(statusTimeoutMs) });
      await response.body?.cancel();
      return { url: this.url };
    } catch (error) {
      return { url: this.url, problem: toWireError(error) };
    }
  }

  /** New deployments of the version are refused from now on. Refusals of the registry arrive as they are. */
  async yank({ actor, ...body }: YankRequest): Promise<{ sequence: number }> {
    const response = await this.send('/l3af/v1/packages/yank', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-l3af-actor': headerText(actor) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(this.timeoutMs),
    });
    return yankReplySchema.parse(await response.json());
  }

  private async send(path: string, request: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.url), request);
    } catch (cause) {
      throw new L3afError('registry-unavailable', cannot('reach', 'registry', this.url, 'no answer'), {
        cause,
      });
    }
    if (response.ok) return response;
    throw refusalIn(await response.text().catch(() => ''), path, response.status);
  }
}

/** Header values are ASCII; names of people are not. */
const headerText = (text: string): string => (/^[\x20-\x7e]*$/.test(text) ? text : encodeURIComponent(text));

function refusalIn(text: string, path: string, status: number): L3afError {
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = undefined; // a proxy's page, say: the status has to do
  }
  const wire = wireErrorSchema.safeParse(problem);
  if (wire.success) return fromWireError(wire.data);
  return new L3afError('registry-unavailable', cannot('use', 'registry path', path, `it answered ${status}`));
}
