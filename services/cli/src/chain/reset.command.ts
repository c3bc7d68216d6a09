import { chainKeyText, type ChainKey, countersResetReplySchema, type CountersReset } from '@l3af/contracts';
import type { Command } from 'commander';
import type { Printer } from '../output/printer';
import { count } from '../output/words';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { action, chainArguments } from '../usage';
import { chainKeyOf, chainPath } from './path';

interface ResetOptions extends CommonOptions {
  kf?: string;
  reason?: string;
}

/** `l3af chain reset-counters NODE INTERFACE HOOK`: counting begins at zero, without a reload. */
export function addResetCommand(chain: Command, surroundings: Surroundings): void {
  const reset = chainArguments(
    chain
      .command('reset-counters')
      .description('let the packet counters of a live chain begin at zero; prints what they were'),
  )
    .option('--kf <instance>', 'only those of this KF')
    .option('--reason <text>', 'why, for the history');
  action<ResetOptions>(reset, surroundings, async ({ api, print }, { kf, reason }, args) => {
    const key = chainKeyOf(args);
    const before = await api.ask(chainPath(key, 'counters', 'reset'), countersResetReplySchema, {
      method: 'POST',
      body: { kf },
      ...(reason !== undefined && { headers: { 'x-l3af-reason': encodeURIComponent(reason) } }),
    });
    print.result(before, () => resetText(key, before, print));
  });
}

function resetText(key: ChainKey, { revision, generation, kfs }: CountersReset, print: Printer): string {
  const head = `${print.style.bold(chainKeyText(key))}  revision ${revision} · generation ${generation} · counted until now:`;
  const verdictsText = (verdicts: Record<string, number>): string =>
    Object.entries(verdicts)
      .map(([verdict, packets]) => `${verdict} ${count(packets)}`)
      .join(', ') || '-';
  const table = print.table(
    [{ head: 'kf' }, { head: 'went on', align: 'right' }, { head: 'ended here', flexible: true }],
    kfs.map(({ name, proceeded, verdicts }) => [name, count(proceeded), verdictsText(verdicts)]),
  );
  return `${head}\n${table}`;
}
