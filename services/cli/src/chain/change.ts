import { acceptedSchema, chainKeyText, type Accepted, type ChainKey } from '@l3af/contracts';
import { Option, type Command } from 'commander';
import type { ApiRequest } from '../api/api-client';
import { count } from '../output/words';
import type { CommonOptions, Session } from '../session';
import { wholeNumber } from '../usage';
import { awaitReport, type Outcome } from './await-report';
import { chainPath } from './path';

/** The options of every command that changes a chain. */
export interface ChangeOptions extends CommonOptions {
  wait: boolean;
  timeout: number;
  ifRevision?: number;
  reason?: string;
  allowMissingInterface?: boolean;
  dryRun?: boolean;
  retry?: boolean;
}

export function withChangeOptions(command: Command): Command {
  return command
    .option('--no-wait', "do not wait for the node's report")
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for it').default(60).argParser(wholeNumber),
    )
    .addOption(
      new Option('--if-revision <n>', 'change only what still is at this revision').argParser(wholeNumber),
    )
    .option('--reason <text>', 'why, for the history')
    .option('--dry-run', 'only tell what would change; nothing is stored')
    .option('--retry', 'store a new revision although nothing changes: after the node refused it');
}

/** The option of commands that may make a chain where there is none. */
export function withTargetOptions(command: Command): Command {
  return command.option('--allow-missing-interface', 'accept an interface that the node does not have yet');
}

export interface Change {
  key: ChainKey;
  request: ApiRequest;
  /** Path parts below the chain's own. */
  below?: string[];
}

/** What a changing command prints with `-o json`. */
export interface ChangeResult extends ChainKey, Accepted {
  /** Absent with `--no-wait`. */
  outcome?: Outcome;
}

/** Sends a change; resolves when it is stored, or with `dryRun` when it is decided what would be. */
export async function sendChange(
  session: Session,
  change: Change,
  options: ChangeOptions,
): Promise<Accepted> {
  const headers = {
    ...(options.ifRevision !== undefined && { 'if-match': `"${options.ifRevision}"` }),
    ...(options.reason !== undefined && { 'x-l3af-reason': encodeURIComponent(options.reason) }),
  };
  const flags = (['allowMissingInterface', 'dryRun', 'retry'] as const).filter((name) => options[name]);
  const query = flags.length > 0 ? `?${flags.map((name) => `${name}=true`).join('&')}` : '';
  const path = chainPath(change.key, ...(change.below ?? [])) + query;
  return session.api.ask(path, acceptedSchema, { ...change.request, headers });
}

/** Sends a change and says that it is stored. */
export async function requestChange(
  session: Session,
  change: Change,
  options: ChangeOptions,
): Promise<Accepted> {
  const accepted = await sendChange(session, change, options);
  for (const warning of accepted.warnings ?? []) session.print.note(`  warning: ${warning}`);
  if (options.dryRun) return accepted;
  const state = accepted.changed
    ? `revision ${accepted.revision} stored at sequence ${accepted.sequence}`
    : `already as asked by revision ${accepted.revision}`;
  const waiting = options.wait ? `, waiting for node ${change.key.node}` : '';
  session.print.note(`${chainKeyText(change.key)}: ${state}${waiting}`);
  return accepted;
}

/** Waits (unless told not to) for what the node says of a stored change. */
export async function settleChange(
  session: Session,
  { key, accepted }: { key: ChainKey; accepted: Accepted },
  options: ChangeOptions,
): Promise<ChangeResult> {
  if (!options.wait || options.dryRun) return { ...key, ...accepted };
  // Node's timers cannot wait longer than 2^31 - 1 ms.
  const timeoutMs = Math.min(options.timeout * 1000, 2 ** 31 - 1);
  const outcome = await awaitReport(session, { key, accepted, timeoutMs });
  session.print.note(session.print.noteStyle.green(describe(key, accepted, outcome)));
  for (const warning of outcome.warnings) session.print.note(`  warning: ${warning}`);
  return { ...key, ...accepted, outcome };
}

/** The whole of a command that changes one chain. */
export async function changeChain(session: Session, change: Change, options: ChangeOptions): Promise<void> {
  const accepted = await requestChange(session, change, options);
  const result = await settleChange(session, { key: change.key, accepted }, options);
  session.print.result(result, () => changeText([result]));
}

/** What would change; of what did change the notes have said it all. */
export function changeText(results: ChangeResult[]): string {
  const lines = results.flatMap(({ dryRun, changed, change, revision, ...key }) => {
    if (!dryRun) return [];
    const becomes = changed ? `would become revision ${revision}: ${change?.summary ?? ''}` : undefined;
    return [`${chainKeyText(key)}: ${becomes ?? `already as asked by revision ${revision}`}`];
  });
  return lines.join('\n');
}

function describe(key: ChainKey, accepted: Accepted, outcome: Outcome): string {
  const skipped =
    outcome.revision > accepted.revision ? ` (revision ${accepted.revision} was superseded)` : '';
  const state = outcome.state === 'detached' ? 'detached' : 'live';
  const facts = [
    outcome.generation !== undefined && `generation ${outcome.generation}`,
    outcome.mode,
    outcome.totalMs !== undefined && `${count(Math.round(outcome.totalMs))} ms`,
  ].filter((fact) => fact !== undefined && fact !== false);
  const tail = facts.length > 0 ? `: ${facts.join(', ')}` : '';
  return `${chainKeyText(key)}: revision ${outcome.revision} is ${state}${skipped}${tail}`;
}
