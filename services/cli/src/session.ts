import { userInfo } from 'node:os';
import { findApi } from './api/address';
import { ApiClient } from './api/api-client';
import { Printer, type OutputFormat } from './output/printer';
import type { Surroundings } from './surroundings';

/** The options that every command takes. */
export interface CommonOptions {
  api?: string;
  output?: OutputFormat;
}

/** One command's run: who it asks, and where it prints. */
export interface Session {
  api: ApiClient;
  print: Printer;
  surroundings: Surroundings;
}

export function openSession(options: CommonOptions, surroundings: Surroundings): Session {
  const url = findApi(options.api, surroundings.env, surroundings.root);
  return {
    api: new ApiClient(url, actorOf(surroundings.env)),
    print: new Printer(surroundings, options.output ?? 'table'),
    surroundings,
  };
}

/** Who the audit says it was: `L3AF_ACTOR`, else the user's name. */
function actorOf(env: Record<string, string | undefined>): string {
  if (env.L3AF_ACTOR) return env.L3AF_ACTOR;
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as containers have them.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
