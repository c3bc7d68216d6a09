import type { Command } from 'commander';
import type { Surroundings } from '../surroundings';
import { action } from '../usage';

/** `l3af log DIGEST`: the whole of what a refusal names only the last line of. */
export function addLogCommand(program: Command, surroundings: Surroundings): void {
  const log = program
    .command('log')
    .description("print a whole log, such as the verifier's, by the digest that a refusal names")
    .argument('<digest>', 'sha256:…');
  action(log, surroundings, async ({ api, print }, _options, [digest]) => {
    print.write(await api.text(`/v1/logs/${encodeURIComponent(digest!)}`));
  });
}
