import type { Settings } from '../settings';
import { findBeside, findVerifier, HostKernel } from './host-kernel';
import type { KeepLog, Kernel } from './kernel';
import { listMachines, MachineKernel, Turns } from './machine-kernel';

interface Wanted {
  settings: Settings;
  keepLog: KeepLog;
  log: { warn(fields: object, message: string): void };
  signal: AbortSignal;
}

/** The kernels that this builder can ask, by its settings: its own, and those that machines boot. */
export async function findKernels(wanted: Wanted): Promise<Kernel[]> {
  const { settings, keepLog } = wanted;
  const parts = { workDir: settings.workDir, keepLog };
  const host = findVerifier(settings.verify);
  const machines = await findMachines(wanted);
  const turns = new Turns();
  return [
    ...(host ? [new HostKernel(host, parts)] : []),
    ...machines.map(({ version, command }) => new MachineKernel(version, command, { ...parts, turns })),
  ];
}

async function findMachines({
  settings,
  log,
  signal,
}: Wanted): Promise<{ version: string; command: string[] }[]> {
  const asked = settings.verifyKernels;
  if (asked === 'off') return [];
  const command = settings.verifyMachine ?? findBeside('infra/vm/verify.mjs');
  const known = command ? await listMachines(command, signal) : [];
  // What is there already costs nothing; what is named is downloaded when it is first needed.
  const chosen = known.filter(({ version, ready }) => (asked === 'auto' ? ready : asked.includes(version)));
  const names = known.map(({ version }) => version);
  const unknown = asked === 'auto' ? [] : asked.filter((version) => !names.includes(version));
  if (unknown.length > 0) log.warn({ unknown, known: names }, 'no machine boots these kernels');
  return chosen.map(({ version }) => ({ version, command: command ?? [] }));
}
