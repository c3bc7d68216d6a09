import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { L3afError, cannot, trustChangedSchema, trustedRootSchema } from '@l3af/contracts';
import { openTrustedRoot, signersOfPem } from '@l3af/oci';
import type { Command } from 'commander';
import { changeWhole, hintWhenNone, type Whole } from '../api/set-whole';
import { readKey } from '../kf/signing.commands';
import { groupOption } from '../policy/policy.commands';
import type { CommonOptions, Session } from '../session';
import type { Surroundings } from '../surroundings';
import { UsageError, action } from '../usage';
import { restoring, revoking, withIdentity, without, withSigner, type Trust } from './change-trust';
import { trustText } from './trust.table';

interface GroupOptions extends CommonOptions {
  group: string;
}
interface AddOptions extends GroupOptions {
  key?: string;
  identity?: string;
  issuer?: string;
  trustedRoot?: string;
  root?: string;
  packages: string[];
}

/** `l3af trust show`, `add`, `remove` and `revoke`. */
export function addTrustCommands(trust: Command, surroundings: Surroundings): void {
  const show = trust.command('show').description('whom a group of nodes trusts').addOption(groupOption());
  action<GroupOptions>(show, surroundings, async ({ api, print }, { group }) => {
    const found = await api
      .ask(pathOf(group), trustChangedSchema.shape.data)
      .catch(hintWhenNone(`\`l3af trust add NAME --key FILE --group ${group}\` trusts somebody`));
    print.result(found, () => trustText(found, print));
  });

  const add = trust
    .command('add')
    .description('trust a key, or an identity that signs with certificates')
    .argument('<name>', 'of whom; a name stands for one key')
    .option('--key <file>', 'a public key, PEM: ECDSA P-256 or ed25519')
    .option('--identity <pattern>', 'whose certificate it must be, an email address or URI; * is anything')
    .option('--issuer <pattern>', 'who must have vouched for the identity; * is anything')
    .option('--trusted-root <file>', "sigstore's trusted_root.json, which its certificates are held against")
    .option('--root <name>', "the root's name in the group; default: the file's")
    .option('--packages <patterns...>', 'names of packages that it is trusted for; * is anything', ['*'])
    .addOption(groupOption());
  action<AddOptions>(add, surroundings, async (session, options, [name]) => {
    const change = await addition(name!, options);
    await settle(session, options.group, change);
  });

  const remove = trust
    .command('remove')
    .description('trust somebody no longer in this group')
    .argument('<name>', 'of whom')
    .addOption(groupOption());
  action<GroupOptions>(remove, surroundings, (session, { group }, [name]) =>
    settle(session, group, (before) => without(before, name!)),
  );

  const revoke = trust
    .command('revoke')
    .description('have nodes of the group refuse a key or identity, whoever else trusts it')
    .argument('<who>', 'a name in the group, the id of a key, or an identity')
    .option('--undo', 'take the revocation back')
    .addOption(groupOption());
  action<GroupOptions & { undo?: boolean }>(revoke, surroundings, (session, { group, undo }, [who]) =>
    settle(session, group, (before) => (undo ? restoring(before, who!) : revoking(before, who!))),
  );
}

const pathOf = (group: string): string => `/v1/trust/${encodeURIComponent(group)}`;

const wholeOf = (group: string): Whole<Trust> => ({
  path: pathOf(group),
  schema: trustChangedSchema.shape.data,
  none: { group, signers: [], revoked: [] },
  bodyOf: ({ group: _group, ...trust }) => trust,
});

async function settle(session: Session, group: string, change: (before: Trust) => Trust): Promise<void> {
  const { value, changed } = await changeWhole(session, wholeOf(group), change);
  session.print.result({ ...value, changed }, () => trustText(value, session.print));
  session.print.note(changed ? 'nodes hear of it within 15 seconds' : 'it was so already');
}

async function addition(name: string, options: AddOptions): Promise<(before: Trust) => Trust> {
  const { key, identity, issuer, trustedRoot: file, root: rootName, packages } = options;
  if ((key === undefined) === (identity === undefined))
    throw new UsageError('Name either --key FILE, or --identity and --issuer');
  if (key !== undefined) {
    const [signer, ...more] = signersOfPem(await readKey(key), name);
    if (!signer || more.length > 0) {
      const state = `it holds ${signer ? 'several public keys' : 'no public key'}, needs one in PEM`;
      throw new L3afError('invalid-request', cannot('use', 'key', key, state));
    }
    return (before) => withSigner(before, { ...signer, packages });
  }
  const root = rootName ?? (file === undefined ? undefined : basename(file).replace(/\.json$/, ''));
  if (issuer === undefined || root === undefined)
    throw new UsageError('--identity needs --issuer, and --trusted-root or the --root of one that is there');
  const document = file === undefined ? undefined : await readRoot(file, root);
  const added = { name, packages, identity: identity!, issuer, root, ...(document && { document }) };
  return (before) => withIdentity(before, added);
}

async function readRoot(file: string, name: string): Promise<Record<string, unknown>> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new L3afError('invalid-request', `Cannot read trusted root "${file}": ${cause.message}`);
  });
  const root = trustedRootSchema.shape.root.safeParse(jsonOf(text)).data ?? {};
  await openTrustedRoot({ name, root }); // what is none is told as such
  return root;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
