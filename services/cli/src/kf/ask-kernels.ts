import { packageViewSchema, parsePackageReference, verificationAcceptedSchema } from '@l3af/contracts';
import type { Session } from '../session';
import { UsageError } from '../usage';
import { awaitKernels } from './await-kernels';
import { chooseVersion } from './choose-version';

/**
 * Has builders ask their kernels about a version, whoever made it. `all`: every kernel that there is, without waiting, for nobody
 * knows which they are; else a list of releases such as `6.1,6.12`, and their answers are waited for.
 */
export async function askKernels(session: Session, text: string, asked: string): Promise<void> {
  const { api, print } = session;
  const kernels = asked === 'all' ? [] : asked.split(',');
  if (kernels.some((kernel) => !/^\d+\.\d+/.test(kernel)))
    throw new UsageError(`Cannot ask kernels "${asked}": needs "all", or releases such as 6.1,6.12`);
  const { name, version, digest } = parsePackageReference(text)!;
  const path = `/v1/packages/${encodeURIComponent(name)}`;
  const chosen = chooseVersion(await api.ask(path, packageViewSchema), version ?? digest);
  const verify = `${path}/versions/${encodeURIComponent(chosen.version)}/verify`;
  const bodies = kernels.length === 0 ? [{}] : kernels.map((kernel) => ({ kernel }));
  for (const body of bodies) await api.ask(verify, verificationAcceptedSchema, { method: 'POST', body });
  await awaitKernels(session, chosen, kernels);
  const of = `${name}@${chosen.version}`;
  const value = { name, version: chosen.version, digest: chosen.digest, kernels };
  print.result(value, () =>
    kernels.length === 0
      ? `every kernel that builders have is asked about ${of}; \`l3af kf show ${of}\` will tell what they said`
      : `${of} is verified on ${kernels.join(', ')}`,
  );
}
