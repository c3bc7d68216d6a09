import { readFileSync, writeSync } from 'node:fs';
import { serveForks } from './crash-fork';

/** Lives on, so that the heap grows with every line. */
const kept: number[][] = [];
const blockNumbers = 1000;

/** Mappings of V8's heap (they have no name) that a fork would not have. */
function leftOut(): number {
  const mappings = readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings.filter((text) => / 0 *\n/.test(text) && /^VmFlags:.* dc( |$)/m.test(text)).length;
}

/** Makes so many arrays, says how much memory a fork would lack, and adds up all that was ever made. */
function grow(blocks: number): string {
  for (let made = 0; made < blocks; made++) kept.push(Array.from({ length: blockNumbers }, () => made / 7));
  const numbers = kept.reduce((sum, block) => sum + block.filter((value) => value >= 0).length, 0);
  return `${leftOut()} left out, ${numbers / blockNumbers} blocks`;
}

if (process.env['L3AF_FORK_CHILD'] === '1')
  void serveForks((line) => Promise.resolve(void writeSync(1, grow(Number(line)))));
