import { nodeNameSchema, policyChangedSchema, type PolicyChanged } from '@l3af/contracts';
import { Option, type Command } from 'commander';
import { changeWhole, hintWhenNone, type Whole } from '../api/set-whole';
import { checkedBy } from '../kf/build.command';
import type { Printer } from '../output/printer';
import type { CommonOptions } from '../session';
import type { Surroundings } from '../surroundings';
import { UsageError, action, wholeNumber } from '../usage';

type Policy = PolicyChanged['data'];

interface PolicyOptions extends CommonOptions {
  group: string;
  onDrift?: Policy['onDrift'];
  onRevokedKey?: Policy['onRevokedKey'];
  probation?: number;
  onUnverified?: Policy['onUnverified'];
}

/** The group that a command is about. */
export const groupOption = (): Option =>
  new Option('--group <group>', "the group of nodes; default is every node's")
    .default('default')
    .argParser(checkedBy(nodeNameSchema));

/** `l3af policy show` and `set`. */
export function addPolicyCommands(policy: Command, surroundings: Surroundings): void {
  const show = policy
    .command('show')
    .description('what nodes of a group do by themselves')
    .addOption(groupOption());
  action<PolicyOptions>(show, surroundings, async ({ api, print }, { group }) => {
    const found = await api
      .ask(pathOf(group), policyChangedSchema.shape.data)
      .catch(hintWhenNone(`\`l3af policy set --group ${group}\` sets one`));
    print.result(found, () => policyText(found, print));
  });

  const { onDrift, onRevokedKey, onUnverified } = policyChangedSchema.shape.data.shape;
  const set = policy
    .command('set')
    .description('change what nodes of a group do by themselves; what is not named stays')
    .addOption(groupOption())
    .addOption(new Option('--on-drift <what>', 'when somebody else changes a hook').choices(onDrift.options))
    .addOption(
      new Option('--on-revoked-key <what>', 'when a KF runs whose signer is no longer trusted').choices(
        onRevokedKey.options,
      ),
    )
    .addOption(
      new Option('--probation <seconds>', 'how long the generation before is kept').argParser(wholeNumber),
    )
    .addOption(
      new Option(
        '--on-unverified <what>',
        'before a version goes where its kernel was never asked about it',
      ).choices(onUnverified.unwrap().options),
    );
  action<PolicyOptions>(set, surroundings, async (session, options) => {
    const { group, probation } = options;
    const { onDrift, onRevokedKey, onUnverified } = options;
    const named = {
      ...(onDrift && { onDrift }),
      ...(onRevokedKey && { onRevokedKey }),
      ...(probation !== undefined && { probationSeconds: probation }),
      ...(onUnverified && { onUnverified }),
    };
    if (Object.keys(named).length === 0)
      throw new UsageError(
        'Name what is to change: --on-drift, --on-revoked-key, --probation, --on-unverified',
      );
    const change = (before: Policy): Policy => ({ ...before, ...named });
    const { value, changed } = await changeWhole(session, wholeOf(group), change);
    session.print.result({ ...value, changed }, () => policyText(value, session.print));
    session.print.note(changed ? 'nodes hear of it within 15 seconds' : 'it was so already');
  });
}

const pathOf = (group: string): string => `/v1/policies/${encodeURIComponent(group)}`;

/** As nodes do that were told nothing. */
const wholeOf = (group: string): Whole<Policy> => ({
  path: pathOf(group),
  schema: policyChangedSchema.shape.data,
  none: { group, onDrift: 'repair', onRevokedKey: 'report', probationSeconds: 10 },
  bodyOf: ({ group: _group, ...policy }) => policy,
});

const policyText = (policy: Policy, print: Printer): string =>
  print.facts([
    ['group', policy.group],
    ['on drift', policy.onDrift],
    ['on a revoked key', policy.onRevokedKey],
    ['probation', `${policy.probationSeconds} s`],
    ['on an unverified kernel', policy.onUnverified ?? 'warn'],
  ]);
