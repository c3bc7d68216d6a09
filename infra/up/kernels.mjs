// The kernels on which the builder verifies packages, beside the machine's own: chosen once, remembered by the home.
import { ensureDebianPackages } from '../setup/debian.mjs';
import { canBoot, listKernels, machinePackages } from '../vm/bootable.mjs';
import { fetchKernel, matrix } from '../vm/kernels.mjs';
import { readJson, writeJson } from './home.mjs';

/** What the builder is told: `auto` (those that are there), `off`, or versions. */
export const chosenKernels = (home) => readJson(home.choices)?.verifyKernels ?? 'auto';

/** What `--verify-kernels` may say. */
export function parseKernels(text) {
  const known = matrix.map(({ version }) => version);
  if (text === 'auto' || text === 'off') return text;
  if (text === 'all') return known.join(',');
  const unknown = text.split(',').filter((version) => !known.includes(version));
  if (unknown.length === 0) return text;
  throw new Error(
    `"${unknown.join(',')}" is no kernel (--verify-kernels auto, off, all, or of ${known.join(',')})`,
  );
}

/** Remembers what was asked for, brings what is missing for it, and says what packages will be verified on. */
export function ensureKernels(home, asked, say) {
  const wanted = asked ?? process.env.L3AF_VERIFY_KERNELS;
  if (wanted !== undefined)
    writeJson(home.choices, { ...readJson(home.choices), verifyKernels: parseKernels(wanted) });
  const chosen = chosenKernels(home);
  if (chosen === 'off') return;
  if (chosen === 'auto') {
    const ready = listKernels().filter((entry) => entry.ready);
    const names = ready.map(({ version }) => version).join(', ');
    if (ready.length > 0)
      say(`packages will be verified on this kernel and, in virtual machines, on ${names}`);
    return;
  }
  if (process.arch !== 'x64') throw new Error('Cannot verify on other kernels: this is no x86-64 machine');
  if (!canBoot()) ensureDebianPackages(machinePackages, say);
  const versions = chosen.split(',');
  for (const entry of matrix.filter(({ version }) => versions.includes(version))) fetchKernel(entry, say);
  say(`packages will be verified on this kernel and, in virtual machines, on ${versions.join(', ')}`);
}
