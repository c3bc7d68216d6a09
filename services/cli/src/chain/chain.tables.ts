import { chainKeyText, type ChainHistoryEntry, type ChainState, type ChainView } from '@l3af/contracts';
import type { Printer } from '../output/printer';
import type { Style } from '../output/style';
import { count, moment, plural } from '../output/words';

type Kf = NonNullable<ChainView['desired']>['kfs'][number];
type Counters = NonNullable<ChainView['reported']>['kfs'][number];

/** A chain as people read it: its state, then a line per KF in the order of execution. */
export function chainText(chain: ChainView, print: Printer): string {
  const lines = [heading(chain, print.style)];
  const { desired, reported } = chain;
  if (reported) lines.push(...errorLines(reported, print.style));
  for (const warning of reported?.warnings ?? []) lines.push(print.style.yellow(`warning: ${warning}`));
  if (!desired) lines.push('no chain is wanted here');
  else if (desired.kfs.length === 0) lines.push('the chain is empty: every packet passes');
  else lines.push(kfTable(desired.kfs, reported?.kfs ?? [], print));
  return lines.join('\n');
}

function errorLines({ error, log, state }: NonNullable<ChainView['reported']>, style: Style): string[] {
  if (!error) return [];
  // What the node tries again is no failure yet.
  const colour = state === 'pending' ? style.yellow : style.red;
  return [
    colour(error.message),
    ...(error.hint ? [`  hint: ${error.hint}`] : []),
    ...(log ? [`  log:  l3af log ${log.digest}`] : []),
  ];
}

/** Chains one below the other, or that there are none. */
export function chainsText(chains: ChainView[], node: string, print: Printer): string {
  if (chains.length === 0) return `node ${node} has no chains`;
  return chains.map((chain) => chainText(chain, print)).join('\n\n');
}

export function stateText(state: ChainState, style: Style): string {
  if (state === 'live') return style.green(state);
  return state === 'pending' ? style.yellow(state) : style.red(state);
}

function heading(chain: ChainView, style: Style): string {
  const { desired, reported } = chain;
  const wanted = desired ? `revision ${desired.revision}` : 'deleted';
  const facts = reported ? reportedFacts(reported, desired?.revision, style) : [];
  const unreported = desired && !reported ? [stateText('pending', style)] : [];
  return `${style.bold(chainKeyText(chain))}  ${[wanted, ...unreported, ...facts].join(' · ')}`;
}

function reportedFacts(
  reported: NonNullable<ChainView['reported']>,
  wanted: number | undefined,
  style: Style,
): string[] {
  const { state, revision, mode, generation, at } = reported;
  const facts: (string | false | undefined)[] = [
    stateText(state, style),
    wanted !== undefined && revision !== wanted && `reported revision ${revision}`,
    mode,
    generation !== undefined && `generation ${generation}`,
    at !== undefined && moment(at),
  ];
  return facts.filter((fact) => typeof fact === 'string');
}

function kfTable(kfs: Kf[], counters: Counters[], print: Printer): string {
  const rows = kfs.map((kf, index) => {
    const counted = counters.find((one) => one.name === kf.name);
    return [
      String(index + 1),
      kf.name,
      `${kf.package}@${kf.version}`,
      kf.enabled ? 'yes' : 'no',
      verdictsText(counted?.verdicts),
      counted?.proceeded === undefined ? '-' : count(counted.proceeded),
    ];
  });
  return print.table(
    [
      { head: '#', align: 'right' },
      { head: 'kf' },
      { head: 'package' },
      { head: 'enabled' },
      { head: 'verdicts', flexible: true },
      { head: 'proceeded', align: 'right' },
    ],
    rows,
  );
}

function verdictsText(verdicts: Record<string, number> | undefined): string {
  if (!verdicts) return '-';
  const happened = Object.entries(verdicts).filter(([, packets]) => packets > 0);
  return happened.map(([verdict, packets]) => `${verdict} ${count(packets)}`).join(', ') || '-';
}

export function historyText(entries: ChainHistoryEntry[], print: Printer): string {
  const rows = entries.map((entry) => [
    String(entry.revision),
    moment(entry.at),
    entry.actor,
    entry.outcome,
    plural(entry.kfs.length, 'KF'),
    changeText(entry),
  ]);
  return print.table(
    [
      { head: 'revision', align: 'right' },
      { head: 'at' },
      { head: 'actor' },
      { head: 'outcome' },
      { head: 'chain' },
      { head: 'change', flexible: true },
    ],
    rows,
  );
}

function changeText({ change, error }: ChainHistoryEntry): string {
  const reason = change.reason ? ` (${change.reason})` : '';
  return `${change.summary}${reason}${error ? `\n${error.message}` : ''}`;
}
