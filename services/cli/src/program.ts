import { Command } from 'commander';
import { addApplyCommand } from './chain/apply.command';
import { addChainCommands } from './chain/chain.commands';
import { addMapCommands } from './chain/map.commands';
import { addExplainCommand } from './explain/explain.command';
import { addTimeCommand } from './explain/time.command';
import { addEventsCommand } from './node/events.command';
import { addNodesCommand } from './node/nodes.command';
import { addStatusCommand } from './node/status.command';
import { addLogCommand } from './kf/log.command';
import { addKfCommands } from './kf/kf.commands';
import { addPolicyCommands } from './policy/policy.commands';
import type { Surroundings } from './surroundings';
import { addTrustCommands } from './trust/trust.commands';
import { withCommonOptions } from './usage';

const version = '0.1.0';

/** The whole command tree. Options common to all may stand before or after the command. */
export function createProgram(surroundings: Surroundings): Command {
  const program = new Command('l3af')
    .description(
      'Kernel functions (eBPF programs) as a service: build, publish, deploy, observe, account for.',
    )
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for usage)');
  withCommonOptions(program);
  prepare(program, surroundings);
  addKfCommands(group(program, 'kf', 'build, publish and look at kernel functions'), surroundings);
  addApplyCommand(program, surroundings);
  addChainCommands(group(program, 'chain', 'look at chains and change them'), surroundings);
  addMapCommands(group(program, 'map', "look into a running KF's maps"), surroundings);
  addExplainCommand(program, surroundings);
  addTimeCommand(program, surroundings);
  addNodesCommand(program, surroundings);
  addTrustCommands(group(program, 'trust', 'whose signatures groups of nodes trust'), surroundings);
  addPolicyCommands(group(program, 'policy', 'what groups of nodes do by themselves'), surroundings);
  addEventsCommand(program, surroundings);
  addStatusCommand(program, surroundings);
  addLogCommand(program, surroundings);
  program.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.',
  );
  return program;
}

function group(program: Command, name: string, description: string): Command {
  return withCommonOptions(program.command(name).description(description));
}

/** Must come before the commands are added: they take these settings over when they are made. */
function prepare(program: Command, { stdout, stderr }: Surroundings): void {
  program.exitOverride().configureOutput({
    writeOut: (text) => void stdout.write(text),
    writeErr: (text) => void stderr.write(text),
    getOutHelpWidth: () => 100,
    getErrHelpWidth: () => 100,
    getOutHasColors: () => false,
    getErrHasColors: () => false,
  });
}
