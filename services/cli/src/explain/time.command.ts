import { chainKeyText, type Timing, timingSchema } from '@l3af/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { chainKeyOf, chainPath } from '../chain/path';
import type { Printer } from '../output/printer';
import { count } from '../output/words';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { action, chainArguments } from '../usage';

interface TimeOptions extends CommonOptions {
  seconds: number;
}

const secondsMax = 60;

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= secondsMax) return seconds;
  throw new InvalidArgumentError(`must be 0.1 to ${secondsMax}.`);
}

/** `l3af time NODE INTERFACE HOOK`: what each KF of a live chain costs on live packets. */
export function addTimeCommand(program: Command, surroundings: Surroundings): void {
  const time = chainArguments(
    program.command('time').description('measure each KF of a live chain on its packets for some seconds'),
  ).addOption(new Option('--seconds <n>', 'how long').argParser(parseSeconds).default(5));
  action<TimeOptions>(time, surroundings, async ({ api, print }, { seconds }, args) => {
    const key = chainKeyOf(args);
    const timing = await api.ask(chainPath(key, 'time'), timingSchema, { method: 'POST', body: { seconds } });
    print.result(
      timing,
      () =>
        `${print.style.bold(chainKeyText(key))}  revision ${timing.revision} · ${seconds} s\n${timingTable(timing, print)}`,
    );
  });
}

function timingTable({ kfs }: Timing, print: Printer): string {
  return print.table(
    [
      { head: '#', align: 'right' },
      { head: 'kf' },
      { head: 'ns per packet', align: 'right' },
      { head: 'packets', align: 'right' },
    ],
    kfs.map(({ name, nanoseconds, packets }, index) => [
      String(index + 1),
      name,
      nanoseconds === null ? '-' : count(Math.round(nanoseconds)),
      count(packets),
    ]),
  );
}
