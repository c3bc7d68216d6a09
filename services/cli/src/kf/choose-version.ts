import { L3afError, cannot, type PackageVersionView, type PackageView } from '@l3af/contracts';

/** The version or digest that was asked for; without, the newest that is not yanked. */
export function chooseVersion(view: PackageView, wanted: string | undefined): PackageVersionView {
  const chosen =
    wanted === undefined
      ? (view.versions.find(({ yanked }) => yanked === null) ?? view.versions[0])
      : view.versions.find(({ version, digest }) => version === wanted || digest === wanted);
  if (chosen) return chosen;
  const state = wanted === undefined ? 'it has no versions' : 'no such version';
  throw new L3afError('unknown-version', cannot('use', 'package', `${view.name}@${wanted ?? ''}`, state));
}
