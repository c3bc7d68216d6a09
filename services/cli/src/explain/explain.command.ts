import {
  chainKeyText,
  explainSecondsMax,
  explanationSchema,
  type ChainKey,
  type Explanation,
} from '@l3af/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { chainKeyOf, chainPath } from '../chain/path';
import type { Printer } from '../output/printer';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { action, chainArguments, UsageError } from '../usage';
import { endText, stepsText } from './explanation.text';
import { explainLive, type LiveOptions } from './live';
import { packetArgument, readPacket, type PacketSource } from './packet-source';

interface ExplainOptions extends CommonOptions, LiveOptions {
  packet?: PacketSource;
  live?: boolean;
}

const countMax = 1000;

/** `l3af explain NODE INTERFACE HOOK --packet …` or `--live`: what the live chain does to packets, KF by KF. */
export function addExplainCommand(program: Command, surroundings: Surroundings): void {
  const explain = chainArguments(
    program
      .command('explain')
      .description('tell what each KF of a live chain does to a packet, or to packets that come by'),
  )
    .addOption(
      new Option(
        '--packet <source>',
        'run this one through a shadow: HEX from the Ethernet header on, pcap:FILE:N, or pcap:N for a capture on stdin; N from 1',
      )
        .argParser(packetArgument)
        .conflicts(['live', 'match', 'count', 'timeout']),
    )
    .option('--live', 'trace packets on the live chain as they come')
    .option('--match <expression>', 'only these, as in "tcp and dst port 443 and not src 10.0.0.0/8"')
    .addOption(new Option('--count <n>', 'how many; default: 10').argParser(countArgument))
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for them; default: 30').argParser(timeoutArgument),
    );
  action<ExplainOptions>(explain, surroundings, async (session, options, args) => {
    const key = chainKeyOf(args);
    if (options.live) return explainLive(session, key, options);
    if (options.packet === undefined) throw new UsageError('needs --packet or --live');
    const { api, print } = session;
    const packet = await readPacket(options.packet, surroundings.stdin, (text) => print.note(text));
    const body = { packet };
    const found = await api.ask(chainPath(key, 'explain'), explanationSchema, { method: 'POST', body });
    print.result(found, () => explanationText(key, found, print));
  });
}

function countArgument(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= countMax) return count;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${countMax}.`);
}

function timeoutArgument(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= explainSecondsMax) return seconds;
  throw new InvalidArgumentError(`It must be 0.1 to ${explainSecondsMax}.`);
}

export function explanationText(key: ChainKey, explanation: Explanation, print: Printer): string {
  const { revision, generation, steps, packet } = explanation;
  const head = `${print.style.bold(chainKeyText(key))}  revision ${revision} · generation ${generation}`;
  return [head, ...stepsText(steps, print), endText(explanation, packet.length / 2, print)].join('\n');
}
