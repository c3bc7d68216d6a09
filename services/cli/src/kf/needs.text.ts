import type { StaticReport } from '@l3af/contracts';

/** What an object asks of a kernel: the first release that has it all and what decides that, then everything by kind. */
export function needsText({ kernel, helpers, maps, programs, features }: StaticReport): string {
  const kinds: [string, StaticReport['helpers']][] = [
    ['program types', programs],
    ['map types', maps],
    ['helpers', helpers],
    ['features', features],
  ];
  const deciding = kinds.flatMap(([, things]) => things.filter((one) => one.kernel === kernel));
  const why = deciding.length > 0 ? ` for ${namesOf(deciding)}` : '';
  const lines = kinds.flatMap(([kind, things]) => (things.length > 0 ? [`${kind} ${namesOf(things)}`] : []));
  return [`Linux ${kernel} or newer${why}`, ...lines].join('\n');
}

const namesOf = (things: StaticReport['helpers']): string => things.map(({ name }) => name).join(', ');
