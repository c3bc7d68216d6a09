import { chainKeyText, explanationSchema, type ChainKey, type Explanation } from '@l3af/contracts';
import { Option, type Command } from 'commander';
import { chainKeyOf, chainPath } from '../chain/path';
import type { Printer } from '../output/printer';
import { count } from '../output/words';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { action, chainArguments } from '../usage';
import { packetArgument, readPacket, type PacketSource } from './packet-source';

interface ExplainOptions extends CommonOptions {
  packet: PacketSource;
}

/** `l3af explain NODE INTERFACE HOOK --packet …`: what the live chain does to one packet, KF by KF. */
export function addExplainCommand(program: Command, surroundings: Surroundings): void {
  const explain = chainArguments(
    program
      .command('explain')
      .description('run one packet through a shadow of a live chain and tell what each KF does to it'),
  ).addOption(
    new Option(
      '--packet <source>',
      'HEX from the Ethernet header on, pcap:FILE:N, or pcap:N for a capture on stdin; N from 1',
    )
      .argParser(packetArgument)
      .makeOptionMandatory(),
  );
  action<ExplainOptions>(explain, surroundings, async ({ api, print }, options, args) => {
    const key = chainKeyOf(args);
    const packet = await readPacket(options.packet, surroundings.stdin, (text) => print.note(text));
    const body = { packet };
    const found = await api.ask(chainPath(key, 'explain'), explanationSchema, { method: 'POST', body });
    print.result(found, () => explanationText(key, found, print));
  });
}

type Step = Explanation['steps'][number];

export function explanationText(key: ChainKey, explanation: Explanation, print: Printer): string {
  const { revision, generation, steps, verdict, leftAt } = explanation;
  const head = `${print.style.bold(chainKeyText(key))}  revision ${revision} · generation ${generation}`;
  const rows = steps.map((step, index) => [
    String(index + 1),
    step.kf,
    `${step.package}@${step.version}`,
    step.verdict ?? '-',
    step.proceeded ? 'yes' : 'no',
    step.nanoseconds === undefined ? '-' : count(step.nanoseconds),
    changesText(step),
  ]);
  const table = print.table(
    [
      { head: '#', align: 'right' },
      { head: 'kf' },
      { head: 'package' },
      { head: 'verdict' },
      { head: 'goes on' },
      { head: 'ns', align: 'right' },
      { head: 'bytes changed', flexible: true },
    ],
    rows,
  );
  const notes = steps.flatMap(({ kf, notes: said }) => said.map((note) => `note: ${kf}: ${note}`));
  const where = leftAt === undefined ? 'at the end of the chain' : `from ${leftAt}`;
  const end = `verdict: ${print.style.bold(verdict)} ${where}, ${packetText(explanation)}`;
  return [head, ...(steps.length > 0 ? [table] : ['the chain is empty']), ...notes, end].join('\n');
}

const shownBytesMax = 16;

/** `@14 45→46; 60→64 bytes`: offsets count from the Ethernet header on. */
function changesText({ changes, lengthBefore, lengthAfter }: Step): string {
  const parts = changes.map(({ offset, before, after }) => `@${offset} ${hexText(before)}→${hexText(after)}`);
  if (lengthBefore !== lengthAfter) parts.push(`${lengthBefore}→${lengthAfter} bytes`);
  return parts.join('; ') || '-';
}

const hexText = (hex: string): string =>
  hex.length > shownBytesMax * 2 ? `${hex.slice(0, shownBytesMax * 2)}…` : hex;

const packetText = ({ packet }: Explanation): string => `${packet.length / 2} bytes leave the hook`;
