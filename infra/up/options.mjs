// The options of up and down; an unknown one is a usage error (exit 2), not something to guess about.
import { parseArgs } from 'node:util';
import { parseKernels } from './kernels.mjs';

const known = {
  detach: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  reset: { type: 'boolean', default: false },
  'port-base': { type: 'string' },
  'verify-kernels': { type: 'string' },
};

/** Reads the options named in `allowed`; prints what is wrong and ends with 2 otherwise. */
export function parseOptions(args, allowed) {
  const options = Object.fromEntries(Object.entries(known).filter(([name]) => allowed.includes(name)));
  try {
    const { values } = parseArgs({ args, options });
    const base = values['port-base'];
    if (base !== undefined && !/^\d+$/.test(base)) throw new Error(`"${base}" is no port (--port-base N)`);
    const kernels = values['verify-kernels'];
    if (kernels !== undefined) parseKernels(kernels);
    return { ...values, portBase: base === undefined ? undefined : Number(base) };
  } catch (error) {
    console.error(`${error.message}\nThe options are: ${allowed.map((name) => `--${name}`).join(' ')}`);
    process.exit(2);
  }
}
